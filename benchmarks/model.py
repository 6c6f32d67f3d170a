# SPDX-License-Identifier: MIT
"""Writes the network that the benchmarks run: `model.py FILE`."""

import sys
import warnings

import torch

warnings.filterwarnings("ignore", category=DeprecationWarning, message=".*torch.jit.*")

torch.manual_seed(0)
layers = [
    torch.nn.Linear(8, 32),
    torch.nn.Tanh(),
    torch.nn.Linear(32, 32),
    torch.nn.Tanh(),
    torch.nn.Linear(32, 4),
]
torch.jit.script(torch.nn.Sequential(*layers)).save(sys.argv[1])
