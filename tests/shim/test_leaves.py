# SPDX-License-Identifier: MIT
"""Leaves that are written: a value without a graph goes into the leaf, as by copy_ in PyTorch."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import shim
from shim import ADD, MUL, SUM, ShimError, Tensor, anything, binary, call, create, unary, wrap

RATE = 0.5
SGD = (0, [RATE, 0, 0, 0, 0, 0])


def to(source: Tensor, target: Tensor) -> None:
    call("ft_tensor_to", source.handle, target.target, 0, 0)


WRITERS: dict[str, Callable[[Tensor, Tensor], object]] = {
    "assign": lambda leaf, value: leaf.assign(value),
    "move": lambda leaf, value: leaf.assign(binary(ADD, value, 0.0)),
    "to": lambda leaf, value: to(value, leaf),
    "operator": lambda leaf, value: binary(ADD, value, 0.0, into=leaf),
    "gradient": lambda leaf, value: gradient_of(value).gradient(into=leaf),
}


def gradient_of(value: Tensor) -> Tensor:
    """A leaf whose gradient is `value`."""
    leaf = wrap(np.ones(value.shape(), order="F"), 1)
    binary(MUL, leaf, value).backward()
    return leaf


def leaf_of(array: np.ndarray, attached: bool) -> Tensor:
    if attached:
        return wrap(array.copy(order="F"), 1)
    leaf = create(array.shape, "float64", 1, 1)
    to(wrap(array.copy(order="F")), leaf)
    return leaf


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
@pytest.mark.parametrize("attached", [False, True])
@pytest.mark.parametrize("shape", [(), (3,), (2, 3)])
def test_leaf_stays_one(write, attached: bool, shape: tuple[int, ...], generator) -> None:
    old, new = (np.asarray(generator.normal(size=shape)) for _ in range(2))
    leaf = leaf_of(old, attached)
    optimizer = shim.optimizer(SGD[0], [leaf], SGD[1])
    binary(MUL, leaf, 3.0).backward()
    write(leaf, wrap(new.copy(order="F")))
    assert leaf.requires_grad()
    assert np.allclose(leaf.numpy(), new, rtol=1e-15)
    assert np.array_equal(leaf.gradient().numpy(), np.full(shape, 3.0))
    call("ft_optim_step", optimizer.handle)
    assert np.allclose(leaf.numpy(), new - RATE * 3, rtol=1e-14)
    if attached:
        assert np.array_equal(leaf.array, leaf.numpy())


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
@pytest.mark.parametrize("attached", [False, True])
def test_old_graph_that_needs_the_leaf_fails(write, attached: bool) -> None:
    leaf = leaf_of(np.array([2.0, 3.0]), attached)
    saved, other = binary(MUL, leaf, leaf), binary(ADD, leaf, 1.0)
    write(leaf, wrap(np.array([5.0, 7.0])))
    with pytest.raises(ShimError, match="modified by an inplace operation") as failure:
        saved.backward()
    assert failure.value.status == "ft_autograd_error"
    other.backward()
    assert leaf.gradient().numpy().tolist() == [1, 1]


def test_graph_of_another_tensor_over_the_array_keeps_its_numbers() -> None:
    data = np.array([2.0, 3.0])
    leaf, other, w = wrap(data, 1), wrap(data), wrap(np.ones(2), 1)
    product = binary(MUL, w, other)
    leaf.assign(wrap(np.array([5.0, 7.0])))
    assert other.numpy().tolist() == [5, 7]
    product.backward()
    assert w.gradient().numpy().tolist() == [2, 3]


@pytest.mark.parametrize("attached", [False, True])
def test_shape_and_dtype_are_those_of_the_leaf(attached: bool) -> None:
    leaf = leaf_of(np.array([2.0, 3.0]), attached)
    for wrong, status, part in [
        (create([3], "float64"), "ft_shape_mismatch", r"\[3\].*\[2\]"),
        (create([2], "int64"), "ft_dtype_mismatch", "int64.*float64"),
        (create([2], "complex64"), "ft_dtype_mismatch", "complex64.*float64"),
    ]:
        with pytest.raises(ShimError, match=part) as failure:
            leaf.assign(wrong)
        assert failure.value.status == status
    assert leaf.requires_grad()
    assert leaf.numpy().tolist() == [2, 3]
    leaf.assign(create([1, 2]))
    assert leaf.numpy().tolist() == [1, 1]


def test_what_stands_there_already_changes_nothing() -> None:
    data = np.array([2.0, 3.0])
    leaf, same = wrap(data, 1), wrap(data)
    square = binary(MUL, leaf, leaf)
    leaf.assign(leaf)
    to(leaf, leaf)
    leaf.assign(same)
    to(same, leaf)
    same.assign(leaf)
    square.backward()
    assert leaf.gradient().numpy().tolist() == [4, 6]
    same.backward()
    assert leaf.gradient().numpy().tolist() == [5, 7]


def test_leaf_that_overlaps_its_value(generator) -> None:
    data = generator.normal(size=5)
    expected = data[1:].copy()
    leaf = shim.section(data[:4], 1)
    leaf.assign(shim.section(data[1:]))
    assert np.array_equal(data[:4], expected)
    assert leaf.requires_grad()


def test_empty_source_empties_a_leaf() -> None:
    leaf = create([2], "float64", 2, 1)
    leaf.assign(Tensor())
    assert not leaf.handle


def test_loss_and_reduction_go_into_a_leaf(generator) -> None:
    x = wrap(generator.normal(size=3))
    leaf = create([], "float64", 1, 1)
    unary(SUM, x, into=leaf)
    assert np.isclose(leaf.numpy(), x.array.sum(), rtol=1e-15)
    shim.loss(0, x, create([3], "float64"), into=leaf)
    assert np.isclose(leaf.numpy(), ((x.array - 1) ** 2).mean(), rtol=1e-15)
    assert leaf.requires_grad()


def test_forward_into_a_leaf(models) -> None:
    model, x, leaf = shim.load(models / "scaling.pt"), create([3]), create([3], "float32", 1, 1)
    shim.forward(model, [x], [leaf])
    assert leaf.numpy().tolist() == [2, 2, 2]
    assert leaf.requires_grad()
    binary(MUL, leaf, 3.0).backward()
    assert leaf.gradient().numpy().tolist() == [3, 3, 3]
    shim.forward(model, [x], [leaf], requires_grad=1)
    with pytest.raises(ShimError, match="no leaf"):
        leaf.gradient(into=anything())
