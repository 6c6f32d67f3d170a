# SPDX-License-Identifier: MIT
"""Grids changed into other grids: interpolation, shuffles, pooling, padding."""

from __future__ import annotations

import torch
from architecture import BATCH, Architecture
from torch import Tensor, nn
from torch.nn import functional


class Advection(nn.Module):
    """A field carried along a learned wind, read off by grid_sample."""

    def __init__(self) -> None:
        super().__init__()
        self.wind = nn.Conv2d(1, 2, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        identity = torch.eye(2, 3).expand(x.shape[0], 2, 3)
        grid = functional.affine_grid(identity, x.shape, align_corners=False)
        grid = grid + 0.1 * torch.tanh(self.wind(x)).permute(0, 2, 3, 1)
        return functional.grid_sample(x, grid, padding_mode="border", align_corners=False)


class Interpolations(nn.Module):
    """Nearest, linear, bilinear, bicubic, area and trilinear interpolation."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Conv2d(4, 2, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        parts = [
            functional.interpolate(x, size=(9, 7), mode="nearest"),
            functional.interpolate(x, size=(9, 7), mode="bilinear", align_corners=True),
            functional.interpolate(x, size=(9, 7), mode="bicubic", align_corners=False),
            functional.interpolate(x, size=(9, 7), mode="area"),
        ]
        line = functional.interpolate(x.flatten(2), scale_factor=0.5, mode="linear")
        volume = functional.interpolate(x.unsqueeze(2), size=(2, 4, 4), mode="trilinear")
        return self.mix(torch.cat(parts, dim=1)), line, volume


class Poolings(nn.Module):
    """Mean, largest, power mean and adaptive pooling, and back by indices."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 2, 1)
        self.last = nn.Linear(2 * (16 + 9 + 16 + 6), 3)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = self.first(x)
        largest, index = functional.max_pool2d(x, 2, return_indices=True)
        parts = [
            functional.avg_pool2d(x, 2, ceil_mode=True),
            functional.adaptive_max_pool2d(x, 3),
            functional.lp_pool2d(x.abs() + 0.1, 2.0, 2),
            functional.adaptive_avg_pool2d(x, (2, 3)),
        ]
        result = self.last(torch.cat([part.flatten(1) for part in parts], dim=1))
        return result, functional.max_unpool2d(largest, index, 2)


class Shuffles(nn.Module):
    """Pixels to channels and back, channels among groups, patches taken apart and put together."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Conv2d(8, 8, 1, groups=2)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        y = functional.channel_shuffle(self.mix(functional.pixel_unshuffle(x, 2)), 4)
        y = functional.pixel_shuffle(y, 2)
        patches = functional.unfold(y, 3, padding=1)
        return y, functional.fold(patches * 0.5, (6, 6), 3, padding=1)


class Paddings(nn.Module):
    """Constant, reflecting, replicating and circular borders of volumes, and masks by tril."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Conv3d(1, 1, 3)

    def forward(self, x: Tensor) -> Tensor:
        total = functional.pad(x, 6 * (1,), value=0.5)
        for mode in ("reflect", "replicate", "circular"):
            total = total + functional.pad(x, 6 * (1,), mode=mode)
        return self.mix(total).tril(1)


ROWS = [
    Architecture(make=Advection, inputs=lambda n: (torch.randn(n, 1, 6, 7),), dynamic=(BATCH,)),
    Architecture(
        make=Interpolations, inputs=lambda n: (torch.randn(n, 1, 6, 6),), dynamic=(BATCH,)
    ),
    Architecture(make=Poolings, inputs=lambda n: (torch.randn(n, 1, 8, 8),), dynamic=(BATCH,)),
    Architecture(make=Shuffles, inputs=lambda n: (torch.randn(n, 2, 6, 6),), dynamic=(BATCH,)),
    Architecture(make=Paddings, inputs=lambda n: (torch.randn(n, 1, 4, 5, 6),), dynamic=(BATCH,)),
]
