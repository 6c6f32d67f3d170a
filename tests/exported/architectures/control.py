# SPDX-License-Identifier: MIT
"""Branches, loops and regions inside the program.

What `cond`, `map` and `scan` are exported from is written in plain Python for eager PyTorch, which
would compile them at each call.
"""

from __future__ import annotations

import torch
from architecture import BATCH, Architecture
from torch import Tensor, nn
from torch._higher_order_ops import scan
from torch._higher_order_ops.map import map as map_rows


class Branches(nn.Module):
    """One of two networks, by `torch.cond` on the mean of the input."""

    def __init__(self) -> None:
        super().__init__()
        self.stable = nn.Linear(4, 3)
        self.unstable = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        if not torch.compiler.is_exporting():
            is_stable = bool(x.mean() > 0.0)
            return self.stable(x).relu() if is_stable else torch.tanh(self.unstable(x))
        return torch.cond(
            x.mean() > 0.0,
            lambda x: self.stable(x).relu(),
            lambda x: torch.tanh(self.unstable(x)),
            (x,),
        )


class RowsByMap(nn.Module):
    """The same procedure for each row, by `map`."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(3, 3))

    def forward(self, x: Tensor) -> Tensor:
        if not torch.compiler.is_exporting():
            return torch.stack([torch.tanh(row @ self.weight) for row in x])
        return map_rows(lambda row, weight: torch.tanh(row @ weight), x, self.weight)


class Recurrence(nn.Module):
    """A recurrence over the first dimension, by `scan`."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(0.3 * torch.randn(4, 4))

    def forward(self, x: Tensor, start: Tensor) -> tuple[Tensor, Tensor]:
        def step(state: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
            state = torch.tanh(state @ self.weight + x)
            return state, state * 2.0

        if torch.compiler.is_exporting():
            return scan(step, start, x)
        state, results = start, []
        for part in x:
            state, result = step(state, part)
            results.append(result)
        return state, torch.stack(results)


class RungeKutta(nn.Module):
    """A neural differential equation through three steps of the fourth order."""

    def __init__(self) -> None:
        super().__init__()
        self.tendency = nn.Sequential(nn.Linear(3, 12), nn.Tanh(), nn.Linear(12, 3))

    def forward(self, x: Tensor) -> Tensor:
        h = 0.1
        for _ in range(3):
            a = self.tendency(x)
            b = self.tendency(x + 0.5 * h * a)
            c = self.tendency(x + 0.5 * h * b)
            d = self.tendency(x + h * c)
            x = x + h / 6.0 * (a + 2 * b + 2 * c + d)
        return x


class Regions(nn.Module):
    """A region without gradients and one in bfloat16 by autocast."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(4, 6)
        self.last = nn.Linear(6, 2)

    def forward(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            scale = 1.0 / (1.0 + x.square().sum(1, keepdim=True))
        with torch.autocast("cpu", dtype=torch.bfloat16):
            y = torch.relu(self.first(x * scale))
        return self.last(y.float())


class SymbolicSizes(nn.Module):
    """Arithmetic on sizes: halves, reshapes, ranges and means over what is not known before."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        n = x.shape[0]
        places = torch.arange(n, dtype=x.dtype) / n
        y = self.layer(x) * places.unsqueeze(1) + (2 * n + 1) ** 0.5
        first, rest = y[: n // 2], y[n // 2 :]
        pairs = y.reshape(n * 2, 2).sum(1) / (n * 2)
        return first.sum(0) - rest.mean(0), pairs


ROWS = [
    Architecture(make=Branches, inputs=lambda n: (torch.randn(n, 4),), dynamic=(BATCH,)),
    Architecture(
        make=RowsByMap,
        inputs=lambda n: (torch.randn(n, 2, 3),),
        dynamic=(BATCH,),
    ),
    Architecture(
        make=Recurrence,
        inputs=lambda n: (torch.randn(n, 2, 4), torch.randn(2, 4)),
    ),
    Architecture(make=RungeKutta, inputs=lambda n: (torch.randn(n, 3),), dynamic=(BATCH,)),
    Architecture(make=Regions, inputs=lambda n: (torch.randn(n, 4),), dynamic=(BATCH,)),
    Architecture(
        make=SymbolicSizes,
        inputs=lambda n: (torch.randn(n, 4),),
        dynamic=(BATCH,),
        sizes=(6, 9),
    ),
]
