# SPDX-License-Identifier: MIT
"""Optimizers against torch.optim: every row, dtype and memory layout; what is refused."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import torch

import shim
from catalog import optimizers
from shim import MUL, SUB, ShimError, Tensor, binary, call, create, wrap

TOLERANCE = {"float32": 1e-6, "float64": 1e-12, "complex64": 1e-6, "complex128": 1e-12}
CASES = [
    (number, row, chosen)
    for number, row in enumerate(optimizers.OPTIMIZERS)
    if not row.needs_closure
    for chosen in ({}, *row.variants)
]


SGD_VALUES = [0.1, 0, 0, 0, 0, 0]


def values(row: optimizers.Optimizer, chosen: dict[str, Any]) -> list[float]:
    """Hyperparameters in the row's order."""
    return [chosen.get(one.name, one.default_value) for one in row.hyperparameters]


def reference(
    row: optimizers.Optimizer, chosen: dict[str, Any], leaves: list[torch.Tensor]
) -> torch.optim.Optimizer:
    """The optimizer of torch.optim with the same hyperparameters and no fused kernel."""
    keywords: dict[str, Any] = {}
    for one, value in zip(row.hyperparameters, values(row, chosen)):
        name, *index = re.split(r"[\[\]]", one.python)
        if index:
            keywords[name] = (*keywords.get(name, ()), value)
        else:
            keywords[name] = value
    if row.is_fused:
        keywords["fused"] = False
    return getattr(torch.optim, row.name)(leaves, foreach=False, **keywords)


def normal(generator: np.random.Generator, shape: Any, dtype: str) -> Any:
    """Random numbers, the imaginary parts too."""
    numbers = generator.normal(size=shape) + 1j * generator.normal(size=shape)
    return (numbers if dtype.startswith("complex") else numbers.real).astype(dtype)


def leaves_of(
    dtype: str, generator: np.random.Generator
) -> tuple[list[Tensor], list[torch.Tensor]]:
    """A column-major and a row-major array, and one that gets gradients late."""
    column = np.asfortranarray(normal(generator, (3, 5), dtype))
    row = np.ascontiguousarray(normal(generator, (4, 2), dtype))
    late = normal(generator, (3,), dtype)
    ours = [wrap(one, 1) for one in (column, row, late)]
    return ours, [torch.tensor(one, requires_grad=True) for one in (column, row, late)]


@pytest.mark.parametrize(
    ("number", "row", "chosen"), CASES, ids=lambda one: getattr(one, "name", str(one))
)
@pytest.mark.parametrize("dtype", sorted(TOLERANCE))
def test_steps_are_those_of_pytorch(number, row, chosen, dtype, generator) -> None:
    ours, leaves = leaves_of(dtype, generator)
    goals = [np.asfortranarray(normal(generator, one.shape(), dtype)) for one in ours]
    ours_optimizer = shim.optimizer(number, ours, values(row, chosen))
    optimizer = reference(row, chosen, leaves)
    for step in range(200):
        call("ft_optim_zero_gradient", ours_optimizer.handle)
        optimizer.zero_grad()
        for tensor, leaf, goal in list(zip(ours, leaves, goals))[: 3 if step > 5 else 2]:
            # The gradient of the sum of |difference|^2, complex or not. As of a new batch each
            # time: where gradients vanish, a division by their size amplifies rounding.
            sample = np.asfortranarray(goal + normal(generator, goal.shape, dtype))
            difference = binary(SUB, tensor, wrap(sample))
            difference.backward(wrap(np.asfortranarray(2 * difference.numpy())))
            expected = leaf - torch.tensor(sample)
            expected.backward(2 * expected.detach())
        call("ft_optim_step", ours_optimizer.handle)
        optimizer.step()
    for tensor, leaf in zip(ours, leaves):
        expected = leaf.detach().numpy()
        assert np.abs(tensor.array - expected).max() <= TOLERANCE[dtype] * np.abs(expected).max()


def test_parameter_with_gaps_in_memory(generator) -> None:
    """Fused kernels walk raw memory: the gaps must stay as they are."""
    data = generator.normal(size=(4, 6))
    ones = torch.tensor(data[::2, :], requires_grad=True)
    strided = shim.section(data[::2], requires_grad=1)
    before = data.copy()
    optimizer, expected = (
        shim.optimizer(1, [strided], values(optimizers.OPTIMIZERS[1], {})),
        torch.optim.Adam([ones]),
    )
    for _ in range(3):
        binary(MUL, strided, strided).backward()
        (ones * ones).backward(torch.ones_like(ones))
        call("ft_optim_step", optimizer.handle)
        expected.step()
    assert np.array_equal(data[1::2], before[1::2])
    assert np.allclose(data[::2], ones.detach().numpy(), rtol=1e-14)


def test_zero_gradient_takes_gradients_away() -> None:
    weight = create([2], requires_grad=1)
    optimizer = shim.optimizer(0, [weight], SGD_VALUES)
    weight.backward()
    call("ft_optim_zero_gradient", optimizer.handle)
    with pytest.raises(ShimError, match="no gradient"):
        weight.gradient()
    call("ft_optim_step", optimizer.handle)
    assert weight.numpy().tolist() == [1, 1]


def test_parameters_are_kept_alive() -> None:
    weight = create([2], requires_grad=1)
    optimizer = shim.optimizer(0, [weight], SGD_VALUES)
    weight.backward()
    call("ft_release", weight.handle)
    call("ft_optim_step", optimizer.handle)


def test_parameters_that_cannot_be_trained() -> None:
    weight = create([2], requires_grad=1)
    for parameters, part in [
        ([], "no parameters"),
        ([weight, Tensor()], r"parameters\(2\): the tensor holds nothing"),
        ([create([2])], r"parameters\(1\).*without requires_grad"),
        ([weight, binary(MUL, weight, weight)], r"parameters\(2\) is no leaf"),
        ([weight, weight], r"parameters\(2\) was given before"),
    ]:
        with pytest.raises(ShimError, match=part) as failure:
            shim.optimizer(0, parameters, SGD_VALUES)
        assert failure.value.status == "ft_invalid_argument"


@pytest.mark.parametrize(
    ("number", "row"),
    list(enumerate(optimizers.OPTIMIZERS)),
    ids=lambda one: getattr(one, "name", ""),
)
def test_hyperparameters_out_of_range(number: int, row: optimizers.Optimizer) -> None:
    weight = create([2], requires_grad=1)
    for one in row.hyperparameters:
        if one.is_logical or one.choices:
            continue
        wrong = [
            -0.1,
            float("nan"),
            float("inf"),
            *([] if one.upper_bound is None else [one.upper_bound]),
        ]
        for value in wrong:
            with pytest.raises(ShimError, match=one.name) as failure:
                shim.optimizer(number, [weight], values(row, {one.name: value}))
            assert failure.value.status == "ft_invalid_argument"
    with pytest.raises(ShimError, match="hyperparameters were given"):
        shim.optimizer(number, [weight], values(row, {})[1:])


@pytest.mark.parametrize("chosen", [{}, {"momentum": 0.9, "dampening": 0.1}])
def test_nesterov_needs_momentum_without_dampening(chosen: dict[str, float]) -> None:
    weight = create([2], requires_grad=1)
    with pytest.raises(ShimError, match="nesterov needs momentum"):
        shim.optimizer(0, [weight], values(optimizers.OPTIMIZERS[0], {"nesterov": True, **chosen}))


def test_number_that_is_no_optimizer() -> None:
    with pytest.raises(ShimError, match="not in the catalog"):
        shim.optimizer(len(optimizers.OPTIMIZERS), [create([2], requires_grad=1)], [])
