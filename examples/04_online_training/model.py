# SPDX-License-Identifier: MIT
"""The closure network: writes it, untrained, as an exported program, or as TorchScript where the
file ends in `.pt`.  Usage: model.py FILE"""

from __future__ import annotations

import sys

import torch

STENCIL = 5  # points of X that the closure sees: two neighbours on either side
HIDDEN = 32  # width of each of the two hidden layers
SEED = 1996


class Closure(torch.nn.Module):
    """Subgrid tendency U [1/MTU] under X, (rows, 1), from the X around it, (rows, STENCIL).

    The scaling lives in the model, so that its users speak in physical units.
    """

    def __init__(self) -> None:
        super().__init__()
        self.state_mean, self.state_spread = 3.8, 5.1  # climate of X in this setting
        self.tendency_mean, self.tendency_spread = -3.9, 4.6  # climate of U [1/MTU]
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(STENCIL, HIDDEN),
            torch.nn.Tanh(),
            torch.nn.Linear(HIDDEN, HIDDEN),
            torch.nn.Tanh(),
            torch.nn.Linear(HIDDEN, 1),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Scale, run the layers, scale back."""
        u: torch.Tensor = self.layers((x - self.state_mean) / self.state_spread)
        return u * self.tendency_spread + self.tendency_mean


def make_closure() -> Closure:
    """Return a closure whose initial weights are the same in every run."""
    torch.manual_seed(SEED)
    return Closure()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    if sys.argv[1].endswith(".pt"):
        torch.jit.script(make_closure()).save(sys.argv[1])
        sys.exit()
    samples = (torch.zeros(64, STENCIL),)
    rows = torch.export.Dim("rows")  # any number of them
    program = torch.export.export(make_closure(), samples, dynamic_shapes=({0: rows},))
    torch.export.save(program, sys.argv[1])
