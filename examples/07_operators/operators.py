# SPDX-License-Identifier: MIT
"""The program operators.f90 in Python: one loss in three ways. It prints the same."""

import math
from typing import Any

import numpy as np
import torch

SLOPE_WEIGHT = 4.0


class ArrayLoss(torch.autograd.Function):
    """The loss on arrays of NumPy, and its adjoint."""

    @staticmethod
    def forward(ctx: Any, guess: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
        """Return the loss."""
        ctx.save_for_backward(guess, truth)
        error = (guess - truth).numpy()
        slope = np.roll(error, -1) - error
        return torch.tensor(np.mean(error**2) + SLOPE_WEIGHT * np.mean(slope**2))

    @staticmethod
    def backward(ctx: Any, *seeds: torch.Tensor) -> tuple[torch.Tensor, None]:
        """Return the derivative by each point, times the gradient of the loss."""
        guess, truth = ctx.saved_tensors
        error = guess - truth
        bend = 2 * error - error.roll(-1) - error.roll(1)
        return seeds[0] * 2 * (error + SLOPE_WEIGHT * bend) / error.numel(), None


def show(way: str, loss: torch.Tensor) -> None:
    """Print the loss and its gradient."""
    (gradient,) = torch.autograd.grad(loss, [g])
    numbers = "".join(f"{number:7.3f}" for number in gradient.tolist())
    print(f"{way:>16}{loss.item():9.5f}  gradient{numbers}")


torch.set_default_dtype(torch.float64)
g = torch.tensor([math.sin(0.7 * i) for i in range(1, 9)], requires_grad=True)
t = torch.tensor([1.0 if i > 4 else 0.0 for i in range(1, 9)])

show("in the model", torch.export.load("front_loss.pt2").module()(g, t))
error = g - t
loss = (error**2).mean() + SLOPE_WEIGHT * ((error.roll(-1) - error) ** 2).mean()
show("with operators", loss)
assert torch.autograd.gradcheck(ArrayLoss.apply, (g, t))
show("through Fortran", ArrayLoss.apply(g, t))
