# SPDX-License-Identifier: MIT
"""Writes one network three times: to be trained, its training step and itself as machine code."""

import subprocess
import sys

import torch
from torch import nn


class Vapour(nn.Module):
    """Logarithm of the saturation pressure of water over a temperature, both scaled."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.layers = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 1))

    def forward(self, temperature: torch.Tensor) -> torch.Tensor:
        """Take any number of columns."""
        return self.layers(temperature)


if __name__ == "__main__":
    for arguments in (
        ("-o", "vapour.pt2"),
        ("-o", "vapour_step.pt2", "--train-step", "mse"),
        ("-o", "vapour_fast.pt2", "--format", "aoti", "--variant", "plain"),
    ):
        command = [sys.executable, "-m", "ftorch_tools.export", f"{__file__}:Vapour"]
        options = ["--dtype", "float64", "--input", "columns=dynamic,1", "--no-library"]
        subprocess.run([*command, *options, *arguments], check=True)
