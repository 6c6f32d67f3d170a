# SPDX-License-Identifier: MIT
"""Optimizers: hyperparameters, state, and the fused LibTorch kernel that makes one step."""

from __future__ import annotations

from dataclasses import dataclass

from .argument import Argument


@dataclass(frozen=True, kw_only=True)
class State:
    """One state tensor of each parameter, shaped like it or a number."""

    name: str
    """Name in `torch.optim`."""
    condition: str = "true"
    """C++ condition in hyperparameters by name; without it the step gets an empty list."""
    initial: float | str = 0.0
    """All elements before the first step: a number, or the name of a hyperparameter."""
    is_scalar: bool = False
    """True for one float32 number of each parameter."""


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
    state: tuple[State, ...] = ()
    """State tensors."""
    kernel: str = ""
    """ATen's fused function, which steps many parameters, or one of `optim_functions.h`; without
    it, the optimizer evaluates the loss itself, and is a class in `<name in lower case>.h`."""
    arguments: str = ""
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

    @property
    def needs_closure(self) -> bool:
        """True for an optimizer that evaluates the loss itself."""
        return not self.kernel


LEARNING_RATE = Argument(
    name="learning_rate", default=1e-3, python="lr", doc="Step size, not negative."
)
MAXIMIZE = Argument(
    name="maximize", default=False, python="maximize", doc="Step up the gradient, not down."
)
EPS = Argument(name="eps", default=1e-8, python="eps", doc="Term added to the denominator.")
WEIGHT_DECAY = Argument(name="weight_decay", default=0.0, python="weight_decay", doc="L2 penalty.")
DECOUPLED = Argument(
    name="decoupled_weight_decay",
    default=False,
    python="decoupled_weight_decay",
    doc="Weight decay as in AdamW.",
)
BETAS = (
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
)
ADAM = (LEARNING_RATE, *BETAS, EPS)
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
    " learning_rate, beta_1, beta_2, weight_decay, eps, amsgrad, maximize"
)

OPTIMIZERS = (
    Optimizer(
        name="SGD",
        hyperparameters=(
            LEARNING_RATE,
            Argument(name="momentum", default=0.0, python="momentum", doc="Momentum factor."),
            WEIGHT_DECAY,
            Argument(
                name="dampening", default=0.0, python="dampening", doc="Dampening of momentum."
            ),
            Argument(
                name="nesterov",
                default=False,
                python="nesterov",
                doc="Nesterov momentum; needs momentum and no dampening.",
            ),
            MAXIMIZE,
        ),
        state=(State(name="momentum_buffer", condition="momentum != 0"),),
        kernel="_fused_sgd_",
        arguments="parameters, gradients, momentum_buffer, weight_decay, momentum,"
        " learning_rate, dampening, nesterov, maximize, first_step",
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
            {"momentum": 0.5, "dampening": 0.3, "maximize": True},
        ),
    ),
    Optimizer(
        name="Adam",
        hyperparameters=(
            *ADAM,
            WEIGHT_DECAY,
            AMSGRAD,
            MAXIMIZE,
        ),
        state=ADAM_STATE,
        kernel="_fused_adam_",
        arguments=ADAM_ARGUMENTS,
        doc="Adam (Kingma and Ba 2015).",
        variants=(
            {"weight_decay": 0.1},
            {"amsgrad": True, "beta_1": 0.8, "beta_2": 0.95, "maximize": True},
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
            MAXIMIZE,
        ),
        state=ADAM_STATE,
        kernel="_fused_adamw_",
        arguments=ADAM_ARGUMENTS,
        doc="Adam with decoupled weight decay (Loshchilov and Hutter 2019).",
        variants=(
            {"weight_decay": 0.1},
            {"amsgrad": True, "eps": 1e-6, "maximize": True},
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
            EPS,
            WEIGHT_DECAY,
            Argument(name="momentum", default=0.0, python="momentum", doc="Momentum factor."),
            Argument(
                name="centered",
                default=False,
                python="centered",
                doc="Divide by the deviation from the mean gradient.",
            ),
            MAXIMIZE,
        ),
        state=(
            State(name="square_avg"),
            State(name="momentum_buffer", condition="momentum > 0"),
            State(name="grad_avg", condition="centered"),
        ),
        kernel="rmsprop",
        arguments="parameters, gradients, square_avg, momentum_buffer, grad_avg,"
        " learning_rate, alpha, eps, weight_decay, momentum, centered, maximize",
        doc="Gradients divided by a running mean of their size (Hinton 2012).",
        variants=(
            {"weight_decay": 0.1},
            {"momentum": 0.9, "alpha": 0.9, "maximize": True},
            {"centered": True, "momentum": 0.5},
        ),
    ),
    Optimizer(
        name="Adagrad",
        hyperparameters=(
            Argument(
                name="learning_rate", default=1e-2, python="lr", doc="Step size, not negative."
            ),
            Argument(
                name="lr_decay",
                default=0.0,
                python="lr_decay",
                doc="Decay of the step size with the number of steps.",
            ),
            WEIGHT_DECAY,
            Argument(
                name="initial_accumulator_value",
                default=0.0,
                python="initial_accumulator_value",
                doc="What the sum of squares begins with.",
            ),
            Argument(
                name="eps", default=1e-10, python="eps", doc="Term added to the denominator."
            ),
            MAXIMIZE,
        ),
        state=(State(name="sum", initial="initial_accumulator_value"),),
        kernel="_fused_adagrad_",
        arguments="parameters, gradients, sum, steps, learning_rate, lr_decay, weight_decay, eps,"
        " maximize",
        doc="Gradients divided by the root of the sum of their squares (Duchi et al. 2011).",
        variants=(
            {"weight_decay": 0.1, "lr_decay": 0.05},
            {"initial_accumulator_value": 0.3, "eps": 1e-3, "maximize": True},
        ),
    ),
    Optimizer(
        name="Adamax",
        hyperparameters=(
            Argument(
                name="learning_rate", default=2e-3, python="lr", doc="Step size, not negative."
            ),
            *BETAS,
            EPS,
            WEIGHT_DECAY,
            MAXIMIZE,
        ),
        state=(State(name="exp_avg"), State(name="exp_inf")),
        kernel="adamax",
        arguments="parameters, gradients, exp_avg, exp_inf, steps,"
        " learning_rate, beta_1, beta_2, eps, weight_decay, maximize",
        doc="Adam with the largest gradient in place of squares (Kingma and Ba 2015).",
        variants=(
            {"weight_decay": 0.1},
            {"beta_1": 0.8, "beta_2": 0.95, "eps": 1e-3, "maximize": True},
        ),
    ),
    Optimizer(
        name="NAdam",
        hyperparameters=(
            Argument(
                name="learning_rate", default=2e-3, python="lr", doc="Step size, not negative."
            ),
            *BETAS,
            EPS,
            WEIGHT_DECAY,
            Argument(
                name="momentum_decay",
                default=4e-3,
                python="momentum_decay",
                doc="Decay of the momentum.",
            ),
            DECOUPLED,
            MAXIMIZE,
        ),
        state=(
            State(name="mu_product", initial=1.0, is_scalar=True),
            State(name="exp_avg"),
            State(name="exp_avg_sq"),
        ),
        kernel="nadam",
        arguments="parameters, gradients, mu_product, exp_avg, exp_avg_sq, steps, learning_rate,"
        " beta_1, beta_2, eps, weight_decay, momentum_decay, decoupled_weight_decay, maximize",
        doc="Adam with Nesterov momentum (Dozat 2016).",
        variants=(
            {"weight_decay": 0.1, "momentum_decay": 0.1},
            {"weight_decay": 0.1, "decoupled_weight_decay": True, "maximize": True},
        ),
    ),
    Optimizer(
        name="RAdam",
        hyperparameters=(*ADAM, WEIGHT_DECAY, DECOUPLED, MAXIMIZE),
        state=(State(name="exp_avg"), State(name="exp_avg_sq")),
        kernel="radam",
        arguments="parameters, gradients, exp_avg, exp_avg_sq, steps, learning_rate, beta_1,"
        " beta_2, eps, weight_decay, decoupled_weight_decay, maximize",
        doc="Adam that waits until its second moment can be trusted (Liu et al. 2020).",
        variants=(
            {"weight_decay": 0.1, "beta_2": 0.9},
            {"weight_decay": 0.1, "decoupled_weight_decay": True, "maximize": True},
        ),
    ),
    Optimizer(
        name="LBFGS",
        hyperparameters=(
            Argument(
                name="learning_rate", default=1.0, python="lr", doc="Step size, not negative."
            ),
            Argument(
                name="max_iter",
                default=20.0,
                python="max_iter",
                doc="Most iterations of a step.",
                upper_bound=2.0**31,
            ),
            Argument(
                name="max_eval",
                default=0.0,
                python="max_eval",
                doc="Most evaluations of the loss in a step; 0 is max_iter*5/4.",
                upper_bound=2.0**31,
            ),
            Argument(
                name="tolerance_grad",
                default=1e-7,
                python="tolerance_grad",
                doc="A step ends when no element of the gradient is larger.",
            ),
            Argument(
                name="tolerance_change",
                default=1e-9,
                python="tolerance_change",
                doc="A step ends when parameters or loss change less.",
            ),
            Argument(
                name="history_size",
                default=100.0,
                python="history_size",
                doc="Number of updates that are kept.",
                upper_bound=2.0**31,
            ),
            Argument(
                name="line_search_fn",
                default="none",
                python="line_search_fn",
                doc="'strong_wolfe' or 'none'.",
                choices=("none", "strong_wolfe"),
            ),
        ),
        doc="Limited-memory BFGS (Nocedal and Wright 2006, chapters 3 and 7).",
        rules=(
            Rule(
                condition="max_iter >= 1 && max_iter == std::floor(max_iter)",
                message="max_iter must be a whole number of at least 1",
            ),
            Rule(
                condition="max_eval == std::floor(max_eval)",
                message="max_eval must be a whole number",
            ),
            Rule(
                condition="history_size >= 1 && history_size == std::floor(history_size)",
                message="history_size must be a whole number of at least 1",
            ),
        ),
    ),
)

GROUP_ARGUMENTS = tuple(
    {one.name: one for row in OPTIMIZERS for one in row.hyperparameters}.values()
)
"""Every hyperparameter once, for another group of parameters."""
KERNELS = tuple(row for row in OPTIMIZERS if not row.needs_closure)
"""Optimizers that step by the gradients that are there."""
