# SPDX-License-Identifier: MIT
"""A function of tensors: its arguments, its spelling in Fortran, LibTorch and PyTorch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

TENSOR = "tensor"
"""Role of an argument: a tensor."""
OPERAND = "operand"
"""Role of an argument: a tensor, or a number of any kind beside a tensor."""
TENSORS = "tensors"
"""Role of an argument: an array of tensors."""
DIM = "dim"
"""Role of an argument: a dimension, from 1 in Fortran and from 0 in C++ and Python."""
INTEGER = "integer"
"""Role of an argument: an integer of 4 or 8 bytes."""
INTEGERS = "integers"
"""Role of an argument: a vector of integers of 4 or 8 bytes."""
INDICES = "indices"
"""Role of an argument: a tensor of integers, or a vector of integers."""
NUMBER = "number"
"""Role of an argument: a number of any kind."""
FLAG = "flag"
"""Role of an argument: a logical."""
TEXT = "text"
"""Role of an argument: a text."""
DTYPE = "dtype"
"""Role of an argument: an element type."""

ROLES = {
    *(TENSOR, OPERAND, TENSORS, DIM, INTEGER, INTEGERS, INDICES),
    *(NUMBER, FLAG, TEXT, DTYPE),
}
"""All of them."""


@dataclass(frozen=True, kw_only=True)
class FunctionArgument:
    """One argument of a function."""

    name: str
    """Name in Fortran, in the C++ expression and in the PyTorch expression."""
    role: str
    """One of the roles above."""
    is_optional: bool = False
    """It may be left out; in C++ and Python it is nothing then."""
    default: float | bool | None = None
    """What C++ and Python see where it is left out."""
    rank: str = "x.dim()"
    """Of a dimension: how many there are, in C++."""


@dataclass(frozen=True, kw_only=True)
class Function:
    """One function: `torch_<name>`, `torch_tensor_<name>` and, if it has one, an operator."""

    name: str
    """Name of the procedures."""
    family: str
    """Noun of its module, `ftorch_<family>`."""
    arguments: tuple[FunctionArgument, ...]
    """In the order of Fortran. Two operands give forms with a number on either side."""
    doc: str
    """One sentence for the reference."""
    reference: str
    """PyTorch expression in the arguments: dimensions from 0, all else as Fortran gives it."""
    symbol: str | None = None
    """Fortran operator token."""
    intrinsic: str | None = None
    """Generic name in `ftorch_intrinsics`; None where Fortran has none."""
    fortran: str | None = None
    """Expression of Fortran in arrays with the names of the arguments; None where it has none."""
    call: str | None = None
    """C++ expression in the arguments; `at::<name>` of them in order if None."""
    subroutine_dummy: str | None = None
    """Name of the first argument in the subroutine, where the established API has another."""
    results: tuple[str, ...] = ()
    """Names of the results where there are several; it is a subroutine then."""
    has_number_overload: bool = False
    """ATen does better with a number than with a tensor of rank 0, as in squares and roots."""
    keeps_integers: bool = False
    """An integer number must fit the dtype of an integer tensor beside it."""
    domain: tuple[float, float] = (0.1, 0.9)
    """Interval of the numbers in tests."""
    shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Shapes of tensors in tests by argument, (3, 4) for those that are not there."""
    prepared: str | None = None
    """Expression of PyTorch that makes the `x` of tests from a random one."""
    samples: tuple[Mapping[str, Any], ...] = ()
    """Arguments that tests give beside the tensors, as in Fortran; dimensions need none."""
    dtype: str | None = None
    """Dtype of the tensors in tests, where it is neither real kind."""
    no_gradient: str | None = None
    """Why there is no gradient; None where there is one."""

    @property
    def expression(self) -> str:
        """The C++ expression."""
        given = ", ".join(one.name for one in self.arguments)
        return self.call or f"at::{self.name}({given})"

    @property
    def dummies(self) -> tuple[str, ...]:
        """Names of the Fortran arguments."""
        return tuple(one.name for one in self.arguments)

    @property
    def tensors(self) -> tuple[FunctionArgument, ...]:
        """The arguments that are tensors, or may be."""
        return tuple(one for one in self.arguments if one.role in (TENSOR, OPERAND))

    @property
    def subroutine_variants(self) -> tuple[tuple[str, tuple[FunctionArgument, ...]], ...]:
        """Suffixes of the subroutines and their arguments: several where the established API has
        but the tensor, so that the status may be the argument that follows it."""
        if self.subroutine_dummy is None:
            return (("", self.arguments),)
        x, *others = self.arguments
        first = replace(x, name=self.subroutine_dummy)
        required = [replace(one, is_optional=False) for one in others]
        return (
            ("", (first,)),
            *(
                (f"_{one.name}", (x, required[place], *others[place + 1 :]))
                for place, one in enumerate(others)
            ),
        )

    @property
    def is_direct(self) -> bool:
        """One tensor or two operands and nothing else: the shim calls it without boxes."""
        return len(self.tensors) == len(self.arguments) <= 2 and not self.results

    @property
    def is_elemental(self) -> bool:
        """An array of tensors gives an array of results."""
        return self.family in ELEMENTAL and len(self.tensors) == len(self.arguments)

    @property
    def takes_numbers(self) -> bool:
        """True when one of two operands can be a number."""
        return [one.role for one in self.arguments] == [OPERAND, OPERAND]


ELEMENTAL = ("arithmetic", "comparisons", "elementwise", "activations")
"""Families of functions that work element by element."""


def tensor(name: str = "x") -> FunctionArgument:
    """A tensor."""
    return FunctionArgument(name=name, role=TENSOR)


def operand(name: str) -> FunctionArgument:
    """A tensor or a number."""
    return FunctionArgument(name=name, role=OPERAND)


def dim(rank: str = "x.dim()", *, is_optional: bool = False) -> FunctionArgument:
    """A dimension."""
    return FunctionArgument(name="dim", role=DIM, rank=rank, is_optional=is_optional)


def flag(name: str) -> FunctionArgument:
    """A logical, false where it is left out."""
    return FunctionArgument(name=name, role=FLAG, is_optional=True, default=False)
