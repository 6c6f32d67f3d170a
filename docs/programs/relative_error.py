# SPDX-License-Identifier: MIT
"""Writes relative_error.pt2: a loss of a program's own, as a model with two inputs."""

import torch


class RelativeError(torch.nn.Module):
    """Mean square of errors relative to the truth; below `floor` they are absolute."""

    def forward(
        self, output: torch.Tensor, target: torch.Tensor, floor: float = 1.0
    ) -> torch.Tensor:
        """Return one number."""
        return (((output - target) / target.abs().clamp(min=floor)) ** 2).mean()


torch.set_default_dtype(torch.float64)
samples = torch.zeros(32, 1), torch.ones(32, 1)
rows = torch.export.Dim("rows")
program = torch.export.export(RelativeError(), samples, dynamic_shapes=({0: rows}, {0: rows}))
torch.export.save(program, "relative_error.pt2")
