# SPDX-License-Identifier: MIT
"""Writes untrained.pt2: a network that knows nothing yet of its three weights."""

import torch
from torch import nn

torch.set_default_dtype(torch.float64)
network = nn.Sequential(nn.Linear(3, 1, bias=False))
nn.init.zeros_(network[0].weight)
columns = torch.export.Dim("columns")  # any number of them
program = torch.export.export(network, (torch.zeros(8, 3),), dynamic_shapes=({0: columns},))
torch.export.save(program, "untrained.pt2")
