# SPDX-License-Identifier: MIT
"""The program first_model.f90 in Python. It prints the same."""

import torch

network = torch.export.load("root_zone.pt2").module()
layers = [[0.10, 0.20, 0.30], [0.30, 0.20, 0.10], [0.25, 0.25, 0.25], [0.0, 0.0, 0.40]]
moisture = torch.tensor(layers, dtype=torch.float64)  # [m3/m3]

for hour in range(3):
    with torch.no_grad():
        root_zone = network(moisture)
    print(f"hour{hour:2d}: " + "".join(f"{value:7.3f}" for value in root_zone[:, 0]))
    moisture *= 0.9  # the model of the soil takes a step
