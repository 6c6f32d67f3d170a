# SPDX-License-Identifier: MIT
"""Writes the network as an exported program: `radiation.pt2`."""

import torch
from torch import nn

LEVELS = 6


class Radiation(nn.Module):
    """Heating of columns by the sun [K/h] from temperature [K] and cosine of the zenith angle."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(12)
        self.layers = nn.Sequential(nn.Linear(LEVELS + 1, 32), nn.Tanh(), nn.Linear(32, LEVELS))

    def forward(self, column: torch.Tensor) -> torch.Tensor:
        """Take any number of columns: temperatures from the ground up, then the cosine."""
        temperature, sun = column[:, :LEVELS], column[:, LEVELS:]
        scaled = torch.cat(((temperature - 280) / 10, sun), 1)
        return sun * torch.sigmoid(self.layers(scaled))


if __name__ == "__main__":
    columns = torch.export.Dim("columns", min=0)
    inputs = (torch.full((64, LEVELS + 1), 0.5),)
    program = torch.export.export(Radiation(), inputs, dynamic_shapes=({0: columns},))
    torch.export.save(program, "radiation.pt2")
