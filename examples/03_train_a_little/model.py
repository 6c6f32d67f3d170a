# SPDX-License-Identifier: MIT
"""Writes untrained.pt: a network that knows nothing yet of its three weights."""

import torch
from torch import nn

torch.set_default_dtype(torch.float64)
network = nn.Sequential(nn.Linear(3, 1, bias=False))
nn.init.zeros_(network[0].weight)
torch.jit.script(network).save("untrained.pt")
