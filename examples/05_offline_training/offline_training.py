# SPDX-License-Identifier: MIT
"""The same job as offline_training.f90, in PyTorch.  Usage: offline_training.py OUTPUT_FOLDER"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from model import make_stepper

POINTS, SMOOTHING, STEPS, GROWTH = 16, 3, 4, 0.2
TRAINING_PAIRS, VALIDATION_PAIRS = 512, 128
BATCH, EPOCHS, LEARNING_RATE = 32, 20, 5e-3
MULTIPLIER, MODULUS = 48271, 2147483647


class RandomNumbers:
    """Numbers from 1 to 2147483646."""

    def __init__(self) -> None:
        self.state = 2025

    def next(self) -> int:
        """Return the next number."""
        self.state = MULTIPLIER * self.state % MODULUS
        return self.state


def diffused(u: np.ndarray) -> np.ndarray:
    """Return the mean of each point and its four neighbours; the last axis is x."""
    mean: np.ndarray = (
        u + np.roll(u, -1, 1) + np.roll(u, 1, 1) + np.roll(u, -1, 0) + np.roll(u, 1, 0)
    ) / 5
    return mean


def make_pairs(random: RandomNumbers, count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return states and later states, (pairs, 1, y, x)."""
    now, later = np.empty((2, count, 1, POINTS, POINTS), dtype=np.float32)
    for pair in range(count):
        numbers = [4 * (random.next() / MODULUS) - 2 for _ in range(POINTS * POINTS)]
        u = np.array(numbers).reshape(POINTS, POINTS)
        for _ in range(SMOOTHING):
            u = diffused(u)
        now[pair, 0] = u
        for _ in range(STEPS):
            u = diffused(u)
            u = u + GROWTH * (u - u * u * u)
        later[pair, 0] = u
    return torch.from_numpy(now), torch.from_numpy(later)


def shuffled(random: RandomNumbers, count: int) -> list[int]:
    """Return all places in random order."""
    order = list(range(count))
    for i in range(count, 1, -1):
        other = random.next() % i
        order[i - 1], order[other] = order[other], order[i - 1]
    return order


def main() -> None:
    """Train, and write the losses of each epoch."""
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    torch.set_num_threads(1)
    random = RandomNumbers()
    now, later = make_pairs(random, TRAINING_PAIRS)
    now_held_out, later_held_out = make_pairs(random, VALIDATION_PAIRS)
    network = make_stepper()
    optimizer = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=EPOCHS)
    rows = ["epoch,training_loss,validation_loss"]
    for epoch in range(1, EPOCHS + 1):
        order = shuffled(random, TRAINING_PAIRS)
        network.train()
        training_loss = 0.0
        for first in range(0, TRAINING_PAIRS, BATCH):
            chosen = order[first : first + BATCH]
            optimizer.zero_grad()
            loss = torch.nn.functional.mse_loss(network(now[chosen]), later[chosen])
            torch.autograd.backward(loss)
            optimizer.step()
            training_loss += loss.item() / (TRAINING_PAIRS // BATCH)
        network.eval()
        with torch.no_grad():
            loss = torch.nn.functional.mse_loss(network(now_held_out), later_held_out)
        rows.append(f"{epoch},{training_loss:.14e},{loss.item():.14e}")
        scheduler.step()
    (Path(sys.argv[1]) / "python.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
