# SPDX-License-Identifier: MIT
"""Choosing, ordering and adding up elements."""

from __future__ import annotations

import torch
from architecture import BATCH, Architecture
from torch import Tensor, nn
from torch.nn import functional


class Ordering(nn.Module):
    """Sort, argsort, topk, median, quantile, cumulative sum, product and largest."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(7, 7)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x = self.first(x)
        values, order = x.sort(dim=1, descending=True)
        largest, places = x.topk(3, dim=1)
        sums = x.cumsum(1) + x.sigmoid().cumprod(1) + x.cummax(1).values + x.logcumsumexp(1)
        middle = x.median(1).values + x.quantile(0.3, dim=1) + x.amin(1) + x.std(1) + x.var(1)
        return torch.cat([values, largest, sums, middle.unsqueeze(1)], dim=1), order, places


class Choosing(nn.Module):
    """Advanced indexing, where, gather, scatter, masks, index_put, rolls and flips."""

    def __init__(self) -> None:
        super().__init__()
        self.levels = nn.Parameter(torch.randn(6, 3))
        self.register_buffer("rows", torch.tensor([0, 2, 5, 2]))

    def forward(self, x: Tensor, index: Tensor) -> Tensor:
        table = self.levels[self.rows]
        x = torch.where(x > 0.3, x, 0.1 * x) + table[:, [2, 0, 1]].sum(1)
        x = x.masked_fill(x.abs() < 0.05, 0.0)
        y = x.gather(1, index) + x.gather(1, index.flip(1))
        y = y.scatter(1, index, x * 2)
        z = y.clone()
        z[:, 1] = x[:, 0]
        z[:, self.rows[:2]] += 1.5
        z = torch.index_put(z, (torch.zeros_like(index[:, 0]), index[:, 0]), x[:, 1], True)
        return torch.roll(z, 1, 1).index_select(1, torch.tensor([3, 1, 0]))


class BagOfWords(nn.Module):
    """Categories of the surface through embedding bags and one-hot codes."""

    def __init__(self) -> None:
        super().__init__()
        self.bag = nn.EmbeddingBag(10, 6, mode="mean")
        self.weighted = nn.EmbeddingBag(10, 6, mode="sum")
        self.last = nn.Linear(16, 2)

    def forward(self, categories: Tensor, shares: Tensor) -> Tensor:
        codes = functional.one_hot(categories[:, 0], 10).to(shares.dtype)
        both = self.bag(categories) + self.weighted(categories, per_sample_weights=shares)
        return self.last(torch.cat([both, codes], dim=1))


class Tables(nn.Module):
    """Linear interpolation in a table by searchsorted, bucketize and histograms of bins."""

    def __init__(self) -> None:
        super().__init__()
        self.values = nn.Parameter(torch.randn(9))
        self.register_buffer("nodes", torch.linspace(-2.0, 2.0, 9))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        place = torch.searchsorted(self.nodes, x.detach()).clamp(1, 8)
        left, right = self.nodes[place - 1], self.nodes[place]
        weight = (x - left) / (right - left)
        bins = torch.bucketize(x.detach(), self.nodes[2:7])
        return torch.lerp(self.values[place - 1], self.values[place], weight), bins


class Reductions(nn.Module):
    """Norms, log-sum-exp, products, extremes, means and linear algebra of small matrices."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.rand(4, 4))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        a = x * self.scale
        spd = a @ a.mT + 2.0 * torch.eye(4)
        triangle = torch.linalg.cholesky(spd)
        numbers = torch.stack(
            [
                *(a.sum((1, 2)), a.prod(2).mean(1), a.amax((1, 2)), a.logsumexp((1, 2))),
                *(torch.linalg.det(spd), torch.logdet(spd), a.diagonal(0, 1, 2).sum(1)),
                *(torch.linalg.matrix_norm(a), a.norm(p=1, dim=(1, 2)), a.pow(3).mean((1, 2))),
            ],
            dim=1,
        )
        solved = torch.linalg.solve_triangular(triangle, x, upper=False)
        return numbers, solved + torch.linalg.inv(spd), a.abs().argmax(2)


ROWS = [
    Architecture(
        make=Ordering,
        inputs=lambda n: (torch.randn(n, 7),),
        dynamic=(BATCH,),
    ),
    Architecture(
        make=Choosing,
        inputs=lambda n: (torch.randn(n, 4), torch.stack([torch.randperm(4) for _ in range(n)])),
        dynamic=(BATCH, BATCH),
    ),
    Architecture(
        make=BagOfWords,
        inputs=lambda n: (torch.randint(10, (n, 4)), torch.rand(n, 4)),
        dynamic=(BATCH, BATCH),
    ),
    Architecture(make=Tables, inputs=lambda n: (torch.randn(n, 5),), dynamic=(BATCH,)),
    Architecture(make=Reductions, inputs=lambda n: (torch.randn(n, 4, 4),), dynamic=(BATCH,)),
]
