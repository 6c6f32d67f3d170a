# SPDX-License-Identifier: MIT
"""Results written into arrays: by a kernel or by way of a temporary, the numbers are the same."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from functions import function, reference

import shim
from catalog.functions import FUNCTIONS
from shim import ADD, MUL, SUM, ShimError, Tensor, binary, create, section, unary, wrap

ROWS = [
    row
    for row in FUNCTIONS
    if row.is_direct and row.family in ("arithmetic", "elementwise") and not row.no_gradient
]


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex128"])
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_functions_into_arrays(row, dtype: str, generator) -> None:
    """To the bit those of PyTorch, whatever the order of dimensions."""
    for shape in ((), (1,), (7,), (33, 5), (2, 3, 4)):
        numbers = [generator.uniform(*row.domain, size=shape).astype(dtype) for _ in range(2)]
        x, y = (np.asfortranarray(one) for one in numbers)
        operands = [torch.from_numpy(one.copy(order="K")) for one in (x, y)]
        try:
            expected = reference(row, *operands)
        except (RuntimeError, NotImplementedError):
            return
        result = expected.resolve_conj().numpy()
        target = np.zeros_like(result, order="F")
        function(row.name, *[wrap(x), wrap(y)][: len(row.arguments)], into=wrap(target))
        np.testing.assert_array_equal(target, result)


def random_section(generator: np.random.Generator, data: np.ndarray, extent: int) -> np.ndarray:
    """`extent` elements of a vector, somewhere."""
    step = int(generator.integers(1, 4))
    first = int(generator.integers(0, data.size - step * (extent - 1)))
    return data[first : first + step * (extent - 1) + 1 : step]


def test_targets_that_meet_operands(generator) -> None:
    """Sections of one array, apart, shifted by some elements, and the same."""
    for _ in range(1500):
        extent = int(generator.integers(1, 9))
        data = generator.normal(size=32)
        x, y, target = (random_section(generator, data, extent) for _ in range(3))
        if generator.integers(4) == 0:
            target = x
        expected = data.copy()
        at = (target.ctypes.data - data.ctypes.data) // 8
        step = target.strides[0] // 8
        expected[at : at + step * (extent - 1) + 1 : step] = x * y
        binary(MUL, section(x), section(y), into=section(target))
        np.testing.assert_array_equal(data, expected)


def test_a_tensor_into_itself() -> None:
    x = wrap(np.array([1.0, 2.0]))
    binary(ADD, x, x, into=x)
    binary(MUL, x, x, into=x)
    unary(MUL + 3, x, into=x)
    assert x.array.tolist() == x.numpy().tolist()


@pytest.mark.parametrize("kind", ["another shape", "broadcast", "another dtype", "integers"])
def test_forms_that_differ(kind: str) -> None:
    x, y = np.array([[3.0, 4.0]]), np.array([[2.0, 5.0]])
    target = np.zeros((1, 2))
    if kind == "another shape":
        target = np.zeros(2)
    elif kind == "broadcast":
        y = np.array([2.0])
    elif kind == "another dtype":
        x, y = x.astype(np.float32), y.astype(np.float32)
    else:
        x, y, target = (one.astype(np.int32) for one in (x, y, target))
    expected = (x * y).reshape(target.shape)
    binary(MUL, wrap(x), wrap(y), into=wrap(target))
    assert target.tolist() == expected.tolist()
    with pytest.raises(ShimError, match="shape"):
        binary(MUL, wrap(x), wrap(y), into=wrap(np.zeros(3, target.dtype)))


def test_what_is_recorded_has_a_graph() -> None:
    x, target = create([2], "float64", requires_grad=1), wrap(np.zeros(2))
    binary(MUL, x, wrap(np.array([3.0, 4.0])), into=target)
    assert target.array.tolist() == [3, 4]
    unary(SUM, target).backward()
    assert x.gradient().numpy().tolist() == [3, 4]
    shim.call("ft_no_grad_begin")
    binary(MUL, x, x, into=target)
    shim.call("ft_no_grad_end")
    assert not target.requires_grad()
    assert target.array.tolist() == target.numpy().tolist() == [1, 1]


def test_graphs_keep_what_they_saved() -> None:
    weight, target = create([2], "float64", requires_grad=1), wrap(np.array([5.0, 6.0]))
    product = binary(MUL, weight, target)
    other = wrap(np.array([1.0, 1.0]))
    binary(ADD, other, other, into=target)
    unary(SUM, product).backward()
    assert weight.gradient().numpy().tolist() == [5, 6]
    assert target.array.tolist() == [2, 2]


def test_a_leaf_below_the_target_fails_backward() -> None:
    array = np.array([5.0, 6.0])
    leaf, target, other = wrap(array, 1), wrap(array), wrap(np.array([1.0, 1.0]))
    square = unary(SUM, binary(MUL, leaf, leaf))
    binary(ADD, other, other, into=target)
    with pytest.raises(ShimError, match="modified by an inplace operation"):
        square.backward()


def test_a_leaf_stays_one() -> None:
    leaf, other = wrap(np.array([5.0, 6.0]), 1), wrap(np.array([1.0, 1.0]))
    binary(ADD, other, other, into=leaf)
    assert leaf.requires_grad()
    assert leaf.array.tolist() == [2, 2]


def test_copies_of_the_target_are_their_own() -> None:
    target, other = wrap(np.array([5.0, 6.0])), wrap(np.array([1.0, 1.0]))
    copy = Tensor().assign(target)
    binary(ADD, other, other, into=target)
    assert copy.numpy().tolist() == [5, 6]
