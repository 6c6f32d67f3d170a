# SPDX-License-Identifier: MIT
"""Sections of tensors that are written: in place, where no graph is wanted."""

from __future__ import annotations

from collections.abc import Callable
from ctypes import c_int64

import numpy as np
import pytest
import torch

import shim
from shim import Tensor, create, wrap

SIZE, FIRST, LAST = 100_000, 11, 20


def set_slice(x: Tensor, values: Tensor) -> None:
    section = c_int64(1), c_int64(FIRST), c_int64(LAST)
    shim.call("ft_tensor_set_slice", x.target, *section, values.handle)


def allocated(action: Callable[[], None]) -> int:
    """The bytes that LibTorch allocates on this thread."""
    activities = [torch.profiler.ProfilerActivity.CPU]
    with torch.profiler.profile(activities=activities, profile_memory=True) as profile:
        action()
    events = profile.profiler.kineto_results.events()
    return sum(one.nbytes() for one in events if one.name() == "[memory]" and one.nbytes() > 0)


def array() -> Tensor:
    return wrap(np.ones(SIZE))


def own() -> Tensor:
    return create([SIZE], "float64")


@pytest.mark.parametrize("make", [array, own])
def test_numbers_are_written_in_place(make: Callable[[], Tensor]) -> None:
    x, expected = make(), np.ones(SIZE)
    expected[FIRST - 1 : LAST] = 7
    values = wrap(np.full(LAST - FIRST + 1, 7.0))
    assert allocated(lambda: set_slice(x, values)) < 1000
    assert (x.numpy() == expected).all()
    if make is array:
        assert (x.array == expected).all()


@pytest.mark.parametrize("make", [array, own])
def test_who_shares_the_numbers_keeps_them(make: Callable[[], Tensor]) -> None:
    """A graph that saved x, and a copy that an assignment may have shared."""
    x, weight = make(), wrap(np.full(1, 3.0), requires_grad=1)
    copy = Tensor().assign(x)
    product = shim.binary(shim.MUL, x, weight)
    set_slice(x, wrap(np.full(LAST - FIRST + 1, 7.0)))
    assert (copy.numpy() == 1).all()
    shim.unary(shim.SUM, product).backward()
    assert weight.gradient().numpy().tolist() == [SIZE]
    assert (x.numpy()[FIRST - 1 : LAST] == 7).all()


@pytest.mark.parametrize("make", [array, own])
def test_a_graph_that_is_wanted_is_made(make: Callable[[], Tensor]) -> None:
    x, values = make(), wrap(np.full(LAST - FIRST + 1, 2.0), requires_grad=1)
    assert allocated(lambda: set_slice(x, values)) >= 8 * SIZE
    shim.unary(shim.SUM, shim.binary(shim.MUL, x, x)).backward()
    assert (values.gradient().numpy() == 4).all()
