# SPDX-License-Identifier: MIT
"""Fields as functions of coordinates, and layers of splines."""

from __future__ import annotations

import math

import torch
from architecture import BATCH, Architecture
from torch import Tensor, nn
from torch.nn import functional


class Siren(nn.Module):
    """Sines of linear layers, for fields and solutions of differential equations."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(3, 24), nn.Linear(24, 24), nn.Linear(24, 1)])
        for layer in self.layers:
            nn.init.uniform_(layer.weight, -0.2, 0.2)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers[:-1]:
            x = torch.sin(10.0 * layer(x))
        return self.layers[-1](x)


class FourierFeatures(nn.Module):
    """Random waves before a network, with slopes that are learned: physics-informed solutions."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("waves", torch.randn(2, 8))
        self.slope = nn.Parameter(torch.ones(1))
        self.layers = nn.Sequential(nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, 1))

    def forward(self, x: Tensor) -> Tensor:
        angles = 2 * math.pi * x @ self.waves
        waves = torch.cat([torch.cos(angles), torch.sin(angles)], dim=-1)
        boundary = x[:, :1] * (1 - x[:, :1])
        return boundary * self.layers(torch.tanh(self.slope * waves))


class SplineLayer(nn.Module):
    """Cubic B-splines for each pair of input and output, beside a plain layer."""

    def __init__(self, inputs: int, outputs: int, intervals: int = 5, order: int = 3) -> None:
        super().__init__()
        self.order = order
        step = 2.0 / intervals
        knots = torch.arange(-order, intervals + order + 1) * step - 1.0
        self.register_buffer("knots", knots.expand(inputs, -1).contiguous())
        self.base = nn.Parameter(torch.randn(outputs, inputs) / inputs)
        self.spline = nn.Parameter(0.1 * torch.randn(outputs, inputs, intervals + order))

    def bases(self, x: Tensor) -> Tensor:
        x, knots = x.unsqueeze(-1), self.knots
        bases = ((x >= knots[:, :-1]) & (x < knots[:, 1:])).to(x.dtype)
        for k in range(1, self.order + 1):
            left = (x - knots[:, : -k - 1]) / (knots[:, k:-1] - knots[:, : -k - 1])
            right = (knots[:, k + 1 :] - x) / (knots[:, k + 1 :] - knots[:, 1:-k])
            bases = left * bases[..., :-1] + right * bases[..., 1:]
        return bases

    def forward(self, x: Tensor) -> Tensor:
        plain = functional.linear(functional.silu(x), self.base)
        return plain + functional.linear(self.bases(x).flatten(1), self.spline.flatten(1))


class Kan(nn.Module):
    """A Kolmogorov-Arnold network of two layers of splines."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(SplineLayer(3, 5), SplineLayer(5, 2))

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


class RadialKan(nn.Module):
    """A Kolmogorov-Arnold layer of Gaussians and one of Chebyshev polynomials."""

    def __init__(self, degree: int = 4) -> None:
        super().__init__()
        self.register_buffer("centres", torch.linspace(-2.0, 2.0, 6))
        self.norm = nn.LayerNorm(3)
        self.radial = nn.Linear(18, 4)
        self.coefficients = nn.Parameter(0.2 * torch.randn(4, 2, degree + 1))
        self.register_buffer("degrees", torch.arange(degree + 1))

    def forward(self, x: Tensor) -> Tensor:
        gaussians = torch.exp(-(((self.norm(x).unsqueeze(-1) - self.centres) / 0.8) ** 2))
        y = torch.tanh(self.radial(gaussians.flatten(1))).clamp(-0.999, 0.999)
        polynomials = torch.cos(torch.acos(y).unsqueeze(-1) * self.degrees)
        return torch.einsum("bid,iod->bo", polynomials, self.coefficients)


class HyperNetwork(nn.Module):
    """One network makes the weights of another, for each sample by bmm."""

    def __init__(self) -> None:
        super().__init__()
        self.weights = nn.Linear(3, 2 * 6 + 6)

    def forward(self, parameters: Tensor, x: Tensor) -> Tensor:
        weight, bias = self.weights(parameters).split([12, 6], dim=1)
        return torch.tanh(torch.bmm(x, weight.view(-1, 2, 6)) + bias.unsqueeze(1))


ROWS = [
    Architecture(make=Siren, inputs=lambda n: (torch.rand(n, 3),), dynamic=(BATCH,)),
    Architecture(make=FourierFeatures, inputs=lambda n: (torch.rand(n, 2),), dynamic=(BATCH,)),
    Architecture(make=Kan, inputs=lambda n: (2 * torch.rand(n, 3) - 1,), dynamic=(BATCH,)),
    Architecture(make=RadialKan, inputs=lambda n: (torch.randn(n, 3),), dynamic=(BATCH,)),
    Architecture(
        make=HyperNetwork,
        inputs=lambda n: (torch.randn(n, 3), torch.randn(n, 4, 2)),
        dynamic=(BATCH, BATCH),
    ),
]
