# SPDX-License-Identifier: MIT
"""Entries for the parts of a model, and a network with all kinds of them."""

from __future__ import annotations

from collections.abc import Sequence
from ctypes import byref, c_int64
from pathlib import Path
from typing import NamedTuple

import torch
from torch import nn

import shim
from catalog.optimizers import OPTIMIZERS
from shim import Object, Tensor, call, handles, text


class Results(NamedTuple):
    """What `Tied` returns."""

    mean: torch.Tensor
    spread: torch.Tensor


class Tied(nn.Module):
    """Two layers with one weight, statistics, dropout, a parameter of integers."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(3, 3)
        self.second = nn.Linear(3, 3)
        self.second.weight = self.first.weight
        self.norm = nn.BatchNorm1d(3)
        self.dropout = nn.Dropout(0.5)
        self.levels = nn.Parameter(torch.tensor([1, 2, 3]), requires_grad=False)
        self.history: list[torch.Tensor] = [torch.zeros(3)]

    def forward(self, x: torch.Tensor, scale: float = 1.0) -> Results:
        self.history[0] = self.history[0] + x.sum(0).detach()
        y = self.dropout(self.norm(self.second(torch.tanh(self.first(x)))))
        return Results(y * scale, (y * self.levels).abs() + self.history[0])


def saved(module: nn.Module, folder: Path) -> Path:
    """The file of a scripted module."""
    path = folder / "model.pt"
    torch.jit.script(module).save(str(path))
    return path


def count(model: Object, part: int) -> int:
    """Parameters (0), inputs (1) or outputs (2)."""
    number = c_int64(-1)
    call("ft_model_count", model.handle, part, byref(number))
    return number.value


def name(model: Object, part: int, index: int) -> str:
    """The name of one of them, counted from 1."""
    call("ft_model_name", model.handle, part, c_int64(index))
    return text()


def names(model: Object, part: int) -> list[str]:
    """The names of all of them."""
    return [name(model, part, i + 1) for i in range(count(model, part))]


def part(model: Object, name: str, is_buffer: bool = False, into: Tensor | None = None) -> Tensor:
    """A parameter or buffer by name."""
    result = into or Tensor()
    encoded = name.encode()
    call(
        *("ft_model_tensor", model.handle, encoded, c_int64(len(encoded))),
        *(int(is_buffer), result.target),
    )
    return result


def freeze(model: Object, pattern: str = "*", frozen: bool = True) -> None:
    """Freezes by a pattern."""
    encoded = pattern.encode()
    call("ft_model_freeze", model.handle, encoded, c_int64(len(encoded)), int(frozen))


def clone(model: Object) -> Object:
    """A model of its own."""
    result = Object()
    call("ft_model_clone", model.handle, result.target)
    return result


def set_gradient(tensor: Tensor, gradient: Tensor) -> None:
    """A copy becomes the gradient."""
    call("ft_tensor_set_gradient", tensor.handle, gradient.handle)


def to_vector(parameters: Sequence[Tensor], vector: Tensor, gradients: bool = False) -> None:
    """Parameters or gradients into one vector."""
    size = c_int64(len(parameters))
    call("ft_parameters_to_vector", handles(parameters), size, int(gradients), vector.target)


def from_vector(parameters: Sequence[Tensor], vector: Tensor, gradients: bool = False) -> None:
    """One vector into parameters or gradients."""
    size = c_int64(len(parameters))
    call("ft_vector_to_parameters", handles(parameters), size, int(gradients), vector.handle)


def sgd(parameters: Sequence[Tensor], learning_rate: float) -> Object:
    """Plain descent."""
    row = next(one for one in OPTIMIZERS if one.name == "SGD")
    defaults = [one.default for one in row.hyperparameters[1:]]
    return shim.optimizer(OPTIMIZERS.index(row), parameters, [learning_rate, *defaults])


def all_parameters(model: Object) -> list[Tensor]:
    """All parameters of a model."""
    return shim.parameters(model, count(model, 0))
