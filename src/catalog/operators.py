# SPDX-License-Identifier: MIT
"""Operators on tensors: Fortran spelling, ATen function, PyTorch expression to compare with."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Operator:
    """One operator: `torch_tensor_<name>` and, where it has one, `operator(<symbol>)`."""

    name: str
    """Name of the subroutine form, and of the ATen function and header."""
    doc: str
    """One sentence for the reference."""
    reference: str
    """PyTorch expression in `x` (and `y`)."""
    symbol: str | None = None
    """Fortran operator token."""
    scalar_left: str = "at::{name}(operand(x, y), y)"
    """C++ expression for an `at::Scalar x` on the left."""
    scalar_right: str = "at::{name}(x, operand(y, x))"
    """C++ expression for an `at::Scalar y` on the right."""
    keeps_integers: bool = True
    """Integers give integers: a number must fit the dtype of an integer tensor."""


BINARY = (
    Operator("add", "Sum, element by element, broadcasting as PyTorch does.", "x + y", "+"),
    Operator("sub", "Difference.", "x - y", "-"),
    Operator("mul", "Product, element by element.", "x * y", "*"),
    Operator(
        "div",
        "True quotient; integers give a real result.",
        "x / y",
        "/",
        keeps_integers=False,
    ),
    Operator(
        "pow", "Power, element by element.", "x ** y", "**", "at::pow(x, y)", "at::pow(x, y)"
    ),
)
"""Two operands: tensor with tensor, tensor with scalar, scalar with tensor."""

UNARY = (Operator("neg", "Negation.", "-x", "-"),)
"""One operand, result of the same shape."""

REDUCTIONS = (
    Operator("sum", "Sum of all elements, of rank 0.", "x.sum()"),
    Operator(
        "mean", "Arithmetic mean of all elements, of rank 0; real and complex only.", "x.mean()"
    ),
)
"""One operand, result of rank 0."""
