# SPDX-License-Identifier: MIT
"""What tests call the rows with, for the Fortran programs and the comparison with PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .dtypes import DTYPES as DTYPE_ROWS
from .functions import (
    DIM,
    DTYPE,
    FUNCTIONS,
    OPERAND,
    TENSOR,
    TENSORS,
    Function,
    FunctionArgument,
)
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
COMPLEX = {"float32": "complex64", "float64": "complex128"}
"""Dtypes of functions of complex tensors."""
SHAPE = (3, 4)
"""Shape of a tensor whose row says nothing else."""
ROW = "row"
"""An operand of shape [4] that is broadcast."""
NUMBER_OPERAND = "s"
"""An operand that is a number."""

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
GIVEN = "tensor"
"""Value of a further tensor among the arguments of a call."""


def operand_forms(row: Function) -> tuple[tuple[str, ...], ...]:
    """The operands of each call of a function."""
    names = tuple(one.name for one in row.arguments if one.role == OPERAND)
    if len(names) < 2:
        return (names,)
    x, y = names
    return (names, (x, ROW), (x, NUMBER_OPERAND), (NUMBER_OPERAND, y))


def function_samples(row: Function) -> Iterator[dict[str, Any]]:
    """What a function is given beside tensors: the samples of the row, or each dimension."""
    if row.samples:
        yield from map(dict, row.samples)
        return
    dims = [one for one in row.arguments if one.role == DIM]
    if not dims or dims[0].is_optional:
        yield {}
    for number in (1, 2) if dims else ():
        yield {"dim": number}
    if any(one.name == "keepdim" for one in row.arguments):
        yield {"keepdim": True}
        yield {"dim": 1, "keepdim": True}


@dataclass(frozen=True, kw_only=True)
class FunctionCase:
    """One call of a function."""

    row: Function
    operands: tuple[str, ...]
    sample: Mapping[str, Any]

    @property
    def actual(self) -> tuple[tuple[FunctionArgument, str], ...]:
        """Each argument that is given and what it is in the program: a variable or a literal."""
        operands = iter(self.operands)
        return tuple(
            (one, next(operands) if one.role == OPERAND else self.text_of(one))
            for one in self.row.arguments
            if one.role in (OPERAND, TENSOR, TENSORS) or one.name in self.sample
        )

    def text_of(self, one: FunctionArgument) -> str:
        """An argument in Fortran."""
        if one.role == TENSOR:
            return one.name
        if one.role == TENSORS:
            return "many"
        return argument_text(one, self.sample[one.name])

    @property
    def tensors(self) -> tuple[str, ...]:
        """Variables that are tensors, in the order in which the program reads them."""
        given = []
        for one, text in self.actual:
            if one.role == TENSORS:
                given += ["many(1)", "many(2)"]
            elif one.role in (TENSOR, OPERAND) and text != NUMBER_OPERAND:
                given.append(text)
        return tuple(given)

    @property
    def differentiated(self) -> tuple[str, ...]:
        """Tensors with a gradient."""
        if self.row.no_gradient or self.row.dtype == "bool":
            return ()
        return tuple(name for name in self.tensors if name not in ("mask", "indices"))

    @property
    def call(self) -> str:
        """The arguments in Fortran; by name from the first that was left out."""
        names = [one.name for one in self.row.arguments]
        return ", ".join(
            text if names[place] == one.name else f"{one.name}={text}"
            for place, (one, text) in enumerate(self.actual)
        )

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of a tensor."""
        if name == ROW:
            return SHAPE[-1:]
        if name.startswith("many"):
            name = "tensors"
        return self.row.shapes.get(name, SHAPE)

    def __str__(self) -> str:
        given = "-".join(f"{name}={value}" for name, value in self.sample.items())
        return "-".join(filter(None, [self.row.name, *self.operands, given])).replace(" ", "")


def argument_text(one: FunctionArgument, value: Any) -> str:
    """A value as Fortran writes it."""
    if one.role == DTYPE:
        return next(row.constant for row in DTYPE_ROWS if row.name == value)
    if isinstance(value, tuple):
        return f"[{', '.join(map(str, value))}]"
    if isinstance(value, str):
        return f"'{value}'"
    if isinstance(value, bool | float):
        return fortran_literal(value)
    return str(value)


FUNCTION_CASES = tuple(
    FunctionCase(row=row, operands=operands, sample=sample)
    for row in FUNCTIONS
    for operands in operand_forms(row)
    for sample in function_samples(row)
)
"""Calls of all functions."""


def loss_variants(row: Loss) -> Iterator[dict[str, float | bool | str]]:
    """Arguments of the calls of a loss by name: only what is required, then each other alone."""
    required: dict[str, float | bool | str] = {
        one.name: GIVEN for one in row.tensors if one.is_required
    }
    yield required
    for one in row.tensors:
        if not one.is_required:
            yield {**required, one.name: GIVEN}
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
