# SPDX-License-Identifier: MIT
"""Schedulers: arguments, and the function that gives the next learning rate."""

from __future__ import annotations

from dataclasses import dataclass, field

from .argument import Argument
from .optimizers import Rule


@dataclass(frozen=True, kw_only=True)
class Scheduler:
    """One scheduler. Its constructor is `torch_scheduler_<name>`."""

    name: str
    """Name of the class in `torch.optim.lr_scheduler`."""
    arguments: tuple[Argument, ...]
    """Arguments after the optimizer, and the milestones if it has some."""
    function: str = ""
    """Function of `scheduler_functions.h`: what an epoch gives. Without one, the scheduler waits
    for a metric, and is a class in `<name in lower case>.h`."""
    doc: str
    """One sentence for the reference."""
    has_milestones: bool = False
    """True when whole numbers, `milestones`, come first."""
    base: str = ""
    """C++ in the arguments: learning rate to begin with, instead of the optimizer's."""
    cycles_momentum: str = "false"
    """C++ condition in the arguments: the optimizer's momentum, or beta_1, changes too."""
    rules: tuple[Rule, ...] = ()
    """Conditions on the arguments."""
    variants: tuple[dict[str, object], ...] = field(default=({},))
    """Arguments with which tests compare with PyTorch."""


def whole(name: str, least: int = 1) -> Rule:
    """A whole number that is not below `least`."""
    return Rule(
        condition=f"{name} >= {least} && {name} == std::floor({name})",
        message=f"{name} must be a whole number of at least {least}",
    )


def between(name: str, lower: str = "0") -> Rule:
    """A number from `lower` to 1."""
    open_end = lower.startswith("> ")
    return Rule(
        condition=f"{name} {lower if open_end else f'>= {lower}'} && {name} <= 1",
        message=f"{name} must be {'above' if open_end else 'between'} "
        f"{lower.removeprefix('> ')} and {'not above ' if open_end else ''}1",
    )


TOTAL_ITERS = Argument(
    name="total_iters", default=5.0, python="total_iters", doc="Epoch at which it ends."
)
ETA_MIN = Argument(name="eta_min", default=0.0, python="eta_min", doc="Least learning rate.")
GAMMA = Argument(name="gamma", default=0.1, python="gamma", doc="Factor of each decay.")

SCHEDULERS = (
    Scheduler(
        name="StepLR",
        arguments=(
            Argument(name="step_size", python="step_size", doc="Epochs from decay to decay."),
            GAMMA,
        ),
        function="step_lr",
        doc="Decays every `step_size` epochs.",
        rules=(whole("step_size"),),
        variants=({"step_size": 7}, {"step_size": 30, "gamma": 0.7}),
    ),
    Scheduler(
        name="MultiStepLR",
        arguments=(GAMMA,),
        function="multi_step_lr",
        doc="Decays at each of `milestones`, whole numbers.",
        has_milestones=True,
        variants=(
            {"milestones": [3, 40, 40, 200]},
            {"milestones": [200, 0, 3], "gamma": 0.7},
        ),
    ),
    Scheduler(
        name="ConstantLR",
        arguments=(
            Argument(name="factor", default=1.0 / 3, python="factor", doc="Factor until the end."),
            TOTAL_ITERS,
        ),
        function="constant_lr",
        doc="Multiplies by `factor` until `total_iters`.",
        rules=(between("factor"), whole("total_iters", 0)),
        variants=({}, {"factor": 0.4, "total_iters": 40}),
    ),
    Scheduler(
        name="LinearLR",
        arguments=(
            Argument(
                name="start_factor",
                default=1.0 / 3,
                python="start_factor",
                doc="Factor at the beginning.",
            ),
            Argument(
                name="end_factor", default=1.0, python="end_factor", doc="Factor at the end."
            ),
            TOTAL_ITERS,
        ),
        function="linear_lr",
        doc="Multiplies by a factor that changes linearly until `total_iters`.",
        rules=(
            between("start_factor", "> 0"),
            between("end_factor"),
            whole("total_iters", 0),
        ),
        variants=({}, {"start_factor": 0.9, "end_factor": 0.1, "total_iters": 120}),
    ),
    Scheduler(
        name="ExponentialLR",
        arguments=(Argument(name="gamma", python="gamma", doc="Factor of each epoch."),),
        function="exponential_lr",
        doc="Decays every epoch.",
        variants=({"gamma": 0.97},),
    ),
    Scheduler(
        name="PolynomialLR",
        arguments=(
            TOTAL_ITERS,
            Argument(name="power", default=1.0, python="power", doc="Power of the polynomial."),
        ),
        function="polynomial_lr",
        doc="Falls to zero as a polynomial until `total_iters`.",
        rules=(whole("total_iters"),),
        variants=({}, {"total_iters": 150, "power": 2.5}),
    ),
    Scheduler(
        name="CosineAnnealingLR",
        arguments=(
            Argument(name="T_max", python="T_max", doc="Epochs from the most to the least."),
            ETA_MIN,
        ),
        function="cosine_annealing_lr",
        doc="Goes down to `eta_min` and up again as a cosine (Loshchilov and Hutter 2017).",
        rules=(whole("T_max"),),
        variants=({"T_max": 50}, {"T_max": 7, "eta_min": 1e-3}),
    ),
    Scheduler(
        name="CosineAnnealingWarmRestarts",
        arguments=(
            Argument(name="T_0", python="T_0", doc="Epochs until the first restart."),
            Argument(
                name="T_mult", default=1.0, python="T_mult", doc="Growth of that with restarts."
            ),
            ETA_MIN,
        ),
        function="cosine_annealing_warm_restarts",
        doc="Goes down to `eta_min` as a cosine, and begins again (Loshchilov and Hutter 2017).",
        rules=(whole("T_0"), whole("T_mult")),
        variants=({"T_0": 10}, {"T_0": 3, "T_mult": 2, "eta_min": 1e-4}),
    ),
    Scheduler(
        name="OneCycleLR",
        arguments=(
            Argument(name="max_lr", python="max_lr", doc="Highest learning rate."),
            Argument(
                name="total_steps",
                default=0.0,
                python="total_steps",
                doc="Length of the cycle; 0 is epochs*steps_per_epoch.",
            ),
            Argument(name="epochs", default=0.0, python="epochs", doc="See `total_steps`."),
            Argument(
                name="steps_per_epoch",
                default=0.0,
                python="steps_per_epoch",
                doc="See `total_steps`.",
            ),
            Argument(
                name="pct_start", default=0.3, python="pct_start", doc="Part that goes up, 0 to 1."
            ),
            Argument(
                name="anneal_strategy",
                default="cos",
                python="anneal_strategy",
                doc="'cos' or 'linear'.",
                choices=("cos", "linear"),
            ),
            Argument(
                name="cycle_momentum",
                default=True,
                python="cycle_momentum",
                doc="Change momentum, or beta_1, the other way.",
            ),
            Argument(
                name="base_momentum", default=0.85, python="base_momentum", doc="Least momentum."
            ),
            Argument(
                name="max_momentum", default=0.95, python="max_momentum", doc="Highest momentum."
            ),
            Argument(
                name="div_factor",
                default=25.0,
                python="div_factor",
                doc="Highest over first learning rate.",
            ),
            Argument(
                name="final_div_factor",
                default=1e4,
                python="final_div_factor",
                doc="First over last learning rate.",
            ),
            Argument(
                name="three_phase",
                default=False,
                python="three_phase",
                doc="Go down to the first learning rate before going below it.",
            ),
        ),
        function="one_cycle_lr",
        doc="Goes up once and down again, over the whole training (Smith and Topin 2019).",
        base="max_lr / div_factor",
        cycles_momentum="cycle_momentum",
        rules=(
            Rule(
                condition="total_steps >= 1 || (epochs >= 1 && steps_per_epoch >= 1)",
                message="total_steps, or epochs and steps_per_epoch, must be given",
            ),
            whole("total_steps", 0),
            whole("epochs", 0),
            whole("steps_per_epoch", 0),
            between("pct_start"),
        ),
        variants=(
            {"max_lr": 0.1, "total_steps": 300},
            {"max_lr": 0.1, "epochs": 10, "steps_per_epoch": 31, "anneal_strategy": "linear"},
            {"max_lr": 0.2, "total_steps": 301, "three_phase": True, "pct_start": 0.25},
            {
                "max_lr": 0.2,
                "total_steps": 300,
                "cycle_momentum": False,
                "div_factor": 10,
                "final_div_factor": 100,
            },
            {"max_lr": 0.2, "total_steps": 300, "base_momentum": 0.5, "max_momentum": 0.7},
        ),
    ),
    Scheduler(
        name="ReduceLROnPlateau",
        arguments=(
            Argument(
                name="mode",
                default="min",
                python="mode",
                doc="'min' where the metric should fall, or 'max'.",
                choices=("min", "max"),
            ),
            Argument(name="factor", default=0.1, python="factor", doc="Factor of each decay."),
            Argument(
                name="patience",
                default=10.0,
                python="patience",
                doc="Epochs without improvement that are borne.",
            ),
            Argument(
                name="threshold",
                default=1e-4,
                python="threshold",
                doc="Change that counts as improvement.",
            ),
            Argument(
                name="threshold_mode",
                default="rel",
                python="threshold_mode",
                doc="'rel' to the best metric, or 'abs'.",
                choices=("rel", "abs"),
            ),
            Argument(
                name="cooldown",
                default=0.0,
                python="cooldown",
                doc="Epochs after a decay that do not count.",
            ),
            Argument(name="min_lr", default=0.0, python="min_lr", doc="Least learning rate."),
            Argument(
                name="eps",
                default=1e-8,
                python="eps",
                doc="A decay that changes less is left out.",
            ),
        ),
        doc="Decays when the metric of each step no longer improves.",
        rules=(
            Rule(condition="factor < 1", message="factor must be below 1"),
            whole("patience", 0),
            whole("cooldown", 0),
        ),
        variants=(
            {},
            {"mode": "max", "patience": 3, "factor": 0.5, "cooldown": 2},
            {"threshold_mode": "abs", "threshold": 0.01, "patience": 5, "min_lr": 1e-3},
            {"mode": "max", "threshold_mode": "abs", "threshold": 0.1, "patience": 0},
        ),
    ),
)
