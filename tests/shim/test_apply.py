# SPDX-License-Identifier: MIT
"""Functions of the caller in the graph, by callbacks: threads, ends of objects, refusals."""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Callable
from ctypes import CFUNCTYPE, POINTER, byref, c_int, c_int32, c_int64, c_void_p

import numpy as np
import pytest

import shim
from shim import LIBRARY, MUL, STATUS, ShimError, Tensor, call, create, handles, live, wrap

Forward = CFUNCTYPE(c_int, c_void_p, POINTER(c_void_p), c_int64, POINTER(c_void_p), c_int64)
Backward = CFUNCTYPE(
    c_int,
    *(c_void_p, POINTER(c_void_p), c_int64, POINTER(c_void_p)),
    *(POINTER(c_void_p), POINTER(c_void_p), c_int64),
)
Copy = CFUNCTYPE(c_void_p, c_void_p)
Release = CFUNCTYPE(None, c_void_p)


class Function(ctypes.Structure):
    """ft_function; counts the contexts that are alive."""

    _fields_ = (
        ("context", c_void_p),
        ("forward", Forward),
        ("backward", Backward),
        ("copy", Copy),
        ("release", Release),
        ("is_thread_safe", c_int32),
    )


def product(target, a, b) -> int:
    """The product of two tensors as a new one."""
    made = c_void_p()
    status = LIBRARY.ft_tensor_binary(MUL, c_void_p(a), c_void_p(b), byref(made))
    target[0] = made
    return status


class Square:
    """x*x by callbacks."""

    def __init__(self, thread_safe: int = 0, during: Callable[[], None] = lambda: None) -> None:
        self.alive = 0
        self.during = during
        self.function = Function(
            None,
            Forward(self.forward),
            Backward(self.backward),
            Copy(self.copy),
            Release(self.release),
            thread_safe,
        )

    def forward(self, _, outputs, outputs_size, inputs, inputs_size) -> int:
        self.during()
        return product(outputs, inputs[0], inputs[0])

    def backward(self, _, gradients, size, output_gradients, inputs, outputs, outputs_size) -> int:
        self.during()
        half = (c_void_p * 1)()
        status = product(half, output_gradients[0], inputs[0])
        twice = c_void_p()
        number = shim.Scalar(2.0)
        status = status or LIBRARY.ft_tensor_binary_right(
            MUL, c_void_p(half[0]), byref(number), byref(twice)
        )
        LIBRARY.ft_release(c_void_p(half[0]))
        gradients[0] = twice
        return status

    def copy(self, _) -> int:
        self.alive += 1
        return 1

    def release(self, _) -> None:
        self.alive -= 1

    def __call__(self, x: Tensor) -> Tensor:
        self.alive += 1
        self.function.context = 1
        memory = (c_void_p * 1)()
        one = c_int64(1)
        call("ft_apply", byref(self.function), handles([x]), one, memory, one)
        result = Tensor()
        result.handle.value = memory[0]
        return result


def test_square() -> None:
    square = Square()
    before = live()
    x = wrap(np.array([2.0, 3.0]), 1)
    y = square(x)
    y.backward()
    assert x.gradient().numpy().tolist() == [4, 6]
    assert square.alive == 1
    del y, x
    assert square.alive == 0
    assert live() == before


def test_object_ends_when_the_call_fails() -> None:
    square = Square()
    with pytest.raises(ShimError, match=r"inputs\(1\): the tensor holds nothing") as failure:
        square(Tensor())
    assert failure.value.status == "ft_invalid_argument"
    assert square.alive == 0


def test_null_pointers() -> None:
    square = Square()
    square.function.release = Release()
    with pytest.raises(ShimError, match="function has null pointers"):
        square(create([2]))


def most_at_once(thread_safe: int, backward: bool) -> int:
    """How many threads were in callbacks at once."""
    inside, most, lock = 0, 0, threading.Lock()

    def during() -> None:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        time.sleep(0.05)
        with lock:
            inside -= 1

    square = Square(thread_safe, during)
    ready = threading.Barrier(3)

    def run() -> None:
        x = wrap(np.array([2.0]), 1)
        ready.wait()
        y = square(x)
        if backward:
            y.backward()
            assert x.gradient().numpy().tolist() == [4]

    threads = [threading.Thread(target=run) for _ in range(3)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert square.alive == 0
    return most


@pytest.mark.parametrize("backward", [False, True])
def test_one_thread_at_a_time(backward: bool) -> None:
    assert most_at_once(0, backward) == 1


def test_threads_at_once_where_the_function_says_so() -> None:
    assert most_at_once(1, True) > 1


def test_pass_within_a_callback_lets_others_run() -> None:
    """A thread that waits within its callback for another's callback gives its turn away."""
    inner = Square()
    leaf = wrap(np.array([1.0]), 1)
    graph = inner(leaf)

    def other() -> None:
        one = wrap(np.array([2.0]), 1)
        inner(one).backward()

    def during() -> None:
        thread = threading.Thread(target=other)
        thread.start()
        # The turn is given away while the graph of this thread runs, again and again.
        while thread.is_alive():
            graph.backward(retain_graph=True)
        thread.join()

    x = wrap(np.array([3.0]), 1)
    y = Square(0, during)(x)
    y.backward()
    assert x.gradient().numpy().tolist() == [6]


def test_failure_of_the_callback() -> None:
    square = Square()

    def fail(*_) -> int:
        return LIBRARY.ft_fail(STATUS["ft_io_error"], b"the disk is full")

    kept, square.function.backward = square.function.backward, Backward(fail)
    x = wrap(np.array([2.0]), 1)
    y = square(x)
    with pytest.raises(ShimError, match="backward of the function failed: the disk is full") as e:
        y.backward()
    assert e.value.status == "ft_io_error"
    square.function.backward = kept
    LIBRARY.ft_release(y.handle)
    assert square.alive == 0
