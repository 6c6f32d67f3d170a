# SPDX-License-Identifier: MIT
"""Optimizers: hyperparameters, state, and the fused LibTorch kernel that makes one step."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Hyperparameter:
    """One argument of a constructor; a number is real64 in the shim, of any kind in Fortran."""

    name: str
    """Name of the Fortran argument."""
    default: float | bool
    """Default, as in `torch.optim`."""
    python: str
    """Keyword in `torch.optim`, with `betas[0]` for an element of a tuple."""
    doc: str
    """One sentence for the reference."""
    below: float | None = None
    """Exclusive upper bound; the lower bound is 0."""


@dataclass(frozen=True)
class State:
    """One state tensor of each parameter, shaped like it and zero before the first step."""

    name: str
    """Name in `torch.optim`."""
    when: str = "true"
    """C++ condition in hyperparameters by name; without it the step gets an empty list."""


@dataclass(frozen=True)
class Rule:
    """What hyperparameters must fulfil beside their ranges."""

    holds: str
    """C++ condition in hyperparameters by name."""
    message: str
    """The error otherwise."""


@dataclass(frozen=True)
class Optimizer:
    """One optimizer. Its constructor is `torch_optim_<name>`."""

    name: str
    """Name of the class in `torch.optim`."""
    hyperparameters: tuple[Hyperparameter, ...]
    """Arguments after the parameters, in the order of the Fortran interface."""
    state: tuple[State, ...]
    """State tensors."""
    kernel: str
    """Function of ATen that steps many parameters in place; it allocates nothing on the host."""
    arguments: str
    """C++, in `parameters`, `gradients`, `steps`, state and hyperparameters, `first_step`."""
    doc: str
    """One sentence for the reference, with the source."""
    rules: tuple[Rule, ...] = ()
    """Conditions on several hyperparameters."""


LEARNING_RATE = Hyperparameter("learning_rate", 1e-3, "lr", "Step size, not negative.")
ADAM = (
    LEARNING_RATE,
    Hyperparameter("beta_1", 0.9, "betas[0]", "Decay rate of the first moment.", 1.0),
    Hyperparameter("beta_2", 0.999, "betas[1]", "Decay rate of the second moment.", 1.0),
    Hyperparameter("eps", 1e-8, "eps", "Term added to the denominator."),
)
AMSGRAD = Hyperparameter("amsgrad", False, "amsgrad", "Use the maximum of all second moments.")
ADAM_STATE = (State("exp_avg"), State("exp_avg_sq"), State("max_exp_avg_sq", "amsgrad"))
ADAM_ARGUMENTS = (
    "parameters, gradients, exp_avg, exp_avg_sq, max_exp_avg_sq, steps,"
    " learning_rate, beta_1, beta_2, weight_decay, eps, amsgrad, false"
)

OPTIMIZERS = (
    Optimizer(
        "SGD",
        (
            LEARNING_RATE,
            Hyperparameter("momentum", 0.0, "momentum", "Momentum factor."),
            Hyperparameter("weight_decay", 0.0, "weight_decay", "L2 penalty."),
            Hyperparameter("dampening", 0.0, "dampening", "Dampening of momentum."),
            Hyperparameter(
                "nesterov",
                False,
                "nesterov",
                "Nesterov momentum; needs momentum and no dampening.",
            ),
        ),
        (State("momentum_buffer", "momentum != 0"),),
        "_fused_sgd_",
        "parameters, gradients, momentum_buffer, weight_decay, momentum,"
        " learning_rate, dampening, nesterov, false, first_step",
        "Stochastic gradient descent with momentum (Sutskever et al. 2013).",
        (
            Rule(
                "!nesterov || (momentum > 0 && dampening == 0)",
                "nesterov needs momentum above 0 and no dampening",
            ),
        ),
    ),
    Optimizer(
        "Adam",
        (*ADAM, Hyperparameter("weight_decay", 0.0, "weight_decay", "L2 penalty."), AMSGRAD),
        ADAM_STATE,
        "_fused_adam_",
        ADAM_ARGUMENTS,
        "Adam (Kingma and Ba 2015).",
    ),
    Optimizer(
        "AdamW",
        (
            *ADAM,
            Hyperparameter("weight_decay", 1e-2, "weight_decay", "Decoupled weight decay."),
            AMSGRAD,
        ),
        ADAM_STATE,
        "_fused_adamw_",
        ADAM_ARGUMENTS,
        "Adam with decoupled weight decay (Loshchilov and Hutter 2019).",
    ),
)
