# SPDX-License-Identifier: MIT
"""Losses: ATen function, what it asks of shapes, and the PyTorch function to compare with."""

from __future__ import annotations

from dataclasses import dataclass

from .argument import Argument

PROBABILITIES = "probabilities"
"""Kind of targets: rows with a sum of one."""
COUNTS = "counts"
"""Kind of targets: whole numbers from 0."""
SIGNS = "signs"
"""Kind of targets: 1 or -1."""
CLASSES = "classes"
"""Kind of targets: an int64 number of a class for each row of the input."""


@dataclass(frozen=True, kw_only=True)
class Loss:
    """One loss: `torch_loss_<name>(loss, input, target, <arguments>, reduction_type)`."""

    name: str
    """Name of the procedure."""
    aten: str
    """ATen function."""
    call: str
    """C++ call in `input`, `target`, `reduction` and the arguments by name."""
    reference: str
    """Function in `torch.nn.functional`."""
    doc: str
    """One sentence for the reference."""
    arguments: tuple[Argument, ...] = ()
    """Arguments after the target, in the order of the Fortran interface."""
    same_shape: bool = True
    """True when input and target must agree in shape and dtype."""
    domain: tuple[float, float] = (-2.0, 2.0)
    """Interval of the input in tests."""
    targets: tuple[str, ...] = (PROBABILITIES,)
    """Kinds of targets in tests."""


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
        targets=(PROBABILITIES, CLASSES),
    ),
    Loss(
        name="smooth_l1",
        aten="smooth_l1_loss",
        call="at::smooth_l1_loss(input, target, reduction, beta)",
        reference="smooth_l1_loss",
        doc="Absolute error, squared below `beta`.",
        arguments=(
            Argument(
                name="beta",
                default=1.0,
                python="beta",
                doc="Where the square ends.",
                samples=(0.3, 0.0),
            ),
        ),
    ),
    Loss(
        name="huber",
        aten="huber_loss",
        call="at::huber_loss(input, target, reduction, delta)",
        reference="huber_loss",
        doc="Squared error, linear above `delta`.",
        arguments=(
            Argument(
                name="delta",
                default=1.0,
                python="delta",
                doc="Where the square ends, above 0.",
                samples=(0.3,),
            ),
        ),
    ),
    Loss(
        name="kl_div",
        aten="kl_div",
        call="at::kl_div(input, target, reduction, log_target)",
        reference="kl_div",
        doc="Kullback-Leibler divergence of the target from the input, which holds logarithms.",
        domain=(-2.0, -0.1),
        arguments=(
            Argument(
                name="log_target",
                default=False,
                python="log_target",
                doc="The target holds logarithms too.",
                samples=(True,),
            ),
        ),
    ),
    Loss(
        name="poisson_nll",
        aten="poisson_nll_loss",
        call="at::poisson_nll_loss(input, target, log_input, full, eps, reduction)",
        reference="poisson_nll_loss",
        doc="Negative logarithm of the likelihood of counts with a Poisson distribution.",
        domain=(0.1, 2.0),
        targets=(COUNTS, PROBABILITIES),
        arguments=(
            Argument(
                name="log_input",
                default=True,
                python="log_input",
                doc="The input holds logarithms of the rates.",
                samples=(False,),
            ),
            Argument(
                name="full",
                default=False,
                python="full",
                doc="Add the Stirling approximation of the factorial.",
                samples=(True,),
            ),
            Argument(
                name="eps",
                default=1e-8,
                python="eps",
                doc="Term added to rates in a logarithm.",
                samples=(0.5,),
            ),
        ),
    ),
)

REDUCTIONS = (("torch_kNone", 0, "none"), ("torch_kMean", 1, "mean"), ("torch_kSum", 2, "sum"))
"""Public enumerator, value as in `at::Reduction`, name in PyTorch."""
