# SPDX-License-Identifier: MIT
"""Groups of parameters, learning rates, and steps that are left out, against torch.optim."""

from __future__ import annotations

from ctypes import byref, c_double, c_int64
from typing import Any

import numpy as np
import pytest
import torch

import shim
from catalog import optimizers
from shim import Object, ShimError, Tensor, call, create, wrap

ROWS = [(number, row) for number, row in enumerate(optimizers.OPTIMIZERS) if not row.needs_closure]
BAD = [float("nan"), float("inf"), -float("inf")]


def keyword(row: optimizers.Optimizer, chosen: dict[str, Any]) -> dict[str, Any]:
    """Arguments of a group of torch.optim, whose betas go together."""
    values = {one.name: chosen.get(one.name, one.default) for one in row.hyperparameters}
    found = {one.python: values[one.name] for one in row.hyperparameters if "[" not in one.python}
    if "beta_1" in values:
        found["betas"] = (values["beta_1"], values["beta_2"])
    return found


def gradients(weights: list[Tensor], leaves: list[torch.Tensor], generator: Any) -> list[Any]:
    """Random ones, the same for both."""
    seeds = [generator.normal(size=weight.shape()) for weight in weights]
    for weight, leaf, seed in zip(weights, leaves, seeds):
        weight.backward(wrap(seed))
        leaf.backward(torch.tensor(seed))
    return seeds


def zero(optimizer: Object, expected: torch.optim.Optimizer) -> None:
    """Takes the gradients away from both."""
    call("ft_optim_zero_gradient", optimizer.handle)
    expected.zero_grad()


def rate_of(optimizer: Object, group: int) -> float:
    """The learning rate of a group."""
    value = c_double()
    call("ft_optim_learning_rate", optimizer.handle, c_int64(group), byref(value))
    return value.value


def skipped(optimizer: Object) -> int:
    """Steps that were left out."""
    count = c_int64()
    call("ft_optim_skipped", optimizer.handle, byref(count))
    return count.value


@pytest.mark.parametrize(("number", "row"), ROWS, ids=lambda one: getattr(one, "name", ""))
def test_groups_have_their_own_hyperparameters(number, row, generator) -> None:
    arrays = [generator.normal(size=(3, 2)) for _ in range(4)]
    weights = [wrap(one.copy(order="F"), 1) for one in arrays]
    leaves = [torch.tensor(one, requires_grad=True) for one in arrays]
    first = {"learning_rate": 0.03, "weight_decay": 0.1}
    second = dict(row.variants[0], learning_rate=0.2)
    third = {"weight_decay": 0.0}
    values = [first.get(one.name, one.default_value) for one in row.hyperparameters]
    ours = shim.optimizer(number, weights[:2], values)
    shim.add_parameters(ours, weights[2:3], second)
    shim.add_parameters(ours, weights[3:], third)
    groups = [
        {"params": leaves[:2], **keyword(row, first)},
        {"params": leaves[2:3], **keyword(row, {**first, **second})},
        {"params": leaves[3:], **keyword(row, {**first, **third})},
    ]
    extra = {"fused": False} if row.is_fused else {}
    expected = getattr(torch.optim, row.name)(groups, foreach=False, **extra)
    for step in range(30):
        zero(ours, expected)
        # Each group is left out at times.
        taking_part = [i for i in range(4) if step % (i + 2) != 1]
        gradients([weights[i] for i in taking_part], [leaves[i] for i in taking_part], generator)
        call("ft_optim_step", ours.handle)
        expected.step()
        if step == 10:
            call("ft_optim_set_learning_rate", ours.handle, c_double(0.01), c_int64(2))
            expected.param_groups[1]["lr"] = 0.01
        if step == 20:
            call("ft_optim_set_learning_rate", ours.handle, c_double(0.02), c_int64(0))
            for group in expected.param_groups:
                group["lr"] = 0.02
        for group, of_torch in enumerate(expected.param_groups, 1):
            assert rate_of(ours, group) == of_torch["lr"]
        for weight, leaf in zip(weights, leaves):
            assert np.allclose(weight.array, leaf.detach().numpy(), rtol=1e-12, atol=1e-14)


def test_groups_that_are_refused_change_nothing() -> None:
    weight, other = create([2], requires_grad=1), create([3], requires_grad=1)
    array = np.ones(4)
    whole, part = wrap(array, 1), wrap(array[:2], 1)
    ours = shim.optimizer(0, [weight, whole], [0.1, 0, 0, 0, 0, 0])
    for parameters, chosen, text in [
        ([], {}, "no parameters"),
        ([weight], {}, r"parameters\(1\) of group 2 was given before"),
        ([other, other], {}, r"parameters\(2\) of group 2 was given before"),
        ([other, part], {}, r"parameters\(2\) of group 2 has memory in common"),
        ([create([2])], {}, "without requires_grad"),
        ([other], {"beta_1": 0.5}, "SGD has no argument beta_1"),
        ([other], {"learning_rate": -1}, "learning_rate is -1"),
        ([other], {"nesterov": 1}, "nesterov needs momentum"),
    ]:
        with pytest.raises(ShimError, match=text) as failure:
            shim.add_parameters(ours, parameters, chosen)
        assert failure.value.status == "ft_invalid_argument"
        with pytest.raises(ShimError, match="groups 1 to 1"):
            rate_of(ours, 2)
    shim.add_parameters(ours, [other], {})
    assert rate_of(ours, 2) == 0.1


@pytest.mark.parametrize("value", [-1e-3, float("nan"), float("inf")])
def test_learning_rate_out_of_range(value) -> None:
    ours = shim.optimizer(0, [create([2], requires_grad=1)], [0.1, 0, 0, 0, 0, 0])
    for group in (0, 1):
        with pytest.raises(ShimError, match="learning_rate is"):
            call("ft_optim_set_learning_rate", ours.handle, c_double(value), c_int64(group))
    for group in (-1, 2):
        with pytest.raises(ShimError, match=f"group is {group}"):
            call("ft_optim_set_learning_rate", ours.handle, c_double(0.1), c_int64(group))
    assert rate_of(ours, 1) == 0.1


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex128"])
@pytest.mark.parametrize(("number", "row"), ROWS, ids=lambda one: getattr(one, "name", ""))
def test_step_with_nonfinite_gradient_is_left_out(number, row, dtype, bad, generator) -> None:
    arrays = [np.asfortranarray(generator.normal(size=(3, 2)).astype(dtype)) for _ in range(2)]
    weights = [wrap(one.copy(order="F"), 1) for one in arrays]
    leaves = [torch.tensor(np.ascontiguousarray(one), requires_grad=True) for one in arrays]
    ours = shim.optimizer(number, weights, [one.default_value for one in row.hyperparameters])
    extra = {"fused": False} if row.is_fused else {}
    expected = getattr(torch.optim, row.name)(leaves, foreach=False, **extra)
    call("ft_optim_skip_nonfinite", ours.handle, 1)
    for step in range(6):
        seeds = [np.asfortranarray(generator.normal(size=(3, 2)).astype(dtype)) for _ in arrays]
        if step in (0, 3):
            seeds[1][2, 1] = bad if dtype != "complex128" else complex(1, bad)
        zero(ours, expected)
        for weight, leaf, seed in zip(weights, leaves, seeds):
            weight.backward(wrap(seed))
            leaf.backward(torch.tensor(np.ascontiguousarray(seed)))
        before = [weight.array.copy() for weight in weights]
        call("ft_optim_step", ours.handle)
        if step in (0, 3):
            assert all(np.array_equal(a, b.array) for a, b in zip(before, weights))
        else:
            expected.step()
            tolerance = 1e-6 if dtype == "float32" else 1e-12
            for weight, leaf in zip(weights, leaves):
                assert np.allclose(weight.array, leaf.detach().numpy(), rtol=tolerance)
    assert skipped(ours) == 2


def test_large_finite_gradients_are_no_reason_to_skip() -> None:
    weight = wrap(np.zeros(4, "float32"), 1)
    ours = shim.optimizer(0, [weight], [1, 0, 0, 0, 0, 0])
    call("ft_optim_skip_nonfinite", ours.handle, 1)
    largest = np.full(4, np.finfo("float32").max)
    weight.backward(wrap(largest.copy()))
    call("ft_optim_step", ours.handle)
    assert skipped(ours) == 0
    assert np.array_equal(weight.array, -largest)


def test_without_the_wish_nothing_is_left_out() -> None:
    weight = wrap(np.zeros(2), 1)
    ours = shim.optimizer(0, [weight], [1, 0, 0, 0, 0, 0])
    weight.backward(wrap(np.array([np.nan, 1.0])))
    call("ft_optim_step", ours.handle)
    assert skipped(ours) == 0
    assert np.isnan(weight.array[0])


def test_accumulated_gradients_are_those_of_the_large_batch(generator) -> None:
    """Over k small batches, each with its share of the loss."""
    samples = generator.normal(size=(12, 3))
    results = []
    for batches in (1, 3, 4):
        weight = wrap(np.ones((3,)), 1)
        ours = shim.optimizer(1, [weight], [0.1, 0.9, 0.999, 1e-8, 0, 0, 0])
        for _ in range(5):
            call("ft_optim_zero_gradient", ours.handle)
            for part in np.split(samples, batches):
                # The gradient of mean((w*s)**2)/batches.
                seed = 2 * (weight.array * part * part).sum(0) / part.size / batches
                weight.backward(wrap(seed))
            call("ft_optim_step", ours.handle)
        results.append(weight.array.copy())
    assert np.allclose(results[1], results[0], rtol=1e-12)
    assert np.allclose(results[2], results[0], rtol=1e-12)
