# SPDX-License-Identifier: MIT
"""Backward passes: seeds, accumulation, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from shim import MUL, SUM, ShimError, Tensor, binary, create, unary, wrap


def test_seed_of_ones() -> None:
    a = wrap(np.array([1.0, 2.0]), 1)
    binary(MUL, a, a).backward()
    assert a.gradient().numpy().tolist() == [2, 4]


def test_seed_of_the_caller() -> None:
    a = wrap(np.array([1.0, 2.0]), 1)
    seed = wrap(np.array([10.0, 100.0]))
    binary(MUL, a, a).backward(seed)
    assert a.gradient().numpy().tolist() == [20, 400]
    assert seed.array.tolist() == [10, 100]


def test_seed_of_a_leaf_is_copied() -> None:
    a, seed = create([2], requires_grad=1), wrap(np.array([3.0, 4.0], "f4"))
    a.backward(seed)
    seed.array[:] = 0
    assert a.gradient().numpy().tolist() == [3, 4]


@pytest.mark.parametrize(
    ("seed", "status"),
    [(([3], "float64"), "ft_shape_mismatch"), (([2], "float32"), "ft_dtype_mismatch")],
)
def test_seeds_that_do_not_fit(seed, status: str) -> None:
    a = create([2], "float64", requires_grad=1)
    y = binary(MUL, a, a)
    with pytest.raises(ShimError) as failure:
        y.backward(create(*seed))
    assert failure.value.status == status
    y.backward()


def test_gradients_accumulate_until_cleared() -> None:
    a = create([2], requires_grad=1)
    for i in range(3):
        binary(MUL, a, 2.0).backward()
        assert a.gradient().numpy().tolist() == [2 * (i + 1)] * 2
    kept = a.gradient()
    a.zero_gradient()
    assert a.gradient().numpy().tolist() == [0, 0]
    assert kept.numpy().tolist() == [6, 6]


def test_clearing_no_gradient_does_nothing() -> None:
    a = create([2], requires_grad=1)
    a.zero_gradient()
    create([2]).zero_gradient()
    binary(MUL, a, a).zero_gradient()
    with pytest.raises(ShimError, match="no backward pass"):
        a.gradient()


def test_second_backward_needs_the_graph() -> None:
    a = create([2], requires_grad=1)
    y = unary(SUM, binary(MUL, a, a))
    y.backward(retain_graph=True)
    y.backward()
    with pytest.raises(ShimError, match=r"second time.*retain_graph") as failure:
        y.backward()
    assert failure.value.status == "ft_autograd_error"
    assert len(str(failure.value)) < 250
    assert a.gradient().numpy().tolist() == [4, 4]


def test_what_has_no_graph() -> None:
    for run in (Tensor.backward, Tensor.gradient):
        with pytest.raises(ShimError, match="requires_grad") as failure:
            run(create([2]))
        assert failure.value.status == "ft_autograd_error"


def test_gradient_of_a_result() -> None:
    a = create([2], requires_grad=1)
    y = binary(MUL, a, a)
    y.backward()
    with pytest.raises(ShimError, match="no leaf") as failure:
        y.gradient()
    assert failure.value.status == "ft_autograd_error"


def test_gradient_keeps_the_shape_of_its_target() -> None:
    a, target = create([2], requires_grad=1), create([3])
    binary(MUL, a, a).backward()
    with pytest.raises(ShimError) as failure:
        a.gradient(into=target)
    assert failure.value.status == "ft_shape_mismatch"
