# SPDX-License-Identifier: MIT
"""The network of the routes: 8-32-32-4.  `network.py FILE` writes it as TorchScript."""

import sys
import warnings

import torch
from torch import nn


def network() -> nn.Module:
    """The same weights each time."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Linear(8, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 4)
    )


if __name__ == "__main__":
    warnings.filterwarnings("ignore", category=DeprecationWarning, message=".*torch.jit.*")
    torch.jit.script(network()).save(sys.argv[1])
