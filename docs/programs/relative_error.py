# SPDX-License-Identifier: MIT
"""Writes relative_error.pt: a loss of a program's own, as a model with two inputs."""

import torch


class RelativeError(torch.nn.Module):
    """Mean square of errors relative to the truth; below `floor` they are absolute."""

    def forward(
        self, output: torch.Tensor, target: torch.Tensor, floor: float = 1.0
    ) -> torch.Tensor:
        """Return one number."""
        return (((output - target) / target.abs().clamp(min=floor)) ** 2).mean()


torch.jit.script(RelativeError()).save("relative_error.pt")
