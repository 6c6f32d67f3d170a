# SPDX-License-Identifier: MIT
"""What tests call the rows with, for the Fortran programs and the comparison with PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from .functions import FUNCTIONS, Function
from .losses import CLASSES, COUNTS, PROBABILITIES, REDUCTIONS, SIGNS, Loss

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
}
"""Random targets of each kind beside an input of this shape."""


def forms(row: Function) -> tuple[tuple[str, ...], ...]:
    """The operands of each call of a function."""
    if len(row.arguments) == 1:
        return (("x",),)
    numbers = (("x", "s"), ("s", "x")) if row.takes_numbers else ()
    return (("x", "y"), ("x", "row"), *numbers)


def function_cases() -> Iterator[tuple[Function, tuple[str, ...]]]:
    """Each function with the operands of each call."""
    return ((row, form) for row in FUNCTIONS for form in forms(row))


def loss_variants(row: Loss) -> Iterator[dict[str, float | bool]]:
    """Arguments of the calls of a loss by name: all absent, then each alone."""
    yield {}
    for argument in row.arguments:
        yield from ({argument.name: value} for value in argument.samples)


def loss_cases(row: Loss) -> Iterator[tuple[str, dict[str, float | bool], str, str]]:
    """Kind of target, arguments, reduction (constant and PyTorch's name) of each call."""
    for target in row.targets:
        for variant in loss_variants(row):
            for constant, _, name in REDUCTIONS:
                yield target, variant, constant, name


def fortran_literal(value: float | bool) -> str:
    """A value as Fortran writes it."""
    return f".{str(value).lower()}." if isinstance(value, bool) else f"{value!r}_real64"
