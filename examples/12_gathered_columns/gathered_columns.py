# SPDX-License-Identifier: MIT
"""The program gathered_columns.f90 in Python, with all columns at once. It prints the same."""

import numpy as np
import torch

COLUMNS, LEVELS, DAYS = 96, 6, 2
model = torch.export.load("radiation.pt2").module()
temperature = np.full((COLUMNS, LEVELS), 280.0)  # [K]
place = (np.arange(COLUMNS) + 0.5) / COLUMNS
difference = 0.0

for hour in range(24 * DAYS):
    cosine = np.cos(2 * np.pi * (place + (hour + 0.5) / 24))
    lit = cosine > 0
    sunlit = np.concatenate((temperature[lit], cosine[lit, None]), axis=1).astype(np.float32)
    mixed = np.roll(temperature, 1, 0) - 2 * temperature + np.roll(temperature, -1, 0)
    temperature = temperature + 0.2 * mixed - 0.02 * (temperature - 270)
    with torch.no_grad():
        heating = model(torch.from_numpy(sunlit))
        parts = torch.cat([model(part) for part in torch.from_numpy(sunlit).split(7)])
    temperature[lit] += heating.numpy()
    difference = max(difference, (parts - heating).abs().max().item())
    if hour % 6 == 5:
        print(
            f"hour{hour + 1:3d}:{lit.sum():3d} columns in the sun,"
            f" mean{temperature.mean():8.3f} K, warmest{temperature.max():8.3f} K"
        )
print(f"{'passed' if difference < 1e-6 else 'FAILED'}: one batch gives what parts of it give")
