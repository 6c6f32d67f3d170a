# SPDX-License-Identifier: MIT
"""Functions against PyTorch: tensors and numbers on either side, result types, gradients."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from functions import reference

import shim
from catalog.functions import FUNCTIONS
from shim import ShimError, binary, create, unary, wrap

PAIRS = [
    ("float32", "float32"),
    ("float64", "float32"),
    ("int32", "float32"),
    ("int64", "int8"),
    ("bool", "int16"),
]
NUMBERS = [2, -3, 0.5, 2.0]
OPERANDS = [
    (dtype, value)
    for dtype in ("float32", "float64", "int32", "int64", "bool", "complex64")
    for value in NUMBERS
] + [("float32", 1e300), ("float64", 1e300)]
BINARY = [(i, row) for i, row in enumerate(FUNCTIONS) if row.takes_numbers]
DIFFERENTIABLE = [(i, row) for i, row in BINARY if not row.no_gradient]


def outcome(function):
    """The result, or that PyTorch refuses."""
    try:
        return function()
    except RuntimeError:
        return None


def check(got, expected) -> None:
    assert got.dtype() == str(expected.dtype).removeprefix("torch.")
    assert np.array_equal(got.numpy(), expected.detach().resolve_conj().numpy(), equal_nan=True)


def arrays(generator: np.random.Generator, dtypes, shapes):
    return [generator.integers(1, 5, shape).astype(dtype) for dtype, shape in zip(dtypes, shapes)]


@pytest.mark.parametrize(("number", "row"), BINARY, ids=lambda one: getattr(one, "name", ""))
@pytest.mark.parametrize("dtypes", PAIRS)
@pytest.mark.parametrize(
    "shapes", [((2, 3), (2, 3)), ((2, 3), (3,)), ((4, 1), (1, 5)), ((), (3,)), ((0, 2), (2,))]
)
def test_tensors(number, row, dtypes, shapes, generator) -> None:
    a, b = arrays(generator, dtypes, shapes)
    expected = outcome(lambda: reference(row, torch.tensor(a), torch.tensor(b)))
    if expected is None:
        with pytest.raises(ShimError):
            binary(number, wrap(a), wrap(b))
    else:
        check(binary(number, wrap(a), wrap(b)), expected)


@pytest.mark.parametrize(("number", "row"), BINARY, ids=lambda one: getattr(one, "name", ""))
@pytest.mark.parametrize(("dtype", "value"), OPERANDS)
@pytest.mark.parametrize("shape", [(3,), ()])
@pytest.mark.parametrize("side", ["left", "right"])
def test_numbers(number, row, dtype, shape, value, side, generator) -> None:
    (a,) = arrays(generator, [dtype], [shape])
    x, y = (value, torch.tensor(a)) if side == "left" else (torch.tensor(a), value)
    expected = outcome(lambda: reference(row, x, y))
    operands = (value, wrap(a)) if side == "left" else (wrap(a), value)
    if expected is None:
        with pytest.raises(ShimError):
            binary(number, *operands)
    else:
        check(binary(number, *operands), expected)


@pytest.mark.parametrize(
    ("number", "row"), DIFFERENTIABLE, ids=lambda one: getattr(one, "name", "")
)
@pytest.mark.parametrize("side", ["left", "right"])
def test_gradients_beside_numbers(number, row, side) -> None:
    """Twice, so that a number held by the first graph is not the number of the second."""
    leaf = torch.tensor([1.5, 2.5], dtype=torch.float64, requires_grad=True)
    total = sum(
        reference(row, *((v, leaf) if side == "left" else (leaf, v))).sum() for v in (2.0, 3.0)
    )
    total.backward()
    a = wrap(np.array([1.5, 2.5]), 1)
    results = [binary(number, *((v, a) if side == "left" else (a, v))) for v in (2.0, 3.0)]
    for result in results:
        unary(shim.SUM, result).backward()
    assert np.allclose(a.gradient().numpy(), leaf.grad.numpy(), rtol=1e-15, atol=0)


def test_powers_are_exact() -> None:
    a = wrap(np.array([0.1, 2.0, 3.0]))
    assert np.array_equal(binary(shim.POW, a, 0.5).numpy(), torch.sqrt(torch.tensor(a.array)))
    assert np.array_equal(binary(shim.POW, a, 2).numpy(), a.array * a.array)


def test_shapes_that_do_not_broadcast() -> None:
    with pytest.raises(ShimError, match=r"\[2, 3\] and \[4\]") as failure:
        binary(0, create([2, 3]), create([4]))
    assert failure.value.status == "ft_shape_mismatch"


def test_functions_of_one_tensor(generator) -> None:
    a = generator.normal(size=(3, 4))
    check(unary(shim.NEG, wrap(a)), -torch.tensor(a))
    assert np.isclose(unary(shim.SUM, wrap(a)).numpy(), a.sum(), rtol=1e-14)
    assert np.isclose(unary(shim.MEAN, wrap(a)).numpy(), a.mean(), rtol=1e-14)
    assert unary(shim.SUM, wrap(a)).shape() == []


@pytest.mark.parametrize("number", [-1, len(FUNCTIONS)])
def test_rows_that_are_none(number: int) -> None:
    with pytest.raises(ShimError, match="not in the catalog"):
        binary(number, create([2]), create([2]))


@pytest.mark.parametrize("row", FUNCTIONS, ids=lambda row: row.name)
def test_operands_that_a_function_does_not_take(row) -> None:
    number, a = FUNCTIONS.index(row), create([2])
    wrong = (
        (lambda: shim.call("ft_tensor_unary", number, a.handle, create([2]).target))
        if not row.is_direct or len(row.arguments) == 2
        else (lambda: binary(number, a, a))
    )
    with pytest.raises(ShimError, match="not in the catalog with these operands"):
        wrong()


def test_gradients_are_those_of_pytorch(generator) -> None:
    a, b = generator.normal(size=(2, 3)), generator.normal(size=(3,))
    x, y = torch.tensor(a, requires_grad=True), torch.tensor(b, requires_grad=True)
    ((x * y - x) / (y * y + 2)).mean().backward()
    p, q = wrap(a, 1), wrap(b, 1)
    top = binary(shim.SUB, binary(shim.MUL, p, q), p)
    bottom = binary(shim.ADD, binary(shim.MUL, q, q), 2)
    unary(shim.MEAN, binary(shim.DIV, top, bottom)).backward()
    assert np.allclose(p.gradient().numpy(), x.grad.numpy(), rtol=1e-14, atol=0)
    assert np.allclose(q.gradient().numpy(), y.grad.numpy(), rtol=1e-14, atol=0)
