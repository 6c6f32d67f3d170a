# SPDX-License-Identifier: MIT
"""The convolutional network: writes it, untrained, for torch.export.load.  Usage: model.py FILE"""

from __future__ import annotations

import sys

import torch

CHANNELS = 8
SEED = 1979


class Stepper(torch.nn.Module):
    """A periodic field some time steps later: the field, (pairs, 1, y, x), and its change."""

    def __init__(self) -> None:
        super().__init__()
        options = {"kernel_size": 3, "padding": 1, "padding_mode": "circular"}
        self.layers = torch.nn.Sequential(
            torch.nn.Conv2d(1, CHANNELS, **options),
            torch.nn.Tanh(),
            torch.nn.Conv2d(CHANNELS, CHANNELS, **options),
            torch.nn.Tanh(),
            torch.nn.Conv2d(CHANNELS, 1, **options),
        )

    def forward(self, field: torch.Tensor) -> torch.Tensor:
        """Return the later field."""
        change: torch.Tensor = self.layers(field)
        return field + change


def make_stepper() -> Stepper:
    """Return a network whose initial weights are the same in every run."""
    torch.manual_seed(SEED)
    return Stepper()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    samples = (torch.zeros(32, 1, 16, 16),)  # pairs, channel, y, x
    pairs = torch.export.Dim("pairs")  # any number of them
    program = torch.export.export(make_stepper(), samples, dynamic_shapes=({0: pairs},))
    torch.export.save(program, sys.argv[1])
