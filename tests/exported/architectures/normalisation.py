# SPDX-License-Identifier: MIT
"""Norms of activations and of weights."""

from __future__ import annotations

import torch
from architecture import BATCH, Architecture
from torch import Tensor, nn
from torch.nn.utils import parametrizations


class Norms(nn.Module):
    """Batch, layer, group, instance, RMS and local response norm, one after the other."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(2, 6, 3, padding=1)
        self.norms = nn.ModuleList(
            [
                *(nn.BatchNorm2d(6), nn.LayerNorm([6, 5, 5]), nn.GroupNorm(3, 6)),
                *(nn.InstanceNorm2d(6, affine=True), nn.RMSNorm([5, 5]), nn.LocalResponseNorm(3)),
            ]
        )
        self.mixes = nn.ModuleList(nn.Conv2d(6, 6, 1) for _ in self.norms)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        for norm, mix in zip(self.norms, self.mixes):
            x = torch.tanh(mix(norm(x)))
        return x


class SpectralNorm(nn.Module):
    """A layer held to a norm of one; a power iteration changes its buffers in training mode."""

    def __init__(self) -> None:
        super().__init__()
        self.first = parametrizations.spectral_norm(nn.Linear(6, 10))
        self.last = nn.Linear(10, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(torch.relu(self.first(x)))


class WeightNorm(nn.Module):
    """Lengths and directions of weights apart, in a linear layer and a convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.first = parametrizations.weight_norm(nn.Conv1d(2, 5, 3))
        self.last = parametrizations.weight_norm(nn.Linear(20, 2))

    def forward(self, x: Tensor) -> Tensor:
        return self.last(torch.tanh(self.first(x)).flatten(1))


class OrthogonalWeights(nn.Module):
    """A weight that stays orthogonal, by the Cayley map of a triangle."""

    def __init__(self, width: int = 5) -> None:
        super().__init__()
        self.triangle = nn.Parameter(0.3 * torch.randn(width, width))
        self.register_buffer("identity", torch.eye(width))

    def forward(self, x: Tensor) -> Tensor:
        skew = self.triangle.triu(1) - self.triangle.triu(1).mT
        weight = torch.linalg.solve(self.identity + skew, self.identity - skew)
        return torch.tanh(x @ weight)


class RunningScale(nn.Module):
    """Inputs scaled by moments that each pass in training mode writes in place."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(4))
        self.register_buffer("square", torch.ones(4))
        self.register_buffer("count", torch.zeros((), dtype=torch.int64))
        self.last = nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            self.count += 1
            self.mean.lerp_(x.detach().mean(0), 0.1)
            self.square.mul_(0.9).add_(0.1 * x.detach().square().mean(0))
        deviation = torch.sqrt((self.square - self.mean.square()).clamp(min=1e-4))
        return self.last((x - self.mean) / deviation)


ROWS = [
    Architecture(make=Norms, inputs=lambda n: (torch.randn(n, 2, 5, 5),), dynamic=(BATCH,)),
    Architecture(make=SpectralNorm, inputs=lambda n: (torch.randn(n, 6),), dynamic=(BATCH,)),
    Architecture(
        make=SpectralNorm,
        name="SpectralNorm, training",
        inputs=lambda n: (torch.randn(n, 6),),
        dynamic=(BATCH,),
        is_training=True,
    ),
    Architecture(make=WeightNorm, inputs=lambda n: (torch.randn(n, 2, 6),), dynamic=(BATCH,)),
    Architecture(make=OrthogonalWeights, inputs=lambda n: (torch.randn(n, 5),), dynamic=(BATCH,)),
    Architecture(
        make=RunningScale,
        inputs=lambda n: (torch.randn(n, 4),),
        dynamic=(BATCH,),
        is_training=True,
    ),
]
