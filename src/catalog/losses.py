# SPDX-License-Identifier: MIT
"""Losses: ATen function, what it asks of shapes, and the PyTorch function to compare with."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Loss:
    """One loss. Its procedure is `torch_loss_<name>(loss, input, target, reduction_type)`."""

    name: str
    """Name of the procedure."""
    aten: str
    """ATen function."""
    call: str
    """C++ call in `input`, `target`, `reduction`."""
    reference: str
    """Function in `torch.nn.functional`."""
    doc: str
    """One sentence for the reference."""
    same_shape: bool = True
    """True when input and target must agree in shape and dtype."""


LOSSES = (
    Loss(
        name="mse",
        aten="mse_loss",
        call="at::mse_loss(input, target, reduction)",
        reference="mse_loss",
        doc="Mean squared error.",
    ),
    Loss(
        name="l1",
        aten="l1_loss",
        call="at::l1_loss(input, target, reduction)",
        reference="l1_loss",
        doc="Mean absolute error.",
    ),
    Loss(
        name="cross_entropy",
        aten="cross_entropy_loss",
        call="at::cross_entropy_loss(input, target, {}, reduction)",
        reference="cross_entropy",
        doc="Cross entropy of logits [N, C, ...] with int64 class numbers from 0, [N, ...],"
        " or with probabilities.",
        same_shape=False,
    ),
)

REDUCTIONS = (("torch_kNone", 0, "none"), ("torch_kMean", 1, "mean"), ("torch_kSum", 2, "sum"))
"""Public enumerator, value as in `at::Reduction`, name in PyTorch."""
