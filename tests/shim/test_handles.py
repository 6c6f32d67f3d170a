# SPDX-License-Identifier: MIT
"""Handles: a second release does nothing, a stale one is seen, scopes free temporaries."""

from __future__ import annotations

import threading
from ctypes import byref, c_void_p

import pytest

import shim
from shim import ADD, Object, ShimError, Tensor, binary, call, create, live


def test_second_release_does_nothing() -> None:
    one = create([2])
    stale = c_void_p(one.handle.value)
    call("ft_release", stale)
    call("ft_release", stale)
    other = create([3])
    assert other.handle.value != stale.value
    call("ft_release", stale)
    assert other.shape() == [3]


def test_slot_is_used_again_with_another_generation() -> None:
    seen = set()
    for _ in range(1000):
        seen.add(create([1]).handle.value)
    assert len(seen) == 1000
    assert len({handle & 0xFFFFFFFF for handle in seen}) == 1


def test_stale_handle_is_not_the_next_object() -> None:
    stale = c_void_p(create([2]).handle.value)
    other = create([3])
    assert other.handle.value & 0xFFFFFFFF == stale.value & 0xFFFFFFFF
    with pytest.raises(ShimError, match="was released"):
        call("ft_tensor_zero", byref(stale))


def test_many_objects_at_once() -> None:
    tensors = [create([i % 7 + 1]) for i in range(5000)]
    assert all(tensor.shape() == [i % 7 + 1] for i, tensor in enumerate(tensors))


def test_release_of_no_handle() -> None:
    call("ft_release", None)
    with pytest.raises(ShimError, match="no handle"):
        call("ft_release", c_void_p(0xF))


def test_threads_make_and_release() -> None:
    before = live()
    wrong = []

    def work(extent: int) -> None:
        for _ in range(500):
            one = create([extent])
            both = binary(ADD, one, one)
            if both.shape() != [extent] or both.numpy()[0] != 2:
                wrong.append(extent)

    threads = [threading.Thread(target=work, args=(i + 1,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert live() == before


def test_copies_share_a_model(models) -> None:
    model = shim.load(models / "scaling.pt")
    copy = Object()
    call("ft_model_copy", model.handle, copy.target)
    assert live()[1] == 2
    call("ft_release", model.handle)
    y = shim.anything([3])
    shim.forward(copy, [create([3])], [y])
    assert y.numpy().tolist() == [2, 2, 2]


def test_copies_share_an_optimizer() -> None:
    weight = create([2], requires_grad=1)
    optimizer = shim.optimizer(0, [weight], [0.5, 0, 0, 0, 0, 0])
    copy = Object()
    call("ft_optim_copy", optimizer.handle, copy.target)
    call("ft_release", optimizer.handle)
    weight.backward()
    call("ft_optim_step", copy.handle)
    assert weight.numpy().tolist() == [0.5, 0.5]


def test_scope_frees_temporaries_only() -> None:
    a = create([2])
    call("ft_scope_begin", 0)
    temporary, kept, copy = binary(ADD, a, a), binary(ADD, a, a), Tensor()
    call("ft_tensor_clear_temporary", kept.handle)
    copy.assign(temporary)
    made = create([4])
    call("ft_scope_end")
    assert kept.shape() == copy.shape() == [2]
    assert made.shape() == [4]
    with pytest.raises(ShimError, match="was released"):
        temporary.shape()


def test_scopes_nest() -> None:
    a = create([2])
    call("ft_scope_begin", 0)
    outer = binary(ADD, a, a)
    call("ft_scope_begin", 0)
    inner = binary(ADD, a, a)
    call("ft_scope_end")
    assert outer.shape() == [2]
    with pytest.raises(ShimError):
        inner.shape()
    call("ft_scope_end")
    with pytest.raises(ShimError):
        outer.shape()


def test_scope_end_without_begin() -> None:
    with pytest.raises(ShimError, match="no scope is open") as failure:
        call("ft_scope_end")
    assert failure.value.status == "ft_invalid_argument"


def test_long_scope_keeps_what_lives() -> None:
    a = create([1])
    call("ft_scope_begin", 0)
    first = binary(ADD, a, a)
    for _ in range(5000):
        binary(ADD, a, a)
    assert first.shape() == [1]
    call("ft_scope_end")
    with pytest.raises(ShimError):
        first.shape()


def test_what_is_written_gets_another_handle() -> None:
    others = live()[0]
    a, target = create([2]), create([2])
    writes = [
        lambda: binary(ADD, a, a, into=target),
        lambda: target.assign(a),
        lambda: target.assign(binary(ADD, a, a)),
        lambda: target.zero(),
        lambda: call("ft_tensor_to", a.handle, target.target, 0, 0),
    ]
    for write in writes:
        before = c_void_p(target.handle.value)
        write()
        assert target.handle.value & 0xFFFFFFFF == before.value & 0xFFFFFFFF
        with pytest.raises(ShimError, match="was released"):
            call("ft_tensor_text", before)
    assert target.numpy().tolist() == [1, 1]
    assert live()[0] == others + 2
