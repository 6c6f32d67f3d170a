# SPDX-License-Identifier: MIT
"""The specific procedures of a function: one for each combination of types of its arguments."""

from __future__ import annotations

from collections.abc import Iterator

from ..dtypes import SCALARS
from .function import INDICES, INTEGER, INTEGERS, OPERAND, Function

TENSOR = "tensor"
"""Type of an argument: a tensor. Others are names of number types, or a role that has one type."""
INTEGER_KINDS = ("int32", "int64")
"""Kinds of integers and of vectors of them."""


def operand_types(row: Function) -> Iterator[tuple[str, ...]]:
    """Types of the operands: all tensors, or a number in the place of one."""
    operands = [one for one in row.arguments if one.role == OPERAND]
    yield (TENSOR,) * len(operands)
    if len(operands) == 2:
        yield from ((TENSOR, kind.name) for kind in SCALARS)
        yield from ((kind.name, TENSOR) for kind in SCALARS)


def integer_types(row: Function) -> Iterator[str]:
    """Types of all arguments that are integers, or a tensor where indices may be one."""
    roles = {one.role for one in row.arguments}
    if INDICES in roles:
        yield TENSOR
    if roles & {INTEGER, INTEGERS, INDICES}:
        yield from INTEGER_KINDS
    else:
        yield ""


def forms(row: Function) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Suffix of each procedure and the types of its arguments."""
    for operands in operand_types(row):
        for integer in integer_types(row):
            given = iter(operands)
            types = []
            for one in row.arguments:
                if one.role == OPERAND:
                    types.append(next(given))
                elif one.role in (INTEGER, INTEGERS, INDICES):
                    types.append(integer)
                else:
                    types.append(one.role)
            yield (
                "_".join([*operands, integer] if integer else operands or (TENSOR,)),
                tuple(types),
            )
