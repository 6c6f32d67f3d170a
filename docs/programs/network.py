# SPDX-License-Identifier: MIT
"""The network of the README's program, untrained, as the file network.pt2."""

import torch
from torch import nn

torch.set_default_dtype(torch.float64)
torch.manual_seed(1)
network = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 1))
rows = torch.export.Dim("rows")  # any number of them
program = torch.export.export(network, (torch.zeros(64, 1),), dynamic_shapes=({0: rows},))
torch.export.save(program, "network.pt2")
