# SPDX-License-Identifier: MIT
"""Writes front_loss.pt2: a loss for fields with fronts, as a model with two inputs."""

import torch


class FrontLoss(torch.nn.Module):
    """Mean square of errors on a ring, and of the errors of differences between neighbours."""

    def forward(self, guess: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
        """Return one number."""
        error = guess - truth
        slope = torch.roll(error, -1) - error
        return (error**2).mean() + 4.0 * (slope**2).mean()


torch.set_default_dtype(torch.float64)
points = torch.export.Dim("points")  # any number of them
samples = torch.zeros(8), torch.ones(8)
program = torch.export.export(FrontLoss(), samples, dynamic_shapes=({0: points}, {0: points}))
torch.export.save(program, "front_loss.pt2")
