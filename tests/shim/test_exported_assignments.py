# SPDX-License-Identifier: MIT
"""Assignments to sections and buffers in exported programs, and numbers beyond a dtype."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from exported import export, given, results, same, total, twin
from model_parts import part
from torch import nn

from shim import load


class Assigned(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = x * 2
        y[0] += 1
        y[:, 1] = x[:, 0].double() * 3
        return y.relu()


class State(nn.Module):
    """Assigns what it keeps, and returns what it kept."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([0.5, -0.25]))
        self.register_buffer("state", torch.ones(2))

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        old = self.state * 1
        new = torch.tanh(self.weight * self.state + x)
        self.state = new.detach()
        return new, old


class Scaled(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x / 1e39 + x


@pytest.mark.parametrize("decompose", [False, True])
@pytest.mark.parametrize("module", [Assigned, Scaled])
def test_results_and_gradients_are_those_of_eager_mode(module, decompose, tmp_path: Path) -> None:
    x = torch.arange(6.0).reshape(3, 2) - 2
    file = export(module(), [x], tmp_path / "model.pt2", decompose=decompose)
    leaf = x.clone().requires_grad_()
    expected = module()(leaf)
    expected.sum().backward()
    inputs = given([x], True)
    outputs = results(load(file), inputs, [expected], 1)
    same(outputs[0].numpy(), expected)
    total(outputs).backward()
    same(inputs[0].gradient().numpy(), leaf.grad)


@pytest.mark.parametrize("decompose", [False, True])
def test_a_state_that_is_assigned_can_be_trained_over_passes(decompose, tmp_path: Path) -> None:
    x, module = torch.tensor([1.0, -2.0]), State()
    file = export(twin(module), [x], tmp_path / "model.pt2", decompose=decompose)
    model = load(file)
    for number in range(3):
        leaf = (x + number).requires_grad_()
        expected = module(leaf)
        expected[0].sum().backward()
        inputs = given([x + number], True)
        outputs = results(model, inputs, expected, 1)
        for output, value in zip(outputs, expected):
            same(output.numpy(), value)
        total(outputs).backward()
        same(inputs[0].gradient().numpy(), leaf.grad)
        same(part(model, "weight").gradient().numpy(), module.weight.grad, 1e-6)
        same(part(model, "state", True).numpy(), module.state)
        assert not part(model, "state", True).requires_grad()
