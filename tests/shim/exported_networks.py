# SPDX-License-Identifier: MIT
"""Networks whose exported programs have something of their own: sizes, regions, state, trees."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from functorch.experimental.control_flow import map as map_over
from torch import nn
from torch._higher_order_ops.scan import scan
from torch._higher_order_ops.while_loop import while_loop
from torch.export import Dim


def mlp() -> nn.Module:
    """The net of the benchmarks, small."""
    return nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3))


class Derived(nn.Module):
    """A size that is twice another one."""

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return x[0] + y[::2].sum(0) + y.sum(0)


class Sizes(nn.Module):
    """Computes with sizes, and returns numbers."""

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, int, float, float]:
        n = x.shape[0]
        return x.view(n // 2, 2, 4) * min(n, y.shape[0]) + n % 3, n**2 - (-n), n / 2, n * 2.5


class Counted(nn.Module):
    """An integer as an argument."""

    def forward(self, x: torch.Tensor, n: int) -> torch.Tensor:
        return x * n + torch.arange(n).sum()


class Tied(nn.Module):
    """Parameters and buffers that share memory, constants, an unused and a frozen parameter."""

    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Linear(4, 4)
        self.b = nn.Linear(4, 4)
        self.b.weight = self.a.weight
        base = torch.randn(10)
        self.register_buffer("left", base[2:6])
        self.register_buffer("right", base[4:8])
        self.register_buffer("empty", torch.zeros(0, 3))
        self.register_buffer("hidden", torch.ones(4), persistent=False)
        self.unused = nn.Parameter(torch.ones(2))
        self.frozen = nn.Parameter(torch.ones(4), requires_grad=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.b(self.a(x)) + self.hidden + self.left * self.frozen
        return y + self.right + torch.tensor([1.0, 2.0, 3.0, 4.0])


class Loops(nn.Module):
    """`map` and `scan`."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.randn(4))

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        a = map_over(lambda row, w: row * w, x, self.w)
        last, each = scan(lambda c, row: (c * 0.5 + row, c + row), torch.zeros(4), x)
        return a, last, each


class While(nn.Module):
    """A loop with a condition."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        start = torch.zeros((), dtype=torch.int64)
        return while_loop(lambda i, v: i < 3, lambda i, v: (i + 1, v * 2), (start, x))[1]


class Regions(nn.Module):
    """Branches, a region without gradients and one of autocast."""

    def __init__(self) -> None:
        super().__init__()
        self.l = nn.Linear(4, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            a = x.sin()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            b = self.l(x)
        y = torch.cond(x.sum() > 0, lambda x: self.l(x), lambda x: x.cos(), (x,))
        return y + a + b.float()


class Lists(nn.Module):
    """Operators that make lists and several tensors; infinite numbers."""

    def forward(self, x: torch.Tensor) -> tuple[Any, ...]:
        parts = torch.split(x, [2, 4]), torch.unbind(x, 1)[0], tuple(x.max(0)), x.nonzero()
        return *parts, x.masked_fill(x > 0, float("-inf")), torch.cat([x, x * 2, x[:1]])


class Chosen(nn.Module):
    """A size that is an element of a tensor."""

    def forward(self, x: torch.Tensor, i: torch.Tensor) -> tuple[torch.Tensor, int]:
        n = i.item()
        torch._check(n >= 0)
        torch._check(n < 6)
        return x[n], n


class Spectrum(nn.Module):
    """Complex parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.randn(4, 4, dtype=torch.complex64))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        spectrum = torch.einsum("bi,ij->bj", torch.fft.rfft(x, n=6), self.w)
        return torch.fft.irfft(spectrum, n=6) * (spectrum.abs().sum() * (1 + 2j)).abs()


class Normed(nn.Module):
    """Normalisations with and without statistics, attention, a recurrence; no dropout."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(4)
        self.plain = nn.BatchNorm1d(4, track_running_stats=False)
        self.instance = nn.InstanceNorm1d(4, track_running_stats=True)
        self.attention = nn.MultiheadAttention(4, 2, batch_first=True)
        self.cell = nn.LSTM(4, 4, 2, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.plain(self.norm(x))[None]
        y = self.cell(self.attention(y, y, y)[0])[0]
        return self.instance(y.transpose(1, 2))


class Trees(nn.Module):
    """Containers, None, numbers and texts, given and returned."""

    def forward(
        self,
        x: torch.Tensor,
        dt: float,
        n: int,
        *,
        state: dict[str, Any],
        option: None = None,
        kind: str = "a",
    ) -> dict[str, Any]:
        (c,) = state["c"]
        y = x * dt + n + state["h"]
        return {"y": y, "nothing": None, "state": {"h": y * 2, "c": [c + 1, c]}, "n": n}


@dataclass(frozen=True)
class Case:
    """A network and what it is given."""

    make: Callable[[], nn.Module]
    inputs: Callable[[], tuple[Any, ...]]
    dynamic: Any = None
    #: Other inputs that the program takes.
    others: Callable[[], list[tuple[Any, ...]]] = field(default=lambda: [])
    kwargs: dict[str, Any] = field(default_factory=dict)
    has_gradients: bool = True
    #: Relative; 0 where the kernels and their order are those of eager mode.
    tolerance: float = 0.0


def rows(n: int, *further: int) -> torch.Tensor:
    """A random tensor."""
    return torch.randn(n, *(further or (4,)))


BATCH = Dim("batch", min=3, max=64)
CASES = {
    "fixed": Case(mlp, lambda: (rows(5),)),
    "dynamic": Case(
        mlp, lambda: (rows(5),), ({0: Dim.DYNAMIC},), lambda: [(rows(1),), (rows(70),)]
    ),
    "ranged": Case(mlp, lambda: (rows(5),), ({0: BATCH},), lambda: [(rows(3),), (rows(64),)]),
    "derived": Case(
        Derived,
        lambda: (rows(6), rows(12)),
        ({0: BATCH}, {0: 2 * BATCH}),
        lambda: [(rows(5), rows(10))],
    ),
    "sizes": Case(
        Sizes,
        lambda: (rows(6), rows(11)),
        ({0: Dim.AUTO}, {0: Dim.AUTO}),
        lambda: [(rows(8), rows(3))],
    ),
    "counted": Case(Counted, lambda: (rows(6), 3), (None, Dim.DYNAMIC), lambda: [(rows(6), 7)]),
    "tied": Case(Tied, lambda: (rows(6),)),
    "loops": Case(Loops, lambda: (rows(6),), tolerance=1e-6),
    "while": Case(While, lambda: (rows(6),), has_gradients=False),
    "regions": Case(
        Regions, lambda: (rows(6),), None, lambda: [(rows(6).abs(),), (-rows(6).abs(),)]
    ),
    "lists": Case(Lists, lambda: (torch.ones(6, 4),)),
    "chosen": Case(
        Chosen, lambda: (rows(6), torch.tensor(2)), None, lambda: [(rows(6), torch.tensor(4))]
    ),
    "spectrum": Case(Spectrum, lambda: (rows(6),)),
    "normed": Case(Normed, lambda: (rows(6),)),
    "trees": Case(
        Trees,
        lambda: (rows(6), 0.5, 3),
        kwargs={"state": {"h": rows(6), "c": [rows(6)]}, "option": None, "kind": "b"},
    ),
}
