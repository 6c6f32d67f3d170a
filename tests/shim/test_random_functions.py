# SPDX-License-Identifier: MIT
"""Every function on random dtypes and shapes: as PyTorch, or both refuse."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from functions import function

from catalog.functions import (
    DIM,
    DTYPE,
    FLAG,
    FUNCTIONS,
    INDICES,
    INTEGER,
    INTEGERS,
    NUMBER,
    TENSORS,
    TEXT,
)
from shim import ShimError, Tensor, wrap

DTYPES = ("float32", "float64", "int32", "int64", "int8", "bool", "complex64", "complex128")
LOGICAL = ("any", "all", "count", "logical_and", "logical_or", "logical_not")
TOLERANCES = {"float32": 2e-5, "complex64": 2e-5, "float64": 1e-11, "complex128": 1e-11}
ROWS = [row for row in FUNCTIONS if not row.results]


def numbers(generator, row, shape, dtype):
    """An array in the domain of the row, with zeros and equal numbers among integers."""
    if dtype == "bool":
        return np.asarray(generator.integers(0, 2, shape) == 1)
    if dtype.startswith("int"):
        return np.asarray(generator.integers(-3, 5, shape)).astype(dtype)
    values = generator.uniform(*row.domain, shape)
    if dtype.startswith("complex"):
        values = values + 1j * generator.uniform(*row.domain, shape)
    return np.asarray(values).astype(dtype)


def partner(generator, row, shape):
    """A shape for the second operand: one that broadcasts, or that a product takes."""
    if row.name == "matmul":
        return (*shape[:-2], shape[-1], 3) if len(shape) > 1 else shape
    if row.name == "solve":
        return shape
    if row.name == "dot_product":
        return shape
    kept = shape[int(generator.integers(0, len(shape) + 1)) :]
    return tuple(1 if generator.integers(0, 4) == 0 else extent for extent in kept)


def first_shape(generator, row):
    rank = int(generator.integers(0, 5))
    if row.name in ("transpose", "inverse", "det", "cholesky", "solve"):
        return (3, 3) if row.name != "transpose" else (2, 3)
    if row.name == "dot_product":
        return (int(generator.integers(0, 5)),)
    return tuple(int(one) for one in generator.integers(0 if rank > 2 else 1, 4, rank))


def other_value(generator, one, x, row):
    """A value of an argument that is no tensor, valid wherever one is."""
    rank = x.ndim
    if one.is_optional and generator.integers(0, 3) == 0:
        return None
    if one.role == DIM:
        extra = one.rank.endswith("+ 1")
        return int(generator.integers(1, max(rank + extra, 1) + 1))
    if one.role == FLAG:
        return bool(generator.integers(0, 2))
    if one.role == NUMBER:
        return float(generator.uniform(*row.domain))
    if one.role == INTEGERS and one.name == "order":
        return [int(i) + 1 for i in generator.permutation(rank)]
    if one.role == INTEGERS and row.name == "expand":
        return [2, *x.shape]
    if one.role == INTEGERS:
        return [int(i) for i in generator.permutation([*x.shape, 1])]
    if one.role == DTYPE:
        return str(generator.choice(DTYPES))
    assert one.role in (INTEGER, INDICES), one
    return [1, 1] if one.role == INDICES else int(generator.integers(1, 3))


def arguments_of(generator, row, dtype):
    """Arrays and values by argument."""
    given = {}
    for one in row.arguments:
        if one.role == TEXT:
            given[one.name] = "i...,i...->..."
        elif one.role == TENSORS:
            shape = first_shape(generator, row)
            given[one.name] = [numbers(generator, row, shape, dtype) for _ in range(2)]
        elif one.name == "x":
            given["x"] = numbers(generator, row, first_shape(generator, row), dtype)
        elif one.name == "y":
            given["y"] = numbers(generator, row, partner(generator, row, given["x"].shape), dtype)
        elif one.name == "mask":
            given["mask"] = np.asarray(generator.integers(0, 2, given["x"].shape) == 1)
        elif one.name == "indices" and one.role != INDICES:
            given["indices"] = np.ones(given["x"].shape, np.int64)
        else:
            first = next(iter(given.values()))
            x = first[0] if isinstance(first, list) else first
            if isinstance(x, str):
                x = given["tensors"][0]
            given[one.name] = other_value(generator, one, x, row)
    return given


def pytorch_values(row, given, requires_grad):
    """The arguments for the PyTorch expression."""

    def tensor(array):
        made = torch.from_numpy(np.array(array))
        return made.requires_grad_(requires_grad and made.is_floating_point() | made.is_complex())

    values = {}
    for one in row.arguments:
        value = given[one.name]
        if isinstance(value, np.ndarray):
            value = tensor(value)
        elif isinstance(value, list) and value and isinstance(value[0], np.ndarray):
            value = [tensor(array) for array in value]
        elif value is None:
            value = one.default
        elif one.role == DIM:
            value -= 1
        elif one.role == DTYPE:
            value = getattr(torch, value)
        values[one.name] = value
    return values


def leaves_of(values, kind):
    for value in values.values():
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, kind):
                yield one


def our_values(given, requires_grad):
    def tensor(array):
        return wrap(np.array(array, order="F"), int(requires_grad and array.dtype.kind in "fc"))

    return {
        name: tensor(value)
        if isinstance(value, np.ndarray)
        else [tensor(one) for one in value]
        if isinstance(value, list) and value and isinstance(value[0], np.ndarray)
        else value
        for name, value in given.items()
    }


def close(got, expected):
    dtype = str(expected.dtype).removeprefix("torch.")
    assert got.dtype() == dtype
    array = expected.detach().resolve_conj().resolve_neg().numpy(force=True)
    assert list(array.shape) == got.shape()
    tolerance = TOLERANCES.get(dtype, 0)
    scale = max(1.0, float(np.abs(array).max())) if array.size and tolerance else 1.0
    assert np.allclose(got.numpy(), array, 0, tolerance * scale, equal_nan=True)


def is_refused(row, given, dtype):
    """What PyTorch takes and FTorch does not."""
    if row.name in LOGICAL and dtype != "bool":
        return True
    if row.name in ("maxloc", "minloc") and given["dim"] is None:
        return bool(given["keepdim"]) or given["x"].ndim == 0
    if any(one.role == DIM and given[one.name] for one in row.arguments):
        first = given.get("x", given.get("tensors", [None])[0])
        extra = any(one.rank.endswith("+ 1") for one in row.arguments if one.role == DIM)
        return given["dim"] > first.ndim + extra
    if row.name == "cast" and dtype.startswith("complex"):
        return given["dtype"] not in ("bool", "complex64", "complex128")
    return row.name == "cshift" and given["x"].ndim == 0


def expected_value(row, values):
    """What PyTorch gives; nothing if it refuses."""
    try:
        return eval(row.reference, {"torch": torch}, values)
    except (RuntimeError, IndexError, TypeError, NotImplementedError):
        return None


def accepted_arguments(generator, row, dtype):
    """Arguments that the function takes."""
    while True:
        given = arguments_of(generator, row, dtype)
        if row.name == "cholesky":
            given["x"] = given["x"] @ given["x"].T + np.eye(3)
        values = pytorch_values(row, given, False)
        if not is_refused(row, given, dtype) and expected_value(row, values) is not None:
            return given


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_random(row, dtype, generator):
    for _ in range(6):
        given = arguments_of(generator, row, dtype)
        requires_grad = row.no_gradient is None
        values = pytorch_values(row, given, requires_grad)
        expected = expected_value(row, values)
        ours = our_values(given, requires_grad)
        if expected is None or is_refused(row, given, dtype):
            with pytest.raises(ShimError):
                function(row.name, *ours.values())
            continue
        got = function(row.name, *ours.values())
        close(got, expected)
        if expected.requires_grad:
            weight = numbers(generator, row, tuple(expected.shape), got.dtype())
            expected.backward(torch.from_numpy(weight))
            got.backward(wrap(weight))
            pairs = zip(leaves_of(values, torch.Tensor), leaves_of(ours, Tensor), strict=True)
            for leaf, mine in pairs:
                if leaf.grad is not None:
                    close(mine.gradient(), leaf.grad)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_results_are_the_receivers_own(row, generator):
    """What the program writes to an argument afterwards does not reach the result."""
    dtype = {"bool": "bool", "complex": "complex128"}.get(row.dtype, "float64")
    given = accepted_arguments(generator, row, dtype)
    ours = our_values(given, False)
    got = function(row.name, *ours.values())
    before = got.numpy()
    for leaf in leaves_of(ours, Tensor):
        leaf.array[...] = 0 if leaf.array.dtype != bool else ~leaf.array
    assert np.array_equal(got.numpy(), before, equal_nan=dtype != "bool")


@pytest.mark.parametrize("name", ["maxloc", "minloc"])
def test_places_of_nan(name):
    assert function(name, wrap(np.array([1.0, np.nan, 2.0]))).numpy().tolist() == [2]
