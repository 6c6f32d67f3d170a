# SPDX-License-Identifier: MIT
"""Losses against torch.nn.functional: each row and reduction, values and gradients; faults."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from catalog import losses
from catalog.cases import FURTHER, GIVEN, SAMPLES, TARGETS, loss_variants
from shim import ShimError, create, loss, wrap

ROWS = list(enumerate(losses.LOSSES))
SMOOTH_L1, HUBER = (
    [row.name for row in losses.LOSSES].index(name) for name in ("smooth_l1", "huber")
)


@pytest.mark.parametrize(
    ("number", "row", "kind", "variant"),
    [
        (number, row, kind, variant)
        for number, row in ROWS
        for kind in row.targets
        for variant in loss_variants(row)
    ],
    ids=lambda one: getattr(one, "name", str(one)),
)
@pytest.mark.parametrize("reduction", losses.REDUCTIONS, ids=lambda one: one[2])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides the total loss:UserWarning")
def test_values_and_gradients(number, row, kind, variant, reduction, dtype, generator) -> None:
    _, code, name = reduction
    input = np.asfortranarray(generator.uniform(*row.domain, SAMPLES).astype(dtype))
    target = np.asfortranarray(TARGETS[kind](generator, SAMPLES))
    if kind != losses.CLASSES:
        target = target.astype(dtype)
    further = {
        one.name: FURTHER[one.kind](generator, SAMPLES).astype(dtype)
        for one in row.tensors
        if variant.get(one.name) == GIVEN
    }
    required = [one.name for one in row.tensors if one.is_required]
    leaf = torch.tensor(input, requires_grad=True)
    others = {
        key: torch.tensor(one, requires_grad=key in required) for key, one in further.items()
    }
    keywords = {one.python: others[one.name] for one in row.tensors if one.name in others}
    keywords |= {one.python: variant[one.name] for one in row.arguments if one.name in variant}
    keywords[row.input_keyword] = leaf
    expected = getattr(torch.nn.functional, row.reference)(
        target=torch.tensor(target), reduction=name, **keywords
    )
    expected.backward(torch.ones_like(expected))
    x = wrap(input, 1)
    tensors = {
        key: wrap(np.asfortranarray(one), int(key in required)) for key, one in further.items()
    }
    values = [variant.get(one.name, one.default) for one in row.arguments]
    got = loss(number, x, wrap(target), code, values=values, tensors=tensors)
    assert np.allclose(got.numpy(), expected.detach().numpy(), rtol=1e-6, atol=1e-7)
    # The graph holds nothing of the program's memory but leaves.
    target[:] = 0
    for key, tensor in tensors.items():
        if key not in required:
            tensor.array[:] = 7
    got.backward()
    assert np.allclose(x.gradient().numpy(), leaf.grad.numpy(), rtol=1e-6, atol=1e-7)
    for key in required:
        gradient = tensors[key].gradient().numpy()
        assert np.allclose(gradient, others[key].grad.numpy(), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(
    ("number", "row", "variant"),
    [
        (number, row, variant)
        for number, row in ROWS
        if row.same_shape
        for variant in loss_variants(row)
    ],
    ids=lambda one: getattr(one, "name", str(one)),
)
@pytest.mark.parametrize("reduction", losses.REDUCTIONS, ids=lambda one: one[2])
@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides the total loss:UserWarning")
def test_elements_where_formulas_end(number, row, variant, reduction, generator) -> None:
    """Equal ones, 0 and 1, of input, target and variance."""
    _, code, name = reduction
    input = np.array([[0.0, 0.0, 1.0, 1.0, 0.5, 0.5], [0.0, 1.0, 0.0, 0.25, 1.0, 0.75]], order="F")
    target = np.array(
        [[0.0, 1.0, 0.0, 1.0, 0.5, 0.0], [0.5, 0.5, 0.75, 0.25, 0.0, 1.0]], order="F"
    )
    further = {
        one.name: np.asfortranarray(np.where(input > 0.5, 0.0, 2.0))
        for one in row.tensors
        if one.kind == losses.EACH_ELEMENT and variant.get(one.name) == GIVEN
    }
    leaves = [torch.tensor(one, requires_grad=True) for one in (input, target)]
    keywords = {one.python: variant[one.name] for one in row.arguments if one.name in variant}
    keywords |= {
        one.python: torch.tensor(further[one.name]) for one in row.tensors if one.name in further
    }
    expected = getattr(torch.nn.functional, row.reference)(*leaves, reduction=name, **keywords)
    seed = np.asfortranarray(generator.uniform(0.5, 1.5, expected.shape))
    seed = seed.reshape(expected.shape)
    expected.backward(torch.tensor(seed))
    x, y = wrap(input, 1), wrap(target, 1)
    tensors = {key: wrap(one) for key, one in further.items()}
    values = [variant.get(one.name, one.default) for one in row.arguments]
    got = loss(number, x, y, code, values=values, tensors=tensors)
    got.backward(wrap(seed))
    for mine, theirs in [
        (got.numpy(), expected.detach()),
        (x.gradient().numpy(), leaves[0].grad),
        (y.gradient().numpy(), leaves[1].grad),
    ]:
        assert np.allclose(mine, theirs.numpy(), rtol=1e-14, atol=0, equal_nan=True)


@pytest.mark.parametrize("number", [number for number, row in ROWS if row.same_shape])
def test_nothing_is_broadcast(number: int) -> None:
    for target, status in [
        (([1, 3], "float32"), "ft_shape_mismatch"),
        (([2, 3], "float64"), "ft_dtype_mismatch"),
    ]:
        tensors = {one.name: create([2, 3]) for one in losses.LOSSES[number].tensors}
        with pytest.raises(ShimError) as failure:
            loss(number, create([2, 3]), create(*target), tensors=tensors)
        assert failure.value.status == status


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
