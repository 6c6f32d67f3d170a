# SPDX-License-Identifier: MIT
"""Writes vapour_pressure.pt: the network of vapour_pressure.py as TorchScript."""

import torch
from vapour_pressure import network

torch.jit.script(network).save("vapour_pressure.pt")
