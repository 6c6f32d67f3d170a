# SPDX-License-Identifier: MIT
"""What tests call the rows with, for the Fortran programs and the comparison with PyTorch."""

from __future__ import annotations

from collections.abc import Iterator

from .functions import FUNCTIONS, Function

DTYPES = ("float32", "float64")
"""Dtypes of all comparisons, in the order in which programs read and write them."""
SHAPES = {"x": (3, 4), "y": (3, 4), "row": (4,), "s": ()}
"""Operands of functions by name; `s` is a number."""


def forms(row: Function) -> tuple[tuple[str, ...], ...]:
    """The operands of each call of a function."""
    if len(row.arguments) == 1:
        return (("x",),)
    numbers = (("x", "s"), ("s", "x")) if row.takes_numbers else ()
    return (("x", "y"), ("x", "row"), *numbers)


def function_cases() -> Iterator[tuple[Function, tuple[str, ...]]]:
    """Each function with the operands of each call."""
    return ((row, form) for row in FUNCTIONS for form in forms(row))
