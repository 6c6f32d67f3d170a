# SPDX-License-Identifier: MIT
"""Schedulers against torch.optim.lr_scheduler: learning rates over 300 epochs, to the last bit."""

from __future__ import annotations

import math
import random
import warnings
from ctypes import byref, c_double, c_int64
from typing import Any

import numpy as np
import pytest
import torch

import shim
from catalog import optimizers, schedulers
from shim import Object, ShimError, call, create

EPOCHS = 300
ROWS = {row.name: (number, row) for number, row in enumerate(schedulers.SCHEDULERS)}
CASES = [(row.name, chosen) for row in schedulers.SCHEDULERS for chosen in row.variants]
OPTIMIZERS = {row.name: (number, row) for number, row in enumerate(optimizers.OPTIMIZERS)}
RATES = (0.05, 0.003)


class Pair:
    """An optimizer with two groups, here and in PyTorch."""

    def __init__(self, name: str = "SGD") -> None:
        number, self.row = OPTIMIZERS[name]
        weights = [create([2], requires_grad=1) for _ in RATES]
        values = [one.default_value for one in self.row.hyperparameters]
        self.ours = shim.optimizer(number, weights[:1], [RATES[0], *values[1:]])
        shim.add_parameters(self.ours, weights[1:], {"learning_rate": RATES[1]})
        self.weights = weights
        leaves = [torch.ones(2, requires_grad=True) for _ in RATES]
        groups = [{"params": [leaf], "lr": rate} for leaf, rate in zip(leaves, RATES)]
        self.torch = getattr(torch.optim, name)(groups)

    def rates(self) -> list[float]:
        """Learning rates of our groups."""
        found = []
        for group in (1, 2):
            value = c_double()
            call("ft_optim_learning_rate", self.ours.handle, c_int64(group), byref(value))
            found.append(value.value)
        return found

    def expected(self) -> list[float]:
        """Those of PyTorch's."""
        return [group["lr"] for group in self.torch.param_groups]

    def scheduler(self, name: str, chosen: dict[str, Any]) -> tuple[Object, Any]:
        """A scheduler, here and in PyTorch."""
        python = {one.name: one.python for one in ROWS[name][1].arguments}
        keywords = {python.get(key, key): value for key, value in chosen.items()}
        made = getattr(torch.optim.lr_scheduler, name)(self.torch, **keywords)
        return shim.scheduler(name, self.ours, chosen), made


def step(ours: Object, theirs: Any, metric: float | None = None) -> None:
    """One epoch of both."""
    call("ft_scheduler_step", ours.handle, c_double(metric or 0), int(metric is not None))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if metric is None:
            theirs.step()
        else:
            theirs.step(metric)


def metrics(generator: Any) -> list[float | None]:
    """A loss that falls, with noise, and stays."""
    return [math.exp(-i / 40) + 0.02 * generator.normal() for i in range(EPOCHS)]


@pytest.mark.parametrize(("name", "chosen"), CASES, ids=str)
def test_learning_rates_are_those_of_pytorch(name, chosen, generator) -> None:
    pair = Pair()
    ours, theirs = pair.scheduler(name, chosen)
    assert pair.rates() == pair.expected()
    values = metrics(generator) if name == "ReduceLROnPlateau" else [None] * EPOCHS
    for value in values:
        step(ours, theirs, value)
        assert pair.rates() == pair.expected()


@pytest.mark.parametrize("name", ["SGD", "Adam", "NAdam", "RMSprop"])
def test_one_cycle_changes_momentum(name, generator) -> None:
    """Seen by the steps, since momentum cannot be asked for."""
    pair = Pair(name)
    ours, theirs = pair.scheduler("OneCycleLR", {"max_lr": 0.1, "total_steps": 300})
    leaves = [leaf for group in pair.torch.param_groups for leaf in group["params"]]
    for _ in range(50):
        seed = generator.normal(size=2).astype("float32")
        call("ft_optim_zero_gradient", pair.ours.handle)
        pair.torch.zero_grad()
        for weight, leaf in zip(pair.weights, leaves):
            weight.backward(shim.wrap(seed))
            leaf.backward(torch.tensor(seed))
        call("ft_optim_step", pair.ours.handle)
        pair.torch.step()
        step(ours, theirs)
        for weight, leaf in zip(pair.weights, leaves):
            assert np.allclose(weight.numpy(), leaf.detach().numpy(), rtol=1e-5, atol=1e-7)


def test_chained() -> None:
    """Each multiplies what the other left."""
    pair = Pair()
    pairs = [
        pair.scheduler("LinearLR", {"total_iters": 100}),
        pair.scheduler("ExponentialLR", {"gamma": 0.99}),
        pair.scheduler("CosineAnnealingLR", {"T_max": 30}),
        pair.scheduler("MultiStepLR", {"milestones": [17, 90]}),
    ]
    for _ in range(EPOCHS):
        assert pair.rates() == pair.expected()
        for ours, theirs in pairs:
            step(ours, theirs)


def random_parts(chooser: random.Random) -> list[tuple[str, dict[str, Any]]]:
    """Schedulers of a sequence."""
    possible = [case for case in CASES if case[0] != "ReduceLROnPlateau"]
    parts = [chooser.choice(possible) for _ in range(chooser.randint(1, 4))]
    # In PyTorch the last of several OneCycleLR overwrites the bounds of the others.
    cycles = [part for part in parts if part[0] == "OneCycleLR"]
    return [part for part in parts if part not in cycles[1:]]


@pytest.mark.parametrize("seed", range(40))
def test_sequence(seed) -> None:
    chooser = random.Random(seed)
    pair = Pair()
    parts = [pair.scheduler(name, chosen) for name, chosen in random_parts(chooser)]
    milestones = sorted(chooser.sample(range(0, 200), len(parts) - 1))
    ours = shim.sequence(pair.ours, [one for one, _ in parts], milestones)
    theirs = torch.optim.lr_scheduler.SequentialLR(
        pair.torch, [one for _, one in parts], milestones
    )
    for _ in range(EPOCHS - 1):
        assert pair.rates() == pair.expected()
        step(ours, theirs)


def test_learning_rate_set_in_between() -> None:
    pair = Pair()
    ours, theirs = pair.scheduler("ExponentialLR", {"gamma": 0.9})
    for i in range(30):
        if i == 10:
            call("ft_optim_set_learning_rate", pair.ours.handle, c_double(0.7), c_int64(2))
            pair.torch.param_groups[1]["lr"] = 0.7
        step(ours, theirs)
        assert pair.rates() == pair.expected()


@pytest.mark.parametrize(
    ("name", "chosen", "part"),
    [
        ("StepLR", {"step_size": 0}, "step_size must be a whole number of at least 1"),
        ("StepLR", {"step_size": 1.5}, "step_size must be a whole number"),
        ("ConstantLR", {"factor": 1.5}, "factor must be between 0 and 1"),
        ("LinearLR", {"start_factor": 0}, "start_factor must be above 0"),
        ("OneCycleLR", {"max_lr": 0.1}, "total_steps, or epochs and steps_per_epoch"),
        ("OneCycleLR", {"max_lr": 0.1, "total_steps": 9, "pct_start": 2}, "pct_start"),
        ("CosineAnnealingWarmRestarts", {"T_0": 2, "T_mult": 0}, "T_mult"),
        ("ReduceLROnPlateau", {"factor": 1.0}, "factor must be below 1"),
        ("ExponentialLR", {"gamma": float("nan")}, "gamma is nan"),
    ],
)
def test_arguments_out_of_range(name, chosen, part) -> None:
    pair = Pair()
    with pytest.raises(ShimError, match=part) as failure:
        shim.scheduler(name, pair.ours, chosen)
    assert failure.value.status == "ft_invalid_argument"
    assert pair.rates() == list(RATES)


def test_metric_where_none_is_read_and_the_other_way() -> None:
    pair = Pair()
    plain = shim.scheduler("StepLR", pair.ours, {"step_size": 2})
    plateau = shim.scheduler("ReduceLROnPlateau", pair.ours, {})
    with pytest.raises(ShimError, match="takes no metric"):
        call("ft_scheduler_step", plain.handle, c_double(1), 1)
    with pytest.raises(ShimError, match="needs a metric"):
        call("ft_scheduler_step", plateau.handle, c_double(0), 0)
    assert pair.rates() == list(RATES)


def test_one_cycle_ends() -> None:
    pair = Pair()
    ours, theirs = pair.scheduler("OneCycleLR", {"max_lr": 0.1, "total_steps": 5})
    for _ in range(5):
        step(ours, theirs)
    before = pair.rates()
    with pytest.raises(ShimError, match="made for 5 steps"):
        call("ft_scheduler_step", ours.handle, c_double(0), 0)
    assert pair.rates() == before


def test_momentum_that_is_not_there() -> None:
    pair = Pair("Adagrad")
    with pytest.raises(ShimError, match="neither momentum nor beta_1"):
        shim.scheduler("OneCycleLR", pair.ours, {"max_lr": 0.1, "total_steps": 5})
    shim.scheduler(
        "OneCycleLR", pair.ours, {"max_lr": 0.1, "total_steps": 5, "cycle_momentum": False}
    )


def test_group_that_came_later() -> None:
    pair = Pair()
    ours, _ = pair.scheduler("ExponentialLR", {"gamma": 0.9})
    shim.add_parameters(pair.ours, [create([3], requires_grad=1)], {})
    before = pair.rates()
    with pytest.raises(ShimError, match="3 groups, and had 2"):
        call("ft_scheduler_step", ours.handle, c_double(0), 0)
    assert pair.rates() == before


def test_sequences_that_cannot_be() -> None:
    pair, other = Pair(), Pair()
    steps = shim.scheduler("StepLR", pair.ours, {"step_size": 2})
    plateau = shim.scheduler("ReduceLROnPlateau", pair.ours, {})
    foreign = shim.scheduler("StepLR", other.ours, {"step_size": 2})
    for parts, milestones, part in [
        ([], [], "no schedulers"),
        ([steps], [3], "1 schedulers need 0 milestones"),
        ([steps, plateau], [3], r"schedulers\(2\) waits for a metric"),
        ([steps, foreign], [3], r"schedulers\(2\) belongs to another optimizer"),
        ([steps, steps, steps], [5, 3], "milestones must not fall"),
        ([steps, Object()], [5], r"schedulers\(2\) holds nothing"),
    ]:
        with pytest.raises(ShimError, match=part):
            shim.sequence(pair.ours, parts, milestones)


def test_a_scheduler_keeps_its_optimizer() -> None:
    pair = Pair()
    ours = shim.scheduler("StepLR", pair.ours, {"step_size": 1})
    call("ft_release", pair.ours.handle)
    call("ft_scheduler_step", ours.handle, c_double(0), 0)


def test_sequence_that_fails_changes_nothing() -> None:
    pair = Pair()
    parts = [shim.scheduler("ExponentialLR", pair.ours, {"gamma": 0.5}) for _ in range(2)]
    call("ft_scheduler_step", parts[0].handle, c_double(0), 0)
    shim.add_parameters(pair.ours, [create([3], requires_grad=1)], {})
    before = pair.rates()
    with pytest.raises(ShimError, match="3 groups, and had 2"):
        shim.sequence(pair.ours, parts, [3])
    assert pair.rates() == before
