# SPDX-License-Identifier: MIT
"""Tensors made of numbers, and the random generators: bit for bit what PyTorch makes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from ctypes import byref, c_double, c_int64
from typing import Any

import numpy as np
import pytest
import torch
from arguments import Argument, argument_array, bits

from shim import DTYPES, ShimError, Tensor, call, create, extents, options, wrap

FULL, RAND, RANDN, RANDINT, ARANGE, LINSPACE, EYE = range(7)
REAL = ("float32", "float64")
INTEGER = ("int8", "int16", "int32", "int64")
COMPLEX = ("complex64", "complex128")


def fill(filling: int, shape: Sequence[int], numbers: Sequence[Any], dtype: str) -> Tensor:
    result = Tensor()
    sizes = c_int64(len(shape)), c_int64(len(numbers))
    given = argument_array([Argument(number) for number in numbers])
    place = byref(options(dtype))
    call(
        *("ft_tensor_fill", filling, len(shape), extents(shape), sizes[0], given, sizes[1]),
        *(place, result.target),
    )
    return result


CASES: list[tuple[int, tuple[int, ...], tuple[Any, ...], Sequence[str], Callable[..., Any]]] = [
    (FULL, (2, 3), (2.5,), (*REAL, *COMPLEX), lambda t: torch.full((2, 3), 2.5, dtype=t)),
    (FULL, (), (-7,), (*INTEGER, *REAL), lambda t: torch.full((), -7, dtype=t)),
    (FULL, (3,), (2**53 + 1,), ("int64",), lambda t: torch.full((3,), 2**53 + 1, dtype=t)),
    (FULL, (3,), (True,), ("bool", *INTEGER, *REAL), lambda t: torch.full((3,), True, dtype=t)),
    (FULL, (3,), (1 - 2j,), COMPLEX, lambda t: torch.full((3,), 1 - 2j, dtype=t)),
    (FULL, (3,), (3.0,), INTEGER, lambda t: torch.full((3,), 3, dtype=t)),
    (FULL, (0, 3), (3.0,), REAL, lambda t: torch.full((0, 3), 3, dtype=t)),
    (FULL, (1,), (float("nan"),), REAL, lambda t: torch.full((1,), float("nan"), dtype=t)),
    (RAND, (5, 4), (), (*REAL, *COMPLEX), lambda t: torch.rand(5, 4, dtype=t)),
    (RANDN, (5, 40), (), (*REAL, *COMPLEX), lambda t: torch.randn(5, 40, dtype=t)),
    (RANDINT, (50,), (-3, 9), (*INTEGER, *REAL), lambda t: torch.randint(-3, 9, (50,), dtype=t)),
    (RANDINT, (50,), (0, 2), ("bool",), lambda t: torch.randint(0, 2, (50,), dtype=t)),
    (RANDINT, (9,), (0, 2**62), ("int64",), lambda t: torch.randint(0, 2**62, (9,), dtype=t)),
    (ARANGE, (), (0, 10, 1), (*INTEGER, *REAL), lambda t: torch.arange(0, 10, dtype=t)),
    (ARANGE, (), (10, -5, -4), (*INTEGER, *REAL), lambda t: torch.arange(10, -5, -4, dtype=t)),
    (ARANGE, (), (0.5, 2.0, 0.25), REAL, lambda t: torch.arange(0.5, 2.0, 0.25, dtype=t)),
    (ARANGE, (), (3, 3, 1), (*INTEGER, *REAL), lambda t: torch.arange(3, 3, 1, dtype=t)),
    (
        ARANGE,
        (),
        (2**53, 2**53 + 3, 1),
        ("int64",),
        lambda t: torch.arange(2**53, 2**53 + 3, dtype=t),
    ),
    (ARANGE, (), (0, 128, 1), ("int8",), lambda t: torch.arange(0, 128, dtype=t)),
    (LINSPACE, (), (0, 1, 11), REAL, lambda t: torch.linspace(0, 1, 11, dtype=t)),
    (LINSPACE, (), (0, 10, 6), INTEGER, lambda t: torch.linspace(0, 10, 6, dtype=t)),
    (LINSPACE, (), (2.0, 3.0, 1), REAL, lambda t: torch.linspace(2, 3, 1, dtype=t)),
    (LINSPACE, (), (2.0, 3.0, 0), REAL, lambda t: torch.linspace(2, 3, 0, dtype=t)),
    (EYE, (), (3, 3), (*REAL, *INTEGER, *COMPLEX, "bool"), lambda t: torch.eye(3, dtype=t)),
    (EYE, (), (2, 4), REAL, lambda t: torch.eye(2, 4, dtype=t)),
]


@pytest.mark.parametrize("case", range(len(CASES)))
def test_as_pytorch(case: int) -> None:
    filling, shape, numbers, dtypes, expected = CASES[case]
    for dtype in dtypes:
        call("ft_manual_seed", c_int64(12345))
        got = fill(filling, shape, numbers, dtype)
        torch.manual_seed(12345)
        reference = expected(DTYPES[dtype][1])
        assert got.dtype() == dtype
        assert got.shape() == list(reference.shape)
        assert bits(got.numpy()) == bits(reference.numpy()), dtype


REFUSED: list[tuple[int, tuple[int, ...], tuple[Any, ...], str, str]] = [
    (FULL, (2,), (300,), "int8", "value is 300, which the dtype int8 cannot hold"),
    (FULL, (2,), (0.5,), "int32", "value is 0.5, which the dtype int32 cannot hold"),
    (FULL, (2,), (2,), "bool", "value is 2, which the dtype bool cannot hold"),
    (FULL, (2,), (1j,), "float64", r"value is \(0,1\), which the dtype float64 cannot hold"),
    (FULL, (2,), (1e300,), "float32", r"value is 1e\+300, which the dtype float32"),
    (FULL, (2,), (float("inf"),), "int64", "value is inf, which the dtype int64"),
    (FULL, (2,), (2.0**63,), "int64", "which the dtype int64 cannot hold"),
    (FULL, (2,), (None,), "float32", "value is no number of a kind that is known"),
    (FULL, (-2,), (1,), "float32", "negative extent"),
    (RAND, (2,), (), "int32", "the dtype is int32; it must be real or complex"),
    (RANDN, (2,), (), "bool", "it must be real or complex"),
    (RANDINT, (2,), (3, 3), "int32", "low is 3 and high is 3; low must be less"),
    (RANDINT, (2,), (0.5, 3), "int32", "low is 0.5; it must be an integer"),
    (RANDINT, (2,), (0, 300), "int8", "high - 1, is 299, which the dtype int8 cannot hold"),
    (RANDINT, (2,), (0, 3), "complex64", "the dtype is complex64"),
    (ARANGE, (), (0, 3, 0), "float32", "step is 0"),
    (ARANGE, (), (0, 3, -1), "float32", "start lies below end, but step is negative"),
    (ARANGE, (), (3, 0, 1), "float32", "start lies above end, but step is positive"),
    (ARANGE, (), (0, 3, 0.5), "int32", "step is 0.5; it must be an integer"),
    (ARANGE, (), (0, 300, 1), "int8", "the last element is 299, which the dtype int8"),
    (ARANGE, (), (0, float("inf"), 1), "float32", "end must be finite"),
    (ARANGE, (), (0, 3, 1), "complex64", "the dtype is complex64"),
    (LINSPACE, (), (0, 1, -1), "float32", "steps is -1; it must not be negative"),
    (LINSPACE, (), (0, 1, 2.5), "float32", "steps is 2.5; it must be an integer"),
    (LINSPACE, (), (0, 10, 4), "int32", "the numbers are not whole"),
    (LINSPACE, (), (0, 300, 4), "int8", "end is 300, which the dtype int8"),
    (EYE, (), (-1, 3), "float32", "negative extent"),
    (EYE, (), (2.5, 3), "float32", "n is 2.5; it must be an integer"),
]


@pytest.mark.parametrize("case", range(len(REFUSED)))
def test_refused(case: int) -> None:
    filling, shape, numbers, dtype, message = REFUSED[case]
    with pytest.raises(ShimError, match=message):
        fill(filling, shape, numbers, dtype)


def test_reduced_precision() -> None:
    for code, dtype in [(5, torch.float16), (15, torch.bfloat16)]:
        call("ft_manual_seed", c_int64(3))
        result, wide = Tensor(), wrap(np.zeros(8, "f4"))
        place, none = byref(options(code)), argument_array([])
        call(
            *("ft_tensor_fill", RANDN, 1, extents([8]), c_int64(1), none, c_int64(0)),
            *(place, result.target),
        )
        call("ft_tensor_to", result.handle, wide.target, 0, 0)
        torch.manual_seed(3)
        expected = torch.randn(8, dtype=dtype).float().numpy()
        assert bits(wide.array) == bits(expected)
    with pytest.raises(ShimError, match="value is 70000, which the dtype float16 cannot hold"):
        call(
            *("ft_tensor_fill", FULL, 1, extents([8]), c_int64(1)),
            *(argument_array([Argument(70000)]), c_int64(1), byref(options(5)), result.target),
        )


def test_state_of_the_generator() -> None:
    state = Tensor()
    call("ft_manual_seed", c_int64(-1))
    call("ft_rng_state", state.target)
    first = fill(RANDN, (20,), (), "float32").numpy()
    torch.manual_seed(-1)
    assert bits(first) == bits(torch.randn(20).numpy())
    call("ft_set_rng_state", state.handle)
    assert bits(fill(RANDN, (20,), (), "float32").numpy()) == bits(first)
    for wrong in (create([5056]), fill_bytes(100), fill_bytes(5056)):
        before = Tensor()
        call("ft_rng_state", before.target)
        with pytest.raises(ShimError, match="state"):
            call("ft_set_rng_state", wrong.handle)
        expected = fill(RANDN, (20,), (), "float32").numpy()
        call("ft_set_rng_state", before.handle)
        assert bits(fill(RANDN, (20,), (), "float32").numpy()) == bits(expected)


def fill_bytes(size: int) -> Tensor:
    """A tensor of bytes, 255 each."""
    result, given = Tensor(), argument_array([Argument(255)])
    call(
        *("ft_tensor_fill", FULL, 1, extents([size]), c_int64(1), given, c_int64(1)),
        *(byref(options(0)), result.target),
    )
    return result


def item(tensor: Tensor) -> float:
    value = c_double(-1)
    call("ft_tensor_item", tensor.handle, byref(value))
    return value.value


@pytest.mark.parametrize("shape", [(), (1,), (1, 1, 1)])
def test_item(shape: tuple[int, ...]) -> None:
    for number, dtype in [(0.1, "float64"), (0.1, "float32"), (-7, "int8"), (2**53, "int64")]:
        expected = torch.full(shape, number, dtype=DTYPES[dtype][1]).item()
        assert item(fill(FULL, shape, (number,), dtype)) == expected
    assert item(fill(FULL, shape, (True,), "bool")) == 1
    with pytest.raises(ShimError, match=r"beyond 2\*\*53"):
        item(fill(FULL, shape, (2**53 + 1,), "int64"))
    with pytest.raises(ShimError, match="complex64"):
        item(fill(FULL, shape, (1,), "complex64"))


def test_item_of_more_or_fewer() -> None:
    for shape in ((2,), (0,), (1, 2)):
        with pytest.raises(ShimError, match="must have one element") as failure:
            item(create(shape))
        assert failure.value.status == "ft_shape_mismatch"


def test_numbers_given() -> None:
    with pytest.raises(ShimError, match="0 numbers are given, not 1"):
        fill(FULL, (2,), (), "float32")
    with pytest.raises(ShimError, match="filling 7 is none of"):
        fill(7, (2,), (), "float32")
