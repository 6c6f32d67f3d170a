# SPDX-License-Identifier: MIT
"""The networks of the test models, one for each kind of forward procedure."""

from __future__ import annotations

from collections.abc import Callable

import stateful
import torch
from torch import Tensor, nn


def mlp(dtype: torch.dtype) -> nn.Module:
    """Eight numbers to four through two hidden layers of 32."""
    layers = nn.Sequential(
        nn.Linear(8, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 4)
    )
    return layers.to(dtype)


class TupleOutput(nn.Module):
    """Sum and product with 1 and 2."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x + 1, x * 2


class ListOutput(nn.Module):
    """Three multiples of the input."""

    def forward(self, x: Tensor) -> list[Tensor]:
        return [x, x * 2, x * 3]


class DictOutput(nn.Module):
    """Named results, in the order of insertion, which is not the alphabet's."""

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return {"sum": x + 10, "product": x * 10}


class NestedOutput(nn.Module):
    """A tuple that holds a list."""

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        return x, [x + 1, x + 2]


class NumberOutput(nn.Module):
    """A plain number, as a tensor without dimensions."""

    def forward(self, x: Tensor) -> float:
        return float(x.sum().item())


class IntegerOutput(nn.Module):
    """Index of the largest element of each row, int64."""

    def forward(self, x: Tensor) -> Tensor:
        return x.argmax(1)


class TwoInputs(nn.Module):
    """Not symmetric in its arguments."""

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return x - 2 * y


class RelativeLoss(nn.Module):
    """A loss: the mean square of relative errors."""

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        return (((output - target) / target) ** 2).mean()


class SquaredError(nn.Module):
    """A loss as a model."""

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return ((x - y) ** 2).mean()


class DroppedError(nn.Module):
    """A loss that leaves out errors by chance while it is in training mode."""

    def __init__(self) -> None:
        super().__init__()
        self.dropout = nn.Dropout(0.5)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return self.dropout((x - y) ** 2).mean()


class DefaultInput(nn.Module):
    """A second argument that may be left out."""

    def forward(self, x: Tensor, factor: float = 3.0) -> Tensor:
        return x * factor


class Scaling(nn.Module):
    """The input times one parameter, 2."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor([2.0]))

    def forward(self, x: Tensor) -> Tensor:
        return self.scale * x


class Normalised(nn.Module):
    """Batch normalisation and dropout: training and evaluation differ."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(4)
        self.dropout = nn.Dropout(0.5)

    def forward(self, x: Tensor) -> Tensor:
        return self.dropout(self.norm(x))


class Failing(nn.Module):
    """Raises an error for negative input, and for none at all."""

    def forward(self, x: Tensor) -> Tensor:
        if bool(x.min() < 0):
            raise RuntimeError("negative concentration in the input")
        return x


class Slow(nn.Module):
    """Runs for minutes."""

    def forward(self, x: Tensor) -> Tensor:
        for _ in range(1_000_000_000):
            x = x + 0
        return x


class Sparse(nn.Module):
    """A sparse second result."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x * 2, x.to_sparse()


class Step(nn.Module):
    """A step of a plain number, and a method that normalises."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor([1.0, 2.0]))
        self.scale = torch.tensor([2.0, 4.0])

    def forward(self, x: Tensor, dt: float) -> Tensor:
        return x + dt

    @torch.jit.export
    def normalise(self, x: Tensor) -> tuple[Tensor, int]:
        return (x - self.mean) / self.scale, x.numel()


def noisy() -> nn.Module:
    """Four numbers to two, with statistics that are kept and random numbers in training mode."""
    return nn.Sequential(
        nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Dropout(0.3), nn.Linear(8, 2)
    )


MODELS: dict[str, Callable[[], nn.Module]] = {
    "mlp_float32": lambda: mlp(torch.float32),
    "mlp_float64": lambda: mlp(torch.float64),
    "convolution": lambda: nn.Sequential(nn.Conv1d(2, 3, 3, padding=1), nn.Tanh()),
    "tuple_output": TupleOutput,
    "list_output": ListOutput,
    "dict_output": DictOutput,
    "nested_output": NestedOutput,
    "number_output": NumberOutput,
    "integer_output": IntegerOutput,
    "two_inputs": TwoInputs,
    "relative_loss": RelativeLoss,
    "squared_error": SquaredError,
    "dropped_error": DroppedError,
    "default_input": DefaultInput,
    "scaling": Scaling,
    "normalised": Normalised,
    "failing": Failing,
    "slow": Slow,
    "noisy": noisy,
    "sparse": Sparse,
    "step": Step,
    **stateful.MODELS,
}
"""Constructor of each model by the name of its file."""

METADATA = {"step": {"units": "m s-1", "levels": 60, "comment": "wärmer"}}
"""What is stored beside a model, by its name."""

INPUTS: dict[str, Callable[[], tuple[Tensor, ...]]] = {
    "mlp_float32": lambda: (torch.randn(5, 8),),
    "mlp_float64": lambda: (torch.randn(5, 8, dtype=torch.float64),),
    "convolution": lambda: (torch.randn(4, 2, 6),),
    "two_inputs": lambda: (torch.randn(3, 2), torch.randn(3, 2)),
}
"""Inputs of the models whose numbers are compared."""
