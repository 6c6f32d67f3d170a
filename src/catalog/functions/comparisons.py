# SPDX-License-Identifier: MIT
"""Comparisons and logical operators: what they give is logical."""

from __future__ import annotations

from functools import partial

from .function import Function, operand, tensor

comparison = partial(
    Function,
    family="comparisons",
    arguments=(operand("x"), operand("y")),
    keeps_integers=True,
    domain=(-0.9, 0.9),
    no_gradient="the result is logical",
)
logical = partial(
    Function,
    family="comparisons",
    dtype="bool",
    no_gradient="the result is logical",
)

ROWS = (
    comparison(name="eq", doc="Equal.", reference="x == y", symbol="==", fortran="x == y"),
    comparison(name="ne", doc="Not equal.", reference="x != y", symbol="/=", fortran="x /= y"),
    comparison(name="lt", doc="Less.", reference="x < y", symbol="<", fortran="x < y"),
    comparison(name="le", doc="Less or equal.", reference="x <= y", symbol="<=", fortran="x <= y"),
    comparison(name="gt", doc="Greater.", reference="x > y", symbol=">", fortran="x > y"),
    comparison(
        name="ge", doc="Greater or equal.", reference="x >= y", symbol=">=", fortran="x >= y"
    ),
    logical(
        name="logical_and",
        arguments=(tensor("x"), tensor("y")),
        call="at::logical_and(logical(x), logical(y))",
        doc="Both, of logical tensors.",
        reference="x & y",
        symbol=".and.",
        fortran="x .and. y",
    ),
    logical(
        name="logical_or",
        arguments=(tensor("x"), tensor("y")),
        call="at::logical_or(logical(x), logical(y))",
        doc="Either or both, of logical tensors.",
        reference="x | y",
        symbol=".or.",
        fortran="x .or. y",
    ),
    logical(
        name="logical_not",
        arguments=(tensor(),),
        call="at::logical_not(logical(x))",
        doc="Negation of a logical tensor.",
        reference="~x",
        symbol=".not.",
        fortran=".not. x",
    ),
)
