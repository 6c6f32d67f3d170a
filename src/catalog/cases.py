# SPDX-License-Identifier: MIT
"""What tests call the rows with, for the Fortran programs and the comparison with PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from .functions import FUNCTIONS, Function
from .losses import (
    CLASSES,
    COUNTS,
    EACH_CLASS,
    EACH_ELEMENT,
    LOSSES,
    PROBABILITIES,
    REDUCTIONS,
    ROW_SIGNS,
    SIGNS,
    Loss,
)

if TYPE_CHECKING:
    import numpy as np

DTYPES = ("float32", "float64")
"""Dtypes of all comparisons, in the order in which programs read and write them."""
SHAPES = {"x": (3, 4), "y": (3, 4), "row": (4,), "s": ()}
"""Operands of functions by name; `s` is a number."""

SAMPLES = (6, 5)
"""Shape of the input of a loss."""


def probabilities(generator: np.random.Generator, shape: tuple[int, int]) -> Any:
    """Rows with a sum of one."""
    weights = generator.uniform(0.1, 1.0, shape)
    return weights / weights.sum(1, keepdims=True)


TARGETS: dict[str, Callable[[np.random.Generator, tuple[int, int]], Any]] = {
    PROBABILITIES: probabilities,
    COUNTS: lambda generator, shape: generator.poisson(2.0, shape),
    SIGNS: lambda generator, shape: generator.choice([-1, 1], shape),
    CLASSES: lambda generator, shape: generator.integers(0, shape[1], shape[0]),
    ROW_SIGNS: lambda generator, shape: generator.choice([-1, 1], shape[0]),
}
"""Random targets of each kind beside an input of this shape."""
ROW_TARGETS = (CLASSES, ROW_SIGNS)
"""Kinds of targets with one element for each row."""
FURTHER: dict[str, Callable[[np.random.Generator, tuple[int, int]], Any]] = {
    EACH_CLASS: lambda generator, shape: generator.uniform(0.5, 2.0, shape[1]),
    EACH_ELEMENT: lambda generator, shape: generator.uniform(0.3, 2.0, shape),
}
"""Random further tensors of each kind."""
TENSOR = "tensor"
"""Value of a further tensor among the arguments of a call."""


def forms(row: Function) -> tuple[tuple[str, ...], ...]:
    """The operands of each call of a function."""
    if len(row.arguments) == 1:
        return (("x",),)
    numbers = (("x", "s"), ("s", "x")) if row.takes_numbers else ()
    return (("x", "y"), ("x", "row"), *numbers)


def function_cases() -> Iterator[tuple[Function, tuple[str, ...]]]:
    """Each function with the operands of each call."""
    return ((row, form) for row in FUNCTIONS for form in forms(row))


def loss_variants(row: Loss) -> Iterator[dict[str, float | bool | str]]:
    """Arguments of the calls of a loss by name: only what is required, then each other alone."""
    required: dict[str, float | bool | str] = {
        one.name: TENSOR for one in row.tensors if one.is_required
    }
    yield required
    for one in row.tensors:
        if not one.is_required:
            yield {**required, one.name: TENSOR}
    for argument in row.arguments:
        yield from ({**required, argument.name: value} for value in argument.samples)


def loss_cases(row: Loss) -> Iterator[tuple[str, dict[str, float | bool | str], str, str]]:
    """Kind of target, arguments, reduction (constant and PyTorch's name) of each call."""
    for target in row.targets:
        for variant in loss_variants(row):
            for constant, _, name in REDUCTIONS:
                yield target, variant, constant, name


def plain_losses() -> tuple[Loss, ...]:
    """Losses that need nothing but an input and probabilities of its shape."""
    return tuple(
        row
        for row in LOSSES
        if PROBABILITIES in row.targets and not any(one.is_required for one in row.tensors)
    )


def fortran_literal(value: float | bool) -> str:
    """A value as Fortran writes it."""
    return f".{str(value).lower()}." if isinstance(value, bool) else f"{value!r}_real64"


def fortran_arguments(variant: dict[str, float | bool | str]) -> str:
    """Arguments of a loss by name; the variable of a tensor is `tensor_<name>`."""
    return "".join(
        f", {name}=" + (f"tensor_{name}" if isinstance(one, str) else fortran_literal(one))
        for name, one in variant.items()
    )
