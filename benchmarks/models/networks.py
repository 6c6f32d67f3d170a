# SPDX-License-Identifier: MIT
"""Networks of the benchmark in both formats: `networks.py FOLDER` writes them."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.export import Dim
from torch.nn import functional


def mlp() -> nn.Module:
    """Two hidden layers, the network of the other benchmarks."""
    return nn.Sequential(
        nn.Linear(8, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 4)
    )


class Operators(nn.Module):
    """A chain of 120 operators, element by element."""

    def forward(self, x: Tensor) -> Tensor:
        for _ in range(40):
            x = torch.tanh(x * 1.25 + 0.125)
        return x


class UNet(nn.Module):
    """Two scales of an image."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.Conv2d(2, 8, 3, padding=1)
        self.inner = nn.Conv2d(8, 16, 3, padding=1)
        self.up = nn.ConvTranspose2d(16, 8, 2, stride=2)
        self.last = nn.Conv2d(16, 1, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        fine = torch.relu(self.down(x))
        coarse = torch.relu(self.inner(functional.max_pool2d(fine, 2)))
        return self.last(torch.cat([fine, self.up(coarse)], 1))


class Recurrent(nn.Module):
    """An LSTM over a series, and a layer on its last output."""

    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.LSTM(8, 16, batch_first=True)
        self.last = nn.Linear(16, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.cell(x)[0][:, -1])


class Block(nn.Module):
    """A block of a transformer, normalised first, with four heads."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.LayerNorm(32)
        self.heads = nn.Linear(32, 96)
        self.mixing = nn.Linear(32, 32)
        self.second = nn.LayerNorm(32)
        self.wide = nn.Linear(32, 64)
        self.narrow = nn.Linear(64, 32)

    def forward(self, x: Tensor) -> Tensor:
        n = x.shape[0]
        q, k, v = (
            self.heads(self.first(x)).reshape(n, 16, 3, 4, 8).permute(2, 0, 3, 1, 4).unbind(0)
        )
        mixed = functional.scaled_dot_product_attention(q, k, v)
        x = x + self.mixing(mixed.transpose(1, 2).reshape(n, 16, 32))
        return x + self.narrow(functional.gelu(self.wide(self.second(x))))


class Network(NamedTuple):
    """How it is made, and the sizes of one sample and of its result."""

    make: Callable[[], nn.Module]
    sample: tuple[int, ...]
    result: tuple[int, ...]


NETWORKS = {
    "mlp": Network(mlp, (8,), (4,)),
    "operators": Network(Operators, (16,), (16,)),
    "unet": Network(UNet, (2, 16, 16), (1, 16, 16)),
    "lstm": Network(Recurrent, (24, 8), (4,)),
    "transformer": Network(Block, (16, 32), (16, 32)),
}
"""Those whose passes are compared."""


def megabyte() -> nn.Module:
    """A file of a megabyte, to be loaded."""
    return nn.Sequential(
        nn.Linear(128, 448), nn.Tanh(), nn.Linear(448, 384), nn.Tanh(), nn.Linear(384, 64)
    )


def write(folder: Path, name: str, module: nn.Module, sample: tuple[int, ...]) -> None:
    """Write both files of a network."""
    module.eval()
    torch.jit.script(module).save(str(folder / f"{name}.pt"))
    batch = Dim("batch", min=1, max=4096)
    program = torch.export.export(
        module, (torch.randn(3, *sample),), dynamic_shapes=({0: batch},), strict=False
    )
    torch.export.save(program, folder / f"{name}.pt2")


def main() -> None:
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    folder = Path(sys.argv[1])
    networks = {**NETWORKS, "megabyte": Network(megabyte, (128,), (64,))}
    for name, network in networks.items():
        torch.manual_seed(0)
        write(folder, name, network.make(), network.sample)


if __name__ == "__main__":
    main()
