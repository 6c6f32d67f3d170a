# SPDX-License-Identifier: MIT
"""Random numbers beside tensors of every dtype against PyTorch; what does not fit is refused."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from functions import reference

from catalog.functions import FUNCTIONS, Function
from shim import DTYPES, ShimError, binary, create, wrap

SIDES = ("left", "right")


def random_number(source: random.Random) -> float:
    """An integer of any size, the ends of an integer type, or a real number."""
    kind = source.randrange(4)
    if kind == 0:
        return source.randint(-(2**63), 2**63 - 1) >> source.randrange(64)
    if kind == 1:
        end = 2 ** source.choice([7, 8, 15, 16, 24, 31, 32, 53, 62])
        return source.choice([-1, 1]) * end + source.randint(-2, 2)
    if kind == 2:
        return source.randint(-4, 4)
    return source.uniform(-2, 2) * 10.0 ** source.randint(-30, 30)


def fits(value: float, dtype: str) -> bool:
    if isinstance(value, float) or not dtype.startswith("int"):
        return True
    return np.iinfo(dtype).min <= value <= np.iinfo(dtype).max


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize(
    "row", [row for row in FUNCTIONS if row.takes_numbers], ids=lambda row: row.name
)
@pytest.mark.parametrize("dtype", DTYPES)
def test_random_numbers(dtype: str, row: Function, side: str, generator) -> None:
    source = random.Random(int(generator.integers(2**32)))
    number = FUNCTIONS.index(row)
    for _ in range(40):
        value = random_number(source)
        array = generator.integers(0, 4, source.choice([(), (3,), (2, 2)])).astype(dtype)
        operands = (value, wrap(array)) if side == "left" else (wrap(array), value)
        if row.keeps_integers and not fits(value, dtype):
            with pytest.raises(ShimError, match=f"number {value} does not fit the dtype {dtype}"):
                binary(number, *operands)
            continue
        tensor = torch.tensor(array)
        x, y = (value, tensor) if side == "left" else (tensor, value)
        try:
            expected = reference(row, x, y)
        except RuntimeError:
            with pytest.raises(ShimError):
                binary(number, *operands)
            continue
        got = binary(number, *operands)
        assert got.dtype() == str(expected.dtype).removeprefix("torch."), value
        # PyTorch divides a number by a tensor as its product with a reciprocal: two roundings.
        rounding = 2 * torch.finfo(expected.dtype).eps if row.name == "div" else 0
        assert np.allclose(got.numpy(), expected.numpy(), rounding, 0, equal_nan=True), value


@pytest.mark.parametrize("side", SIDES)
def test_unsigned_bytes(side: str) -> None:
    """A Python number is wrapped around in PyTorch; ours is refused."""
    tensor = create([2], 0)
    for value in (-1, 256, 2**62):
        with pytest.raises(ShimError, match=f"{value} does not fit the dtype uint8") as failure:
            binary(0, *((value, tensor) if side == "left" else (tensor, value)))
        assert failure.value.status == "ft_dtype_mismatch"
