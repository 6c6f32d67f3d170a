# SPDX-License-Identifier: MIT
"""Layers that see one sample at a time: emulators of columns, cells and particles."""

from __future__ import annotations

import torch
from architecture import BATCH, Architecture
from torch import Tensor, nn
from torch.nn import functional


class Mlp(nn.Module):
    """Two hidden layers with tanh: the plain emulator."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(8, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 4)
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


class ResidualMlp(nn.Module):
    """Residual blocks with layer norm and GELU, for tendencies of a column."""

    def __init__(self, width: int = 24, depth: int = 3) -> None:
        super().__init__()
        self.first = nn.Linear(10, width)
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.LayerNorm(width), nn.Linear(width, width), nn.GELU(), nn.Linear(width, width)
            )
            for _ in range(depth)
        )
        self.last = nn.Linear(width, 6)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        for block in self.blocks:
            x = x + block(x)
        return self.last(x)


class Activations(nn.Module):
    """Twenty activations, each on a slice of a hidden layer."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(5, 40)
        self.slope = nn.PReLU(2)
        self.activations = nn.ModuleList(
            [
                *(nn.ReLU(), nn.ReLU6(), nn.LeakyReLU(0.2), nn.ELU(), nn.SELU(), nn.CELU(0.5)),
                *(nn.GELU(approximate="tanh"), nn.SiLU(), nn.Mish(), nn.Softplus(beta=2.0)),
                *(nn.Softsign(), nn.Tanhshrink(), nn.Softshrink(0.1), nn.Hardshrink(0.1)),
                *(nn.Hardtanh(), nn.Hardswish(), nn.Hardsigmoid(), nn.LogSigmoid()),
            ]
        )
        self.last = nn.Linear(39, 3)

    def forward(self, x: Tensor) -> Tensor:
        parts = self.first(x).split(2, dim=-1)
        results = [one(part) for one, part in zip(self.activations, parts)]
        results += [self.slope(parts[18]), functional.glu(parts[19], dim=-1)]
        return self.last(torch.cat(results, dim=-1))


class ConservingColumn(nn.Module):
    """Positive fluxes whose divergence conserves what a column holds."""

    def __init__(self, levels: int = 12) -> None:
        super().__init__()
        self.hidden = nn.Linear(2 * levels, 32)
        self.fluxes = nn.Linear(32, levels - 1)
        self.register_buffer("thickness", torch.linspace(0.5, 1.5, levels))

    def forward(self, humidity: Tensor, temperature: Tensor) -> Tensor:
        x = torch.cat([humidity, temperature], dim=1)
        flux = functional.softplus(self.fluxes(functional.silu(self.hidden(x))))
        flux = functional.pad(flux, (1, 1))
        return torch.clamp(humidity + (flux[:, 1:] - flux[:, :-1]) / self.thickness, min=0.0)


class MixtureOfExperts(nn.Module):
    """A gate weighs small networks, stacked into one batched product."""

    def __init__(self, experts: int = 4) -> None:
        super().__init__()
        self.gate = nn.Linear(6, experts)
        self.weight = nn.Parameter(0.3 * torch.randn(experts, 6, 8))
        self.bias = nn.Parameter(torch.zeros(experts, 1, 8))

    def forward(self, x: Tensor) -> Tensor:
        results = torch.baddbmm(self.bias, x.expand(self.weight.shape[0], -1, -1), self.weight)
        return torch.einsum("be,ebo->bo", self.gate(x).softmax(-1), results.relu())


class Bilinear(nn.Module):
    """Pairs of states, and how alike they are."""

    def __init__(self) -> None:
        super().__init__()
        self.pair = nn.Bilinear(4, 5, 6)

    def forward(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        pair = self.pair(a, b)
        return pair, functional.cosine_similarity(a, b[:, :4]) + torch.cdist(a, a).mean(1)


ROWS = [
    Architecture(make=Mlp, inputs=lambda n: (torch.randn(n, 8),), dynamic=(BATCH,)),
    Architecture(
        make=Mlp,
        name="Mlp, decomposed",
        inputs=lambda n: (torch.randn(n, 8),),
        dynamic=(BATCH,),
        is_decomposed=True,
    ),
    Architecture(make=ResidualMlp, inputs=lambda n: (torch.randn(n, 10),), dynamic=(BATCH,)),
    Architecture(make=Activations, inputs=lambda n: (torch.randn(n, 5),), dynamic=(BATCH,)),
    Architecture(
        make=ConservingColumn,
        inputs=lambda n: (torch.rand(n, 12), torch.randn(n, 12)),
        dynamic=(BATCH, BATCH),
    ),
    Architecture(make=MixtureOfExperts, inputs=lambda n: (torch.randn(n, 6),), dynamic=(BATCH,)),
    Architecture(
        make=Bilinear,
        inputs=lambda n: (torch.randn(n, 4), torch.randn(n, 5)),
        dynamic=(BATCH, BATCH),
    ),
]
