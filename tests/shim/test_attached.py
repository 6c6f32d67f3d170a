# SPDX-License-Identifier: MIT
"""Tensors attached to arrays: the array follows every write, and graphs keep what they saved."""

from __future__ import annotations

import resource

import numpy as np
import pytest
import torch

import shim
from shim import (
    ADD,
    MUL,
    SUM,
    ShimError,
    Tensor,
    binary,
    create,
    from_blob,
    options,
    unary,
    wrap,
)


def numbers(*shape: int, start: float = 0.1) -> np.ndarray:
    """Distinct numbers in Fortran's order."""
    return np.asfortranarray(start + np.arange(np.prod(shape)).reshape(shape, order="F") / 7)


def test_array_and_tensor_are_one_memory() -> None:
    a = wrap(numbers(2, 3))
    a.array[1, 2] = 42
    assert a.numpy()[1, 2] == 42
    binary(ADD, a, 1.0, into=a)
    assert a.array[1, 2] == 43
    a.array[:] = 5
    assert (a.numpy() == 5).all()


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("requires_grad", [0, 1])
def test_array_follows_results(order: str, requires_grad: int) -> None:
    x = wrap(numbers(2, 3), requires_grad)
    y = wrap(np.zeros((2, 3), order=order))
    binary(MUL, x, x, into=y)
    assert np.array_equal(y.array, x.array * x.array)
    assert y.requires_grad() == bool(requires_grad)
    y.assign(binary(ADD, x, 1.0))
    assert np.array_equal(y.array, x.array + 1)
    y.assign(x)
    assert np.array_equal(y.array, x.array)
    y.zero()
    assert not y.array.any()
    assert not y.requires_grad()


def test_array_follows_a_section() -> None:
    data = np.zeros(12)
    every_third = from_blob(data, [2, 2], [1, 2], options("float64"))
    binary(ADD, every_third, 3.0, into=every_third)
    assert data.tolist() == [3] * 4 + [0] * 8


def test_shape_and_dtype_are_kept() -> None:
    y = wrap(np.zeros((2, 3)))
    for wrong, status, part in [
        (create([3, 2], "float64"), "ft_shape_mismatch", r"\[3, 2\].*\[2, 3\]"),
        (create([2, 3], "int32"), "ft_dtype_mismatch", "int32.*float64"),
    ]:
        with pytest.raises(ShimError, match=part) as failure:
            y.assign(wrong)
        assert failure.value.status == status
        with pytest.raises(ShimError, match=part):
            binary(ADD, wrong, 1, into=y)
    assert not y.array.any()


@pytest.mark.parametrize("shape", [(), (1,), (1, 1)])
def test_rank_0_fits_one_element(shape: tuple[int, ...]) -> None:
    x, total = wrap(numbers(3), 1), wrap(np.zeros(shape))
    unary(SUM, x, into=total)
    assert total.shape() == list(shape)
    assert np.isclose(total.array, x.array.sum(), rtol=1e-15)
    total.backward()
    assert x.gradient().numpy().tolist() == [1, 1, 1]


def recurrence(steps: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """h = w*h*h + x through an attached h, and unrolled in PyTorch: h, gradients of w and x."""
    w, x = numbers(2, 3, start=0.2), numbers(2, 3, start=0.3)
    leaf, other = torch.tensor(w, requires_grad=True), torch.tensor(x, requires_grad=True)
    state = torch.zeros(2, 3, dtype=torch.float64)
    for _ in range(steps):
        state = leaf * state * state + other
    state.sum().backward()
    expected = [state.detach().numpy(), leaf.grad.numpy(), other.grad.numpy()]
    a, b, h = wrap(w, 1), wrap(x, 1), wrap(np.zeros((2, 3), order="F"))
    for _ in range(steps):
        h.assign(binary(ADD, binary(MUL, binary(MUL, a, h), h), b))
    unary(SUM, h).backward()
    return [h.array, a.gradient().numpy(), b.gradient().numpy()], expected


@pytest.mark.parametrize("steps", [1, 2, 3, 6])
def test_recurrence_is_the_unrolled_one(steps: int) -> None:
    got, expected = recurrence(steps)
    for one, other in zip(got, expected):
        assert np.array_equal(one, other)


def test_graph_keeps_an_input_that_is_overwritten() -> None:
    w, x = wrap(numbers(4), 1), wrap(numbers(4, start=2))
    before = x.array.copy()
    y = binary(MUL, w, x)
    x.assign(create([4], "float64"))
    assert (x.array == 1).all()
    x.array[:] = 9
    assert (x.numpy() == 9).all()
    y.backward()
    assert np.array_equal(w.gradient().numpy(), before)


def test_graph_keeps_an_input_that_is_cleared() -> None:
    w, x = wrap(numbers(4), 1), wrap(numbers(4, start=2))
    before = x.array.copy()
    y = binary(MUL, w, x)
    x.zero()
    assert not x.array.any()
    y.backward()
    assert np.array_equal(w.gradient().numpy(), before)


def test_saved_result_is_kept() -> None:
    """Division saves its divisor; the target of a division becomes an operand of the next."""
    w, x = wrap(numbers(3, start=1), 1), wrap(numbers(3, start=3))
    leaf = torch.tensor(w.array, requires_grad=True)
    state = torch.tensor(x.array)
    for _ in range(4):
        binary(shim.DIV, w, binary(ADD, x, w), into=x)
        state = leaf / (state + leaf)
    unary(SUM, x).backward()
    state.sum().backward()
    assert np.allclose(w.gradient().numpy(), leaf.grad.numpy(), rtol=1e-14, atol=0)


def test_reused_loss_needs_no_reconstruction() -> None:
    w, total = wrap(numbers(3), 1), wrap(np.zeros(1))
    for i in range(3):
        shim.loss(0, w, create([3], "float64"), into=total)
        total.backward()
        expected = (w.array - 1) ** 2
        assert np.isclose(total.array[0], expected.mean(), rtol=1e-14)
        assert np.allclose(w.gradient().numpy(), (i + 1) * 2 * (w.array - 1) / 3, rtol=1e-14)


def test_overwritten_leaf_is_no_leaf() -> None:
    w = wrap(numbers(3), 1)
    binary(MUL, w, w).backward()
    binary(ADD, w, 1.0, into=w)
    with pytest.raises(ShimError, match="leaf"):
        w.gradient()
    w.assign(create([3], "float64"))
    assert not w.requires_grad()
    with pytest.raises(ShimError, match="without requires_grad"):
        w.gradient()
    assert w.array.tolist() == [1, 1, 1]


def test_leaf_that_is_given_a_graph_is_one_no_more() -> None:
    w, x = wrap(numbers(3), 1), wrap(numbers(3), 1)
    w.assign(binary(MUL, x, 2.0))
    assert np.allclose(w.array, 2 * x.array, rtol=1e-15)
    w.backward()
    assert x.gradient().numpy().tolist() == [2, 2, 2]
    w.assign(create([3], "float64"))
    assert not w.requires_grad()
    w.array[:] = 4
    assert w.numpy().tolist() == [4, 4, 4]


def test_gradient_into_an_array() -> None:
    w, g = wrap(numbers(2, 2), 1), wrap(np.zeros((2, 2)))
    for i in range(3):
        binary(MUL, w, 2.0).backward()
        w.gradient(into=g)
        assert (g.array == 2 * (i + 1)).all()


def test_temporary_of_an_array_is_moved_out() -> None:
    x = wrap(numbers(3))
    y = Tensor().assign(x)
    x.array[:] = 0
    assert y.numpy()[0] == 0.1


def test_training_keeps_the_memory() -> None:
    """Iterations that write one million bytes each, of which none stays."""
    w, h = wrap(np.full(125000, 0.5), 1), wrap(np.zeros(125000))
    peak = 0
    for i in range(80):
        h.assign(binary(MUL, w, w))
        unary(SUM, binary(MUL, h, h)).backward()
        h.zero()
        w.zero_gradient()
        if i == 20:
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < peak + 20000
