# SPDX-License-Identifier: MIT
"""float16 and bfloat16, which Fortran does not have: in and out as PyTorch converts."""

from __future__ import annotations

from ctypes import byref, c_int64

import numpy as np
import pytest
import torch
from arguments import bits

from shim import ShimError, Tensor, call, create, extents, options, wrap

REDUCED = {"float16": (5, torch.float16), "bfloat16": (15, torch.bfloat16)}
SHAPES = [(), (5,), (3, 4), (2, 3, 4), (0, 2)]
SPECIAL = [
    *(0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, 1 / 3),
    *(65504.0, 65519.99, 65520.0, 70000.0, 1e30, -1e38, 3.4e38),
    *(6e-8, 2.9e-8, 1e-7, 6.1e-5, 1e-40, 1.1754944e-38, 9.2e-41),
]


def reduced(shape: tuple[int, ...], dtype: str) -> Tensor:
    result, size = Tensor(), len(shape)
    place = byref(options(REDUCED[dtype][0]))
    call("ft_tensor_create", 1, size, extents(shape), c_int64(size), place, result.target)
    return result


def convert(source: Tensor, target: Tensor, lossy: bool = False) -> None:
    call("ft_tensor_to", source.handle, target.target, 0, int(lossy))


@pytest.mark.parametrize("dtype", REDUCED)
@pytest.mark.parametrize("wide", ["float32", "float64"])
@pytest.mark.parametrize("shape", SHAPES)
def test_there_and_back(dtype: str, wide: str, shape, generator) -> None:
    array = np.array(generator.normal(scale=100, size=shape), wide, order="F")
    narrow, back = reduced(shape, dtype), wrap(np.full(shape, -1, wide, order="F"))
    convert(wrap(array), narrow, lossy=True)
    convert(narrow, back)
    expected = torch.tensor(array).to(REDUCED[dtype][1]).to(getattr(torch, wide))
    assert bits(back.array) == bits(np.array(expected.numpy(), order="F"))
    assert narrow.shape() == list(shape)


@pytest.mark.parametrize("dtype", REDUCED)
@pytest.mark.parametrize("wide", ["float32", "float64"])
def test_special_values(dtype: str, wide: str) -> None:
    with np.errstate(over="ignore"):
        array = np.array(SPECIAL, wide)
    narrow, back = reduced(array.shape, dtype), wrap(np.zeros(array.shape, wide))
    convert(wrap(array), narrow, lossy=True)
    convert(narrow, back)
    expected = torch.tensor(array).to(REDUCED[dtype][1]).to(getattr(torch, wide)).numpy()
    assert np.array_equal(back.array, expected, equal_nan=True)
    assert np.array_equal(np.signbit(back.array), np.signbit(expected))
    assert np.isinf(back.array[3])


@pytest.mark.parametrize("dtype", REDUCED)
def test_what_can_lose_numbers_is_asked_for(dtype: str) -> None:
    narrow = reduced((2,), dtype)
    for wide in ("float32", "float64", "int16", "complex64"):
        with pytest.raises(ShimError, match=f"source_tensor has dtype {wide}.*lossy=.true."):
            convert(create([2], wide), narrow)
    convert(create([2], "int8"), narrow)
    other = next(name for name in REDUCED if name != dtype)
    with pytest.raises(ShimError, match=f"source_tensor has dtype {dtype}"):
        convert(narrow, reduced((2,), other))
    back = wrap(np.zeros(2, "f4"))
    convert(narrow, back)
    assert back.array.tolist() == [1, 1]


@pytest.mark.parametrize("dtype", REDUCED)
def test_gradients_pass(dtype: str) -> None:
    weight = wrap(np.array([0.1, 2.0], "f4"), 1)
    narrow, back = reduced((2,), dtype), wrap(np.zeros(2, "f4"))
    convert(weight, narrow, lossy=True)
    convert(narrow, back)
    back.backward(wrap(np.array([3.0, 5.0], "f4")))
    assert weight.gradient().numpy().tolist() == [3, 5]
