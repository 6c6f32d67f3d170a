# SPDX-License-Identifier: MIT
"""What is no plain tensor of float32: numbers, dicts, nested results, nothing, integers."""

from __future__ import annotations

import torch
from architecture import BATCH, COMPLEX, Architecture
from torch import Tensor, nn


class TimeStep(nn.Module):
    """A step of `dt`, a plain float."""

    def __init__(self) -> None:
        super().__init__()
        self.tendency = nn.Linear(4, 4)

    def forward(self, x: Tensor, dt: float) -> Tensor:
        return x + dt * torch.tanh(self.tendency(x))


class DictInput(nn.Module):
    """Fields by name in a dict, results by name in another."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Linear(5, 3)

    def forward(self, fields: dict[str, Tensor]) -> dict[str, Tensor]:
        x = torch.cat([fields["temperature"], fields["humidity"]], dim=1)
        y = self.layers(x)
        return {"rain": y[:, :1].relu(), "cloud": y[:, 1:].sigmoid()}


class InPlace(nn.Module):
    """Writes its input and returns nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("rate", torch.tensor(0.5))

    def forward(self, x: Tensor) -> None:
        x.mul_(self.rate).add_(1.0)


class Nested(nn.Module):
    """A tuple of a dict, a list, a place that holds nothing, and a number."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 2)

    def forward(self, x: Tensor) -> tuple[dict[str, Tensor], list[Tensor], None, Tensor]:
        y = self.layer(x)
        return {"b": y, "a": y * 2}, [y.sum(0), y.mean(1)], None, y.sum()


class Integers(nn.Module):
    """Words and counts: embeddings, integer arithmetic, comparisons, a bool result."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(20, 5, padding_idx=0)

    def forward(self, words: Tensor, counts: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        total = (counts * 3 + 1) // 2 % 7
        chosen = self.embedding(words) * total.unsqueeze(-1)
        return chosen.sum(1), total, (counts > 3).logical_and(words != 0)


class ComplexLayer(nn.Module):
    """Complex weights on complex amplitudes, with a modulus as activation."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(4, 4, dtype=torch.complex64) / 2)
        self.bias = nn.Parameter(torch.zeros(4))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        y = x @ self.weight
        modulus = y.abs()
        y = torch.relu(modulus + self.bias) * torch.sgn(y)
        return y, torch.angle(y + 0.5) + y.conj().imag


class DoublePrecision(nn.Module):
    """Weights and fields of float64, constants of several dtypes."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 3, dtype=torch.float64)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        y = torch.expm1(self.layer(x)) + torch.tensor([1, 2, 3])
        return y, torch.erf(y).float()


class FixedSizes(nn.Module):
    """A grid whose sizes are all fixed."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv1d(1, 2, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x).square().flatten()


class SharedWeights(nn.Module):
    """A weight under two names, and a result that is the input."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Linear(4, 4)
        self.decoder = nn.Linear(4, 4, bias=False)
        self.decoder.weight = self.encoder.weight

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        y = self.decoder(torch.tanh(self.encoder(x)))
        return y, x, y


ROWS = [
    Architecture(make=TimeStep, inputs=lambda n: (torch.randn(n, 4), 0.25), dynamic=(BATCH, None)),
    Architecture(
        make=DictInput,
        inputs=lambda n: ({"temperature": torch.randn(n, 3), "humidity": torch.randn(n, 2)},),
        dynamic=({"temperature": BATCH, "humidity": BATCH},),
    ),
    Architecture(
        make=InPlace,
        inputs=lambda n: (torch.randn(n, 3),),
        dynamic=(BATCH,),
        no_gradient="it has no parameters and returns nothing",
    ),
    Architecture(make=Nested, inputs=lambda n: (torch.randn(n, 3),), dynamic=(BATCH,)),
    Architecture(
        make=Integers,
        inputs=lambda n: (torch.randint(20, (n, 4)), torch.randint(9, (n, 4))),
        dynamic=(BATCH, BATCH),
    ),
    Architecture(
        make=ComplexLayer,
        inputs=lambda n: (torch.randn(n, 4, dtype=torch.complex64),),
        dynamic=(BATCH,),
        inexact=COMPLEX,
    ),
    Architecture(
        make=DoublePrecision,
        inputs=lambda n: (torch.randn(n, 3, dtype=torch.float64),),
        dynamic=(BATCH,),
    ),
    Architecture(make=FixedSizes, inputs=lambda n: (torch.randn(2, 1, 9),)),
    Architecture(make=SharedWeights, inputs=lambda n: (torch.randn(n, 4),), dynamic=(BATCH,)),
]
