# SPDX-License-Identifier: MIT
"""The same steps as training_step.f90 in PyTorch's usual loop, and the models of all three.

`training_step.py MODEL OPTIMIZER BATCH INPUTS OUTPUTS STEPS` trains;
`training_step.py --write FOLDER` writes the models that `networks` lists.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import torch

NETWORKS = {
    "tiny": (8, 32, 4, 1),
    "small": (8, 32, 4, 16),
    "medium": (32, 128, 16, 64),
    "large": (128, 512, 64, 256),
}
"""Inputs, hidden units, outputs and samples of a batch."""


def network(inputs: int, hidden: int, outputs: int) -> torch.nn.Sequential:
    """Two hidden layers."""
    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.Linear(inputs, hidden),
        torch.nn.Tanh(),
        torch.nn.Linear(hidden, hidden),
        torch.nn.Tanh(),
        torch.nn.Linear(hidden, outputs),
    )


def write(folder: Path) -> None:
    warnings.filterwarnings("ignore", category=DeprecationWarning, message=".*torch.jit.*")
    for name, (inputs, hidden, outputs, _) in NETWORKS.items():
        torch.jit.script(network(inputs, hidden, outputs)).save(str(folder / f"{name}.pt"))


def train(name: str, optimizer: str, batch: int, inputs: int, outputs: int, steps: int) -> None:
    model = network(inputs, NETWORKS[name][1], outputs)
    i = torch.arange(1, inputs + 1, dtype=torch.float32)
    o = torch.arange(1, outputs + 1, dtype=torch.float32)
    j = torch.arange(1, batch + 1, dtype=torch.float32)[:, None]
    x, y = torch.sin(0.1 * (i + 7 * j)), torch.cos(0.1 * (o + 3 * j))
    if optimizer == "SGD":
        optim: torch.optim.Optimizer = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9)
    else:
        optim = torch.optim.Adam(model.parameters())
    for _ in range(steps):
        optim.zero_grad()
        loss = torch.nn.functional.mse_loss(model(x), y)
        loss.backward()
        optim.step()
    print(f"{loss.item():.8E}")


if __name__ == "__main__":
    if sys.argv[1] == "--write":
        write(Path(sys.argv[2]))
    else:
        train(Path(sys.argv[1]).stem, sys.argv[2], *map(int, sys.argv[3:]))
