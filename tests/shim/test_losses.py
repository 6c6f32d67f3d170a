# SPDX-License-Identifier: MIT
"""Losses against torch.nn.functional: each row and reduction, values and gradients; faults."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from catalog import losses
from catalog.cases import SAMPLES, TARGETS
from shim import ShimError, create, loss, wrap

ROWS = list(enumerate(losses.LOSSES))
CROSS_ENTROPY, SMOOTH_L1, HUBER = (
    [row.name for row in losses.LOSSES].index(name)
    for name in ("cross_entropy", "smooth_l1", "huber")
)


@pytest.mark.parametrize(
    ("number", "row", "kind"),
    [(number, row, kind) for number, row in ROWS for kind in row.targets],
    ids=lambda one: getattr(one, "name", str(one)),
)
@pytest.mark.parametrize("reduction", losses.REDUCTIONS, ids=lambda one: one[2])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_values_and_gradients(number, row, kind, reduction, dtype, generator) -> None:
    _, code, name = reduction
    input = np.asfortranarray(generator.uniform(*row.domain, SAMPLES).astype(dtype))
    target = np.asfortranarray(TARGETS[kind](generator, SAMPLES))
    if kind != losses.CLASSES:
        target = target.astype(dtype)
    leaf = torch.tensor(input, requires_grad=True)
    expected = getattr(torch.nn.functional, row.reference)(
        leaf, torch.tensor(target), reduction=name
    )
    expected.backward(torch.ones_like(expected))
    x = wrap(input, 1)
    got = loss(number, x, wrap(target), code)
    assert np.allclose(got.numpy(), expected.detach().numpy(), rtol=1e-6, atol=0)
    got.backward()
    assert np.allclose(x.gradient().numpy(), leaf.grad.numpy(), rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("number", [number for number, row in ROWS if row.same_shape])
def test_nothing_is_broadcast(number: int) -> None:
    for target, status in [
        (([1, 3], "float32"), "ft_shape_mismatch"),
        (([2, 3], "float64"), "ft_dtype_mismatch"),
    ]:
        with pytest.raises(ShimError) as failure:
            loss(number, create([2, 3]), create(*target))
        assert failure.value.status == status


def test_classes_out_of_range() -> None:
    with pytest.raises(ShimError, match="out of bounds") as failure:
        loss(CROSS_ENTROPY, create([2, 3]), wrap(np.array([0, 3])))
    assert failure.value.status == "ft_invalid_argument"


@pytest.mark.parametrize("reduction", [-1, 3])
def test_reductions_that_are_none(reduction: int) -> None:
    with pytest.raises(ShimError, match=f"reduction_type {reduction}") as failure:
        loss(0, create([2]), create([2]), reduction)
    assert failure.value.status == "ft_invalid_argument"


def test_number_that_is_no_loss() -> None:
    with pytest.raises(ShimError, match="not in the catalog"):
        loss(len(ROWS), create([2]), create([2]))


def test_loss_keeps_the_shape_of_its_target() -> None:
    with pytest.raises(ShimError) as failure:
        loss(0, create([2]), create([2]), into=create([3]))
    assert failure.value.status == "ft_shape_mismatch"


def test_arguments_that_are_missing_or_too_many() -> None:
    for values in ([], [1.0, 1.0]):
        with pytest.raises(ShimError, match="arguments were given, 1 are needed") as failure:
            loss(SMOOTH_L1, create([2]), create([2]), values=values)
        assert failure.value.status == "ft_invalid_argument"


def test_arguments_out_of_range() -> None:
    for row, value in ((SMOOTH_L1, -1.0), (HUBER, 0.0)):
        with pytest.raises(ShimError) as failure:
            loss(row, create([2]), create([2]), values=[value])
        assert failure.value.status == "ft_invalid_argument"
