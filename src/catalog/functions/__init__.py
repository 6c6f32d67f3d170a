# SPDX-License-Identifier: MIT
"""Functions of tensors, by family."""

from __future__ import annotations

import re

from . import (
    activations,
    arithmetic,
    comparisons,
    copies,
    elementwise,
    indexing,
    linear_algebra,
    reductions,
    shapes,
)
from .forms import forms
from .function import (
    DIM,
    DTYPE,
    FLAG,
    INDICES,
    INTEGER,
    INTEGERS,
    NUMBER,
    OPERAND,
    ROLES,
    TENSOR,
    TENSORS,
    TEXT,
    Function,
    FunctionArgument,
)

__all__ = [
    "DIM",
    "DTYPE",
    "FAMILIES",
    "FLAG",
    "FUNCTIONS",
    "HEADERS",
    "INDICES",
    "INTEGER",
    "INTEGERS",
    "NUMBER",
    "OPERAND",
    "ROLES",
    "TENSOR",
    "TENSORS",
    "TEXT",
    "Function",
    "FunctionArgument",
    "forms",
]

FUNCTIONS: tuple[Function, ...] = (
    *arithmetic.ROWS,
    *comparisons.ROWS,
    *elementwise.ROWS,
    *activations.ROWS,
    *reductions.ROWS,
    *linear_algebra.ROWS,
    *shapes.ROWS,
    *indexing.ROWS,
    *copies.ROWS,
)
FAMILIES = tuple(dict.fromkeys(row.family for row in FUNCTIONS))
"""Families in the order of the rows."""
HEADERS = sorted(
    {name for row in FUNCTIONS for name in re.findall(r"at::([a-z]\w+)", row.expression)}
)
"""Functions of LibTorch that the rows name."""
