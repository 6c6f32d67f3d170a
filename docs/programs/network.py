# SPDX-License-Identifier: MIT
"""The network of the README's program, untrained, as the file network.pt."""

import torch
from torch import nn

torch.set_default_dtype(torch.float64)
torch.manual_seed(1)
network = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 1))
torch.jit.script(network).save("network.pt")
