# SPDX-License-Identifier: MIT
"""What a statement replaced stays readable for copies of its handle, until it is over."""

from __future__ import annotations

import ctypes
import gc
import mmap
import threading
from collections.abc import Callable
from ctypes import c_void_p
from pathlib import Path

import numpy as np
import pytest

import shim
from shim import ADD, MUL, Object, ShimError, Tensor, binary, call, create, live, wrap


class Bits(Tensor):
    """A bit copy of a tensor, which owns nothing."""

    def __init__(self, tensor: Tensor) -> None:
        super().__init__()
        self.handle = c_void_p(tensor.handle.value)

    def __del__(self) -> None:
        pass


def number(value: float) -> Tensor:
    """A tensor of two numbers, both `value`."""
    tensor = create([2])
    tensor.assign(binary(MUL, tensor, value))
    return tensor


def array(value: float) -> Tensor:
    """The same over an array."""
    return wrap(np.full(2, value, "f4"))


def leaf(value: float) -> Tensor:
    """The same, which keeps a gradient."""
    return wrap(np.full(2, value, "f4"), requires_grad=1)


def move(tensors: list[Tensor], order: list[int]) -> None:
    """`t = t(order)` as compilers do it: bit copies first, then assignments one by one."""
    copies = [Bits(tensors[i]) for i in order]
    for tensor, copy in zip(tensors, copies):
        tensor.assign(copy, source_is_copy=True)


@pytest.mark.parametrize("order", [[1, 2, 0], [2, 1, 0], [0, 0, 1], [2, 2, 2], [1, 0, 0]])
@pytest.mark.parametrize("kinds", [[number] * 3, [array] * 3, [leaf] * 3, [number, array, leaf]])
def test_elements_move(kinds: list[Callable[[float], Tensor]], order: list[int]) -> None:
    others = live()[0]
    tensors = [kind(float(i)) for i, kind in enumerate(kinds)]
    for _ in range(2):
        expected = [tensors[i].numpy()[0] for i in order]
        move(tensors, order)
        assert [tensor.numpy()[0] for tensor in tensors] == expected
        for tensor, value in zip(tensors, expected):
            if hasattr(tensor, "array"):
                assert tensor.array.tolist() == [value, value]
    assert live()[0] == others + 3


def test_statements_in_a_row_do_not_mix() -> None:
    a, b, c = array(1), array(2), Tensor()
    move([a, b], [1, 0])
    move([a, b], [1, 0])
    c.assign(Bits(a), source_is_copy=True)
    a.assign(b)
    assert (a.numpy()[0], b.numpy()[0], c.numpy()[0]) == (2, 2, 1)


def test_moved_elements_stay_in_the_graph() -> None:
    x = leaf(3)
    tensors = [number(1), binary(MUL, x, x)]
    call("ft_tensor_clear_temporary", tensors[1].handle)
    move(tensors, [1, 0])
    tensors[0].backward()
    gradient = Tensor()
    call("ft_tensor_gradient", x.handle, gradient.target)
    assert gradient.numpy().tolist() == [6, 6]


def test_ended_variables_are_readable() -> None:
    others = shim.LIBRARY.ft_tensor_live()
    a, b = number(1), number(2)
    copies = [Bits(b), Bits(a)]
    for one in (a, b):
        call("ft_retire", one.handle)
        one.handle = c_void_p()
    assert shim.LIBRARY.ft_tensor_live() == others
    a.assign(copies[0], source_is_copy=True)
    b.assign(copies[1], source_is_copy=True)
    assert (a.numpy()[0], b.numpy()[0]) == (2, 1)


def test_nothing_is_readable_after_the_statement() -> None:
    a, b, c = number(1), number(2), Tensor()
    copy = Bits(a)
    a.assign(Bits(b), source_is_copy=True)
    b.shape()
    with pytest.raises(ShimError, match="right-hand side was released"):
        c.assign(copy, source_is_copy=True)


def test_the_end_of_a_temporary_ends_the_statement() -> None:
    a, c = number(1), Tensor()
    copy = Bits(a)
    temporary = binary(ADD, a, a)
    a.assign(temporary)
    call("ft_release", temporary.handle)
    with pytest.raises(ShimError, match="right-hand side was released"):
        c.assign(copy, source_is_copy=True)


def test_an_array_that_a_result_overwrote_is_not_read() -> None:
    a, b = array(1), array(2)
    copy, temporary = Bits(a), binary(ADD, b, b)
    a.assign(temporary)
    with pytest.raises(ShimError, match="right-hand side was released"):
        b.assign(copy, source_is_copy=True)
    assert b.array.tolist() == [2, 2]


def test_other_threads_do_not_see_it() -> None:
    a, b, c = number(1), number(2), Tensor()
    copy, failures = Bits(a), []
    a.assign(Bits(b), source_is_copy=True)

    def read() -> None:
        try:
            Tensor().assign(copy, source_is_copy=True)
        except ShimError as error:
            failures.append(error.status)

    thread = threading.Thread(target=read)
    thread.start()
    thread.join()
    assert failures == ["ft_invalid_argument"]
    c.assign(copy, source_is_copy=True)
    assert c.numpy()[0] == 1


def test_a_retired_model_can_be_copied(models) -> None:
    others = live()[1]
    model, copy = shim.load(models / "scaling.pt"), Object()
    call("ft_retire", model.handle)
    call("ft_model_copy", model.handle, copy.target)
    assert live()[1] == others + 1
    with pytest.raises(ShimError, match="was released"):
        call("ft_model_copy", model.handle, Object().target)


def test_threads_that_end_leave_nothing() -> None:
    others = live()

    def work() -> None:
        a, b = number(1), number(2)
        move([a, b], [1, 0])

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert live() == others


def test_assignments_alone_keep_a_bounded_number() -> None:
    """Each statement replaces the same three tensors by copies of their handles."""
    tensors = [create([100_000]) for _ in range(3)]
    for _ in range(30):  # until the allocator keeps what it needs
        move(tensors, [1, 2, 0])
    before = resident()
    for _ in range(100):
        move(tensors, [1, 2, 0])
    assert resident() - before < 4_000_000


def resident() -> int:
    """Resident memory in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def meant(place: int, source: Tensor) -> tuple[int | None, int | None]:
    """What `ft_tensor_meant` makes of a place and a source."""
    home, handle = c_void_p(place), c_void_p(source.handle.value)
    call("ft_tensor_meant", ctypes.byref(home), ctypes.byref(handle))
    return home.value, handle.value


def test_bits_at_the_place_of_an_original() -> None:
    moved, again = number(1), number(2)
    bits = (c_void_p * 2)(moved.handle, None)
    place = ctypes.addressof(bits)
    assert meant(place, again) == (place, moved.handle.value)
    bits[1] = place
    assert meant(place, again) == (None, again.handle.value), "an original stands there"
    bits[:] = [12345, None]
    assert meant(place, again) == (None, again.handle.value), "no tensor stands there"
    bits[:] = [None, None]
    assert meant(place, again) == (None, again.handle.value), "nothing stands there"


def test_place_of_an_original_that_is_gone() -> None:
    source = number(2)
    page = mmap.mmap(-1, mmap.PAGESIZE)
    place = ctypes.addressof(ctypes.c_char.from_buffer(page))
    gc.collect()
    page.close()
    assert meant(place, source) == (None, source.handle.value)
    assert meant(8, source) == (None, source.handle.value)
