# SPDX-License-Identifier: MIT
"""Writes one model twice: dew_point.pt2, an exported program, and dew_point.pt, TorchScript."""

import torch


class DewPoint(torch.nn.Module):
    """Dew point [°C] of air at a temperature [°C] and relative humidity, by Magnus' formula."""

    def __init__(self) -> None:
        super().__init__()
        self.a = torch.nn.Parameter(torch.tensor(17.0))
        self.b = torch.nn.Parameter(torch.tensor(240.0))  # [°C]

    def forward(self, temperature: torch.Tensor, humidity: torch.Tensor) -> torch.Tensor:
        """Take both for any number of stations."""
        exponent = humidity.log() + self.a * temperature / (self.b + temperature)
        return self.b * exponent / (self.a - exponent)


torch.set_default_dtype(torch.float64)
model = DewPoint()

samples = torch.zeros(4), torch.ones(4)
stations = torch.export.Dim("stations")  # any number of them
program = torch.export.export(model, samples, dynamic_shapes=({0: stations}, {0: stations}))
torch.export.save(program, "dew_point.pt2")

torch.jit.script(model).save("dew_point.pt")
