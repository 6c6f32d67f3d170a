# SPDX-License-Identifier: MIT
"""Trains a network with dropout and batch norm, for each optimizer, scheduler and replay buffer.

Usage: resume.py whole|first|second FOLDER NETWORK: 200 steps; 100 steps, saved; 100 steps from
what was saved. Writes a checkpoint `<case>.<part>` for each.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from ctypes import byref, c_double, c_int, c_int32
from pathlib import Path

import numpy as np
import torch
from checkpoints import Checkpoint
from replay_buffers import POLICIES, ReplayBuffer

import shim
from catalog.optimizers import OPTIMIZERS
from catalog.schedulers import SCHEDULERS
from shim import Object, Tensor, anything, call, forward, load, parameters, wrap

HALF = 100
# Those with which an optimizer has all of its state.
HYPERPARAMETERS = {
    "SGD": {"momentum": 0.9},
    "Adam": {"amsgrad": True},
    "RMSprop": {"momentum": 0.9, "centered": True},
    "LBFGS": {"max_iter": 3, "history_size": 5},
}
CHOICES = {
    "MultiStepLR": {"milestones": [30, 90, 150]},
    "StepLR": {"step_size": 40},
    "ConstantLR": {"total_iters": 130},
    "LinearLR": {"total_iters": 130},
    "ExponentialLR": {"gamma": 0.99},
    "PolynomialLR": {"total_iters": 150},
    "CosineAnnealingLR": {"T_max": 70},
    "CosineAnnealingWarmRestarts": {"T_0": 30},
    "OneCycleLR": {"max_lr": 0.1, "total_steps": 250},
    "ReduceLROnPlateau": {"patience": 2},
}
# A sequence leaves one part before the checkpoint and one after it.
MILESTONES = [60, 130]
PARTS = ("LinearLR", "CosineAnnealingLR", "ExponentialLR")


class Run:
    """One network, optimizer and scheduler, as a program makes them at its start."""

    def __init__(
        self, network: Path, optimizer: str, scheduler: str | None, policy: str | None = None
    ) -> None:
        number, row = next((i, one) for i, one in enumerate(OPTIMIZERS) if one.name == optimizer)
        self.model = load(network, train=1)
        chosen = HYPERPARAMETERS.get(optimizer, {})
        values = [chosen.get(one.name, one.default_value) for one in row.hyperparameters]
        values = [float(value != "none") if isinstance(value, str) else value for value in values]
        self.parameters = parameters(self.model, 6)
        self.optimizer = shim.optimizer(number, self.parameters, values)
        self.calls_closure = optimizer == "LBFGS"
        self.scheduler = None
        if scheduler == "SequentialLR":
            parts = [shim.scheduler(part, self.optimizer, CHOICES[part]) for part in PARTS]
            self.scheduler = shim.sequence(self.optimizer, parts, MILESTONES)
        elif scheduler:
            self.scheduler = shim.scheduler(scheduler, self.optimizer, CHOICES[scheduler])
        self.needs_metric = scheduler == "ReduceLROnPlateau"
        self.buffer = ReplayBuffer(50, policy, torch.initial_seed()) if policy else None

    def objects(self) -> dict[str, Object]:
        objects = {
            "model": self.model,
            "optimizer": self.optimizer,
            "scheduler": self.scheduler,
            "buffer": self.buffer,
        }
        return {name: one for name, one in objects.items() if one}

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """What a step brings, or a draw from all that came until then."""
        numbers = np.random.default_rng(step)
        x = wrap(numbers.standard_normal((16, 4)).astype("f4"))
        y = wrap(numbers.standard_normal((16, 2)).astype("f4"))
        if self.buffer:
            self.buffer.put(x, y)
            self.buffer.draw(x, y)
        return x, y

    def evaluate(self, step: int) -> Tensor:
        """Loss of one batch, with its gradients."""
        x, y = self.batch(step)
        output = anything([16, 2])
        call("ft_optim_zero_gradient", self.optimizer.handle)
        forward(self.model, [x], [output], 1)
        loss = shim.loss(0, output, y)
        loss.backward()
        return loss

    def step(self, step: int) -> None:
        loss = self.evaluate(step)
        if self.calls_closure:
            wants_loss, is_first = c_int32(1), 1
            while wants_loss.value:
                handles = self.optimizer.handle, loss.handle
                call("ft_optim_step_with", *handles, is_first, byref(wants_loss))
                is_first = 0
                if wants_loss.value:
                    loss = self.evaluate(step)
        else:
            call("ft_optim_step", self.optimizer.handle)
        if self.scheduler:
            metric = c_double(loss.numpy().item() if self.needs_metric else 0)
            call("ft_scheduler_step", self.scheduler.handle, metric, c_int(self.needs_metric))


def cases() -> dict[str, Callable[[Path], Run]]:
    """A constructor for each optimizer, and for each scheduler and replay buffer over Adam."""
    made = {row.name: (row.name, None, None) for row in OPTIMIZERS}
    made |= {row.name: ("Adam", row.name, None) for row in SCHEDULERS}
    made["SequentialLR"] = ("Adam", "SequentialLR", None)
    made |= {policy: ("Adam", None, policy) for policy in POLICIES}
    return {
        name: lambda network, names=names: Run(network, *names) for name, names in made.items()
    }


def main() -> None:
    part, folder, network = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    for number, (name, make) in enumerate(cases().items()):
        torch.manual_seed(number + (1000 if part == "second" else 0))
        run, first = make(network), 0
        if part == "second":
            read = Checkpoint().load(folder / f"{name}.first")
            for key, one in run.objects().items():
                read.get(key, one)
            first = int(read.number("step"))
        last = HALF if part == "first" else 2 * HALF
        for step in range(first, last):
            run.step(step)
        checkpoint = Checkpoint()
        for key, one in run.objects().items():
            checkpoint.put(key, one)
        checkpoint.put("step", np.int64(last))
        checkpoint.save(folder / f"{name}.{part}")


if __name__ == "__main__":
    main()
