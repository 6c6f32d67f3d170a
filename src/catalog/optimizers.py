# SPDX-License-Identifier: MIT
"""Optimizers: hyperparameters, state, and the fused LibTorch kernel that makes one step."""

from __future__ import annotations

from dataclasses import dataclass

from .argument import Argument


@dataclass(frozen=True, kw_only=True)
class State:
    """One state tensor of each parameter, shaped like it."""

    name: str
    """Name in `torch.optim`."""
    condition: str = "true"
    """C++ condition in hyperparameters by name; without it the step gets an empty list."""
    initial: float | str = 0.0
    """All elements before the first step: a number, or the name of a hyperparameter."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What hyperparameters must fulfil beside their ranges."""

    condition: str
    """C++ condition in hyperparameters by name."""
    message: str
    """The error otherwise."""


@dataclass(frozen=True, kw_only=True)
class Optimizer:
    """One optimizer. Its constructor is `torch_optim_<name>`."""

    name: str
    """Name of the class in `torch.optim`."""
    hyperparameters: tuple[Argument, ...]
    """Arguments after the parameters, in the order of the Fortran interface."""
    state: tuple[State, ...]
    """State tensors."""
    kernel: str
    """ATen's fused function, which steps many parameters, or one of `optim_functions.h`."""
    arguments: str
    """C++, in `parameters`, `gradients`, `steps`, state and hyperparameters, `first_step`."""
    doc: str
    """One sentence for the reference, with the source."""
    rules: tuple[Rule, ...] = ()
    """Conditions on several hyperparameters."""
    variants: tuple[dict[str, float | bool], ...] = ()
    """Hyperparameters beside the defaults that tests compare with PyTorch."""

    @property
    def is_fused(self) -> bool:
        """True for a kernel of ATen."""
        return self.kernel.startswith("_fused_")


LEARNING_RATE = Argument(
    name="learning_rate", default=1e-3, python="lr", doc="Step size, not negative."
)
ADAM = (
    LEARNING_RATE,
    Argument(
        name="beta_1",
        default=0.9,
        python="betas[0]",
        doc="Decay rate of the first moment.",
        upper_bound=1.0,
    ),
    Argument(
        name="beta_2",
        default=0.999,
        python="betas[1]",
        doc="Decay rate of the second moment.",
        upper_bound=1.0,
    ),
    Argument(name="eps", default=1e-8, python="eps", doc="Term added to the denominator."),
)
AMSGRAD = Argument(
    name="amsgrad", default=False, python="amsgrad", doc="Use the maximum of all second moments."
)
ADAM_STATE = (
    State(name="exp_avg"),
    State(name="exp_avg_sq"),
    State(name="max_exp_avg_sq", condition="amsgrad"),
)
ADAM_ARGUMENTS = (
    "parameters, gradients, exp_avg, exp_avg_sq, max_exp_avg_sq, steps,"
    " learning_rate, beta_1, beta_2, weight_decay, eps, amsgrad, false"
)

OPTIMIZERS = (
    Optimizer(
        name="SGD",
        hyperparameters=(
            LEARNING_RATE,
            Argument(name="momentum", default=0.0, python="momentum", doc="Momentum factor."),
            Argument(name="weight_decay", default=0.0, python="weight_decay", doc="L2 penalty."),
            Argument(
                name="dampening", default=0.0, python="dampening", doc="Dampening of momentum."
            ),
            Argument(
                name="nesterov",
                default=False,
                python="nesterov",
                doc="Nesterov momentum; needs momentum and no dampening.",
            ),
        ),
        state=(State(name="momentum_buffer", condition="momentum != 0"),),
        kernel="_fused_sgd_",
        arguments="parameters, gradients, momentum_buffer, weight_decay, momentum,"
        " learning_rate, dampening, nesterov, false, first_step",
        doc="Stochastic gradient descent with momentum (Sutskever et al. 2013).",
        rules=(
            Rule(
                condition="!nesterov || (momentum > 0 && dampening == 0)",
                message="nesterov needs momentum above 0 and no dampening",
            ),
        ),
        variants=(
            {"momentum": 0.9},
            {"momentum": 0.9, "nesterov": True, "weight_decay": 0.01},
            {"momentum": 0.5, "dampening": 0.3},
        ),
    ),
    Optimizer(
        name="Adam",
        hyperparameters=(
            *ADAM,
            Argument(name="weight_decay", default=0.0, python="weight_decay", doc="L2 penalty."),
            AMSGRAD,
        ),
        state=ADAM_STATE,
        kernel="_fused_adam_",
        arguments=ADAM_ARGUMENTS,
        doc="Adam (Kingma and Ba 2015).",
        variants=(
            {"weight_decay": 0.1},
            {"amsgrad": True, "beta_1": 0.8, "beta_2": 0.95},
        ),
    ),
    Optimizer(
        name="AdamW",
        hyperparameters=(
            *ADAM,
            Argument(
                name="weight_decay",
                default=1e-2,
                python="weight_decay",
                doc="Decoupled weight decay.",
            ),
            AMSGRAD,
        ),
        state=ADAM_STATE,
        kernel="_fused_adamw_",
        arguments=ADAM_ARGUMENTS,
        doc="Adam with decoupled weight decay (Loshchilov and Hutter 2019).",
        variants=(
            {"weight_decay": 0.1},
            {"amsgrad": True, "eps": 1e-6},
        ),
    ),
    Optimizer(
        name="RMSprop",
        hyperparameters=(
            Argument(
                name="learning_rate", default=1e-2, python="lr", doc="Step size, not negative."
            ),
            Argument(
                name="alpha",
                default=0.99,
                python="alpha",
                doc="Decay rate of the squares.",
                upper_bound=1.0,
            ),
            Argument(name="eps", default=1e-8, python="eps", doc="Term added to the denominator."),
            Argument(name="weight_decay", default=0.0, python="weight_decay", doc="L2 penalty."),
            Argument(name="momentum", default=0.0, python="momentum", doc="Momentum factor."),
            Argument(
                name="centered",
                default=False,
                python="centered",
                doc="Divide by the deviation from the mean gradient.",
            ),
        ),
        state=(
            State(name="square_avg"),
            State(name="momentum_buffer", condition="momentum > 0"),
            State(name="grad_avg", condition="centered"),
        ),
        kernel="rmsprop",
        arguments="parameters, gradients, square_avg, momentum_buffer, grad_avg,"
        " learning_rate, alpha, eps, weight_decay, momentum, centered",
        doc="Gradients divided by a running mean of their size (Hinton 2012).",
        variants=(
            {"weight_decay": 0.1},
            {"momentum": 0.9, "alpha": 0.9},
            {"centered": True, "momentum": 0.5},
        ),
    ),
)
