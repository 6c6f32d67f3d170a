# SPDX-License-Identifier: MIT
"""Reads the network that the Fortran program trained."""

import torch

network = torch.export.load("vapour_pressure_trained.pt2").module()
temperature = torch.tensor([[-20.0], [0.0], [20.0], [35.0]], dtype=torch.float64)
for pressure in network(temperature):
    print(f"{pressure.item():.2f} hPa")
