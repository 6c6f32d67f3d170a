# SPDX-License-Identifier: MIT
"""Functions of tensors: operands, Fortran spelling, ATen function, PyTorch expression."""

from __future__ import annotations

from dataclasses import dataclass

TENSOR = "tensor"
"""Role of an argument: a tensor."""
OPERAND = "operand"
"""Role of an argument: a tensor, or a number of any kind beside a tensor."""


@dataclass(frozen=True, kw_only=True)
class Function:
    """One function: `torch_tensor_<name>` and, where it has one, `operator(<symbol>)`."""

    name: str
    """Name of the procedure."""
    family: str
    """`elementwise`, with the broadcast shape of the operands, or `reduction`, with rank 0."""
    arguments: tuple[str, ...]
    """Roles, one or two. Two operands give the forms with a number on either side."""
    doc: str
    """One sentence for the reference."""
    reference: str
    """PyTorch expression in `x` (and `y`)."""
    symbol: str | None = None
    """Fortran operator token."""
    fortran: str | None = None
    """Fortran expression in arrays `x` (and `y`); None where Fortran has none."""
    aten: str | None = None
    """ATen function and header; None where it has the name of the procedure."""
    has_number_overload: bool = False
    """ATen does better with a number than with a tensor of rank 0, as in squares and roots."""
    keeps_integers: bool = False
    """Integers give integers: a number must fit the dtype of an integer tensor."""
    domain: tuple[float, float] = (0.1, 0.9)
    """Interval of the operands in tests."""
    no_gradient: str | None = None
    """Why there is no gradient; None where there is one."""

    @property
    def function(self) -> str:
        """The ATen function."""
        return self.aten or self.name

    @property
    def dummies(self) -> tuple[str, ...]:
        """Names of the Fortran arguments."""
        return ("tensor",) if len(self.arguments) == 1 else ("a", "b")

    @property
    def takes_numbers(self) -> bool:
        """True when one of two operands can be a number."""
        return self.arguments == (OPERAND, OPERAND)


FUNCTIONS = (
    Function(
        name="add",
        family="elementwise",
        arguments=(OPERAND, OPERAND),
        doc="Sum, element by element, broadcasting as PyTorch does.",
        reference="x + y",
        symbol="+",
        fortran="x + y",
        keeps_integers=True,
    ),
    Function(
        name="sub",
        family="elementwise",
        arguments=(OPERAND, OPERAND),
        doc="Difference.",
        reference="x - y",
        symbol="-",
        fortran="x - y",
        keeps_integers=True,
    ),
    Function(
        name="mul",
        family="elementwise",
        arguments=(OPERAND, OPERAND),
        doc="Product, element by element.",
        reference="x * y",
        symbol="*",
        fortran="x * y",
        keeps_integers=True,
    ),
    Function(
        name="div",
        family="elementwise",
        arguments=(OPERAND, OPERAND),
        doc="True quotient; integers give a real result.",
        reference="x / y",
        symbol="/",
        fortran="x / y",
    ),
    Function(
        name="pow",
        family="elementwise",
        arguments=(OPERAND, OPERAND),
        doc="Power, element by element.",
        reference="x ** y",
        symbol="**",
        fortran="x ** y",
        has_number_overload=True,
        keeps_integers=True,
    ),
    Function(
        name="neg",
        family="elementwise",
        arguments=(TENSOR,),
        doc="Negation.",
        reference="-x",
        symbol="-",
        fortran="-x",
    ),
    Function(
        name="sum",
        family="reduction",
        arguments=(TENSOR,),
        doc="Sum of all elements, of rank 0.",
        reference="x.sum()",
        fortran="sum(x)",
    ),
    Function(
        name="mean",
        family="reduction",
        arguments=(TENSOR,),
        doc="Arithmetic mean of all elements, of rank 0; real and complex only.",
        reference="x.mean()",
        fortran="sum(x) / size(x)",
    ),
)
