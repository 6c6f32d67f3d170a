# SPDX-License-Identifier: MIT
"""Random expressions of all functions, as Fortran statements and as values of PyTorch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from catalog.functions import (
    DIM,
    DTYPE,
    FLAG,
    FUNCTIONS,
    INDICES,
    INTEGER,
    INTEGERS,
    NUMBER,
    OPERAND,
    TENSOR,
    TENSORS,
    TEXT,
    Function,
    FunctionArgument,
)

DEPTH = 6
ROWS = [
    row
    for row in FUNCTIONS
    if not row.results
    and row.name != "gather"
    and not {TENSORS, TEXT} & {one.role for one in row.arguments}
]
LEAVES = {
    "a": (3, 4),  # a whole array
    "b": (4,),
    "c": (3, 4),  # a section with strides
    "d": (3, 4),  # two tensors over one array
    "e": (3, 4),
    "n": (),
}
DIFFERENTIATED = ("a", "b", "c", "n")
LARGEST = 1e6
"""Where numbers or gradients are larger, rounding would be compared."""


@dataclass
class Expression:
    """Statements that come before, the Fortran expression, and its value."""

    text: str
    value: Any
    statements: list[str] = field(default_factory=list)
    call: str = ""
    """The statement that writes the value to a variable."""


class Generator:
    """Makes expressions over the leaves."""

    def __init__(self, random: np.random.Generator, leaves: dict[str, torch.Tensor]) -> None:
        self.random = random
        self.leaves = leaves
        self.attached = 0

    def tree(self, depth: int) -> Expression:
        """An expression of at most this depth."""
        if depth == 0 or self.random.random() < 0.1:
            name = str(self.random.choice(list(LEAVES)))
            return Expression(name, self.leaves[name])
        while True:
            found = self.attempt(ROWS[int(self.random.integers(len(ROWS)))], depth)
            if found:
                return self.perhaps_attached(found)

    def attempt(self, row: Function, depth: int) -> Expression | None:
        """A call of a function on random arguments, if PyTorch takes them."""
        arguments = []
        first = None
        for one in row.arguments:
            made = self.argument(one, row, depth, first)
            first = first or made
            arguments.append(made)
        if all(not isinstance(one.value, torch.Tensor) for one in arguments):
            return None
        values = {one.name: made.value for one, made in zip(row.arguments, arguments)}
        tensors = [one for one in values.values() if isinstance(one, torch.Tensor)]
        if not row.symbol:
            values = {name: as_operand(row, name, one, tensors[0]) for name, one in values.items()}
        try:
            value = eval(row.reference, {"torch": torch}, values)
        except (RuntimeError, IndexError, TypeError, NotImplementedError):
            return None
        if not is_sound(row, values, value):
            return None
        statements = [line for one in arguments for line in one.statements]
        given = ", ".join(one.text for one in arguments if one.text)
        call = f"call torch_tensor_{row.name}({{}}, {given})"
        return Expression(self.text(row, arguments), value, statements, call)

    def argument(
        self, one: FunctionArgument, row: Function, depth: int, first: Expression | None
    ) -> Expression:
        """A tensor or a number, or what else the argument is."""
        if one.role == OPERAND and self.random.random() < 0.2:
            number = round(float(self.random.uniform(0.2, 2.0)), 3)
            return Expression(f"{number}_real64", number)
        if one.role in (TENSOR, OPERAND):
            return self.tree(depth - 1)
        if one.is_optional and self.random.random() < 0.4:
            return Expression("", one.default)
        rank = first.value.dim() if first and isinstance(first.value, torch.Tensor) else 1
        return self.plain(one, row, rank, first)

    def plain(
        self, one: FunctionArgument, row: Function, rank: int, first: Expression | None
    ) -> Expression:
        """An argument that is no tensor."""
        named = f"{one.name}=" if one.is_optional else ""
        if one.role == DIM:
            dim = int(self.random.integers(1, max(rank + one.rank.endswith("+ 1"), 1) + 1))
            return Expression(f"{named}{dim}", dim - 1)
        if one.role == FLAG:
            return Expression(f"{named}.true.", True)
        if one.role == NUMBER:
            number = round(float(self.random.uniform(0.1, 0.9)), 3)
            return Expression(f"{named}{number}_real64", number)
        if one.role == INTEGER:
            number = int(self.random.integers(1, 3))
            return Expression(str(number), number)
        if one.role == DTYPE:
            return Expression("torch_kFloat64", torch.float64)
        if one.role == INDICES:
            return Expression("[2, 1]", (2, 1))
        assert one.role == INTEGERS, one
        shape = list(first.value.shape) if first else [1]
        numbers = [int(i) for i in self.random.permutation(shape)]
        if one.name == "order":
            numbers = [int(i) + 1 for i in self.random.permutation(rank)]
        if row.name == "expand":
            numbers = [2, *shape]
        text = ", ".join(map(str, numbers))
        return Expression(f"[{text}]" if numbers else "[integer ::]", numbers)

    def text(self, row: Function, arguments: list[Expression]) -> str:
        """One of the spellings of a call."""
        given = [one.text for one in arguments if one.text]
        spellings = [f"torch_{row.name}({', '.join(given)})"]
        if row.intrinsic:
            spellings.append(f"{row.intrinsic}({', '.join(given)})")
        if row.symbol:
            spellings = [
                f"({f' {row.symbol} '.join(given) if given[1:] else row.symbol + given[0]})"
            ]
        return str(self.random.choice(spellings))

    def perhaps_attached(self, made: Expression) -> Expression:
        """Now and then the value goes by way of a tensor over an array."""
        fits = made.value.shape == (3, 4) and made.value.dtype == torch.float64
        if not fits or self.random.random() > 0.25 or self.attached == 3:
            return made
        self.attached += 1
        name = f"t{self.attached}"
        line = f"{name} = {made.text}"
        if self.random.random() < 0.5:
            line = made.call.format(name)
        return Expression(name, made.value, [*made.statements, line])


def as_operand(row: Function, name: str, value: Any, beside: torch.Tensor) -> Any:
    """A number as PyTorch's functions of two tensors take it."""
    role = next(one.role for one in row.arguments if one.name == name)
    if role != OPERAND or isinstance(value, torch.Tensor):
        return value
    return torch.tensor(value, dtype=torch.result_type(beside, value))


def is_sound(row: Function, values: dict[str, Any], value: torch.Tensor) -> bool:
    """False where FTorch is stricter than PyTorch, and where numbers say nothing."""
    x = values.get("x")
    if values.get("dim") is not None and isinstance(x, torch.Tensor) and x.dim() == 0:
        return row.name in ("unsqueeze", "spread")
    if row.name in ("maxloc", "minloc", "cshift") and x.dim() == 0:
        return False
    if row.name == "transpose" and x.dim() != 2:
        return False
    logical = row.dtype == "bool" or row.name == "merge"
    mask = values.get("mask", values.get("x"))
    if logical and mask.dtype != torch.bool:
        return False
    if row.dtype == "bool" and "y" in values and values["y"].dtype != torch.bool:
        return False
    if row.name in ("maxloc", "minloc") and values["dim"] is None and values["keepdim"]:
        return False
    if row.name == "aimag" or value.numel() == 0 or value.numel() > 2000 or value.dim() > 5:
        return False
    numbers = value.detach().double()
    return bool(torch.isfinite(numbers).all() and (numbers.abs() < LARGEST).all())
