# SPDX-License-Identifier: MIT
"""Writes vapour_pressure.pt2: a small network, untrained, as an exported program."""

import torch


class VapourPressure(torch.nn.Module):
    """Saturation vapour pressure [hPa] at temperatures [°C], both (n, 1)."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(1, 16),
            torch.nn.Tanh(),
            torch.nn.Linear(16, 1),
        )

    def forward(self, temperature: torch.Tensor) -> torch.Tensor:
        """Scale to numbers near one, run the layers, scale back."""
        pressure: torch.Tensor = self.layers((temperature - 5.0) / 20.0)
        return 15.0 + 20.0 * pressure


torch.set_default_dtype(torch.float64)
torch.manual_seed(1)
network = VapourPressure()
rows = torch.export.Dim("rows")  # any number of samples
program = torch.export.export(network, (torch.zeros(32, 1),), dynamic_shapes=({0: rows},))
torch.export.save(program, "vapour_pressure.pt2")
