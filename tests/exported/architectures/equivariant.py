# SPDX-License-Identifier: MIT
"""Networks that turn with their inputs: atoms and vectors."""

from __future__ import annotations

import torch
from architecture import BATCH, Architecture
from torch import Tensor, nn
from torch.nn import functional


class TensorProduct(nn.Module):
    """Scalars and vectors multiplied along paths with weights, by einsum, as e3nn has."""

    def __init__(self, width: int = 5) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.randn(5, width, width) / width)
        levi_civita = torch.zeros(3, 3, 3)
        for i, j, k in [(0, 1, 2), (1, 2, 0), (2, 0, 1)]:
            levi_civita[i, j, k], levi_civita[i, k, j] = 1.0, -1.0
        self.register_buffer("levi_civita", levi_civita)

    def forward(
        self, scalars: Tensor, vectors: Tensor, direction: Tensor
    ) -> tuple[Tensor, Tensor]:
        w = self.weights
        dots = torch.einsum("bui,bi->bu", vectors, direction)
        crosses = torch.einsum("ijk,buj,bk->bui", self.levi_civita, vectors, direction)
        new_scalars = torch.einsum("bu,uv->bv", scalars, w[0]) + dots @ w[1]
        new_vectors = (
            torch.einsum("bu,uv,bi->bvi", scalars, w[2], direction)
            + torch.einsum("bui,uv->bvi", vectors, w[3])
            + torch.einsum("bui,uv->bvi", crosses, w[4])
        )
        gate = torch.sigmoid(new_scalars).unsqueeze(-1)
        return functional.silu(new_scalars), gate * new_vectors


class AtomicEnergy(nn.Module):
    """Energy of atoms by radial functions and embeddings of species, with smooth cutoff."""

    def __init__(self, width: int = 8) -> None:
        super().__init__()
        self.species = nn.Embedding(4, width)
        self.filters = nn.Sequential(nn.Linear(10, width), nn.Softplus(), nn.Linear(width, width))
        self.energy = nn.Sequential(nn.Linear(width, width), nn.Softplus(), nn.Linear(width, 1))
        self.register_buffer("centres", torch.linspace(0.0, 4.0, 10))

    def forward(self, places: Tensor, species: Tensor) -> Tensor:
        difference = places.unsqueeze(2) - places.unsqueeze(1)
        distance = torch.sqrt(difference.square().sum(-1) + 1e-6)
        radial = torch.exp(-4.0 * (distance.unsqueeze(-1) - self.centres).square())
        cutoff = torch.where(distance < 4.0, 0.5 * (torch.cos(distance * 0.785398) + 1.0), 0.0)
        apart = ~torch.eye(places.shape[1], dtype=torch.bool)
        weights = self.filters(radial) * (cutoff * apart).unsqueeze(-1)
        atoms = self.species(species)
        atoms = atoms + torch.einsum("bijc,bjc->bic", weights, atoms)
        return self.energy(atoms).sum((1, 2))


class VectorNeurons(nn.Module):
    """Linear layers and a ReLU on lists of vectors, by norms and inner products."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 6, bias=False)
        self.direction = nn.Linear(4, 6, bias=False)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        q = self.linear(x.transpose(1, 2)).transpose(1, 2)
        k = functional.normalize(self.direction(x.transpose(1, 2)).transpose(1, 2), dim=-1)
        inner = (q * k).sum(-1, keepdim=True)
        y = torch.where(inner >= 0, q, q - inner * k)
        return y, torch.linalg.vector_norm(y, dim=-1)


ROWS = [
    Architecture(
        make=TensorProduct,
        inputs=lambda n: (torch.randn(n, 5), torch.randn(n, 5, 3), torch.randn(n, 3)),
        dynamic=(BATCH, BATCH, BATCH),
    ),
    Architecture(
        make=AtomicEnergy,
        inputs=lambda n: (torch.randn(n, 6, 3), torch.randint(4, (n, 6))),
        dynamic=(BATCH, BATCH),
    ),
    Architecture(make=VectorNeurons, inputs=lambda n: (torch.randn(n, 4, 3),), dynamic=(BATCH,)),
]
