# SPDX-License-Identifier: MIT
"""Sizes of inputs as they are typed: `batch=dynamic,8:float32`."""

from __future__ import annotations

import ast
import json
import random
import re
from dataclasses import dataclass, field
from typing import Any

from ftorch_tools.errors import UsageError
from ftorch_tools.export.errors import import_torch

FORM = (
    "sizes and a dtype, such as batch=dynamic,8:float32 or level=2..60,batch:float64, "
    "a number, such as float:0.5, or JSON with those in lists and dicts"
)
DTYPES = (
    *("bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32"),
    *("float64", "complex32", "complex64", "complex128"),
)
_NUMBERS = {"float": float, "int": int, "bool": bool}
# The size of the samples, and up to where another is chosen.
_FIRST, _LARGEST = 3, 12
_LARGEST_SIZE = 2**40
_RANGE = re.compile(r"(\d+)\.\.(\d*)")


@dataclass(frozen=True)
class DynamicSize:
    """A size that differs from call to call."""

    name: str
    smallest: int
    largest: int | None

    def within(self, wanted: int) -> int:
        """Return the size nearest to `wanted`."""
        wanted = max(wanted, self.smallest)
        return wanted if self.largest is None else min(wanted, self.largest)


@dataclass(frozen=True)
class TensorSpec:
    """Sizes, of which some have names, and a dtype by its name."""

    sizes: tuple[int | str, ...]
    dtype: str | None

    def __str__(self) -> str:
        return f"{','.join(map(str, self.sizes))}:{self.dtype or 'float32'}"


@dataclass(frozen=True)
class NumberSpec:
    """A plain number."""

    value: float | int | bool


@dataclass
class Sizes:
    """The dynamic sizes of all inputs by name."""

    dynamic: dict[str, DynamicSize] = field(default_factory=dict)
    _avoided: set[int] = field(default_factory=set)

    def parse(self, text: str) -> Any:
        """Return the specification of one input: one `TensorSpec`, or several in a tree."""
        if text[:1] in ("{", "["):
            try:
                return self._parse_tree(json.loads(text))
            except json.JSONDecodeError as error:
                raise UsageError(f"--input {text}: {error}; expected {FORM}") from None
        head, _, tail = text.partition(":")
        if head in _NUMBERS:
            return NumberSpec(_number(text, _NUMBERS[head], tail))
        words = [word.strip() for word in head.split(",")] if head.strip() else []
        sizes = tuple(self._parse_size(text, word) for word in words)
        return TensorSpec(sizes, _check_dtype(text, tail) if tail else None)

    def first(self) -> dict[str, int]:
        """Return the sizes of the samples."""
        taken = set(self._avoided)
        sizes = {}
        for name, one in self.dynamic.items():
            size = one.within(_FIRST)
            while self._avoided and size in taken and one.within(size + 1) != size:
                size += 1
            taken.add(size)
            sizes[name] = size
        return sizes

    def avoid(self, sizes: set[int]) -> None:
        """Make the samples' dynamic sizes differ from these, and from each other."""
        self._avoided = sizes | {0, 1}

    def other(self) -> dict[str, int]:
        """Return random sizes other than the first where there are such."""
        chosen = {}
        for name, one in self.dynamic.items():
            first = self.first()[name]
            largest = max(one.smallest, _LARGEST)
            largest = largest if one.largest is None else min(largest, one.largest)
            choices = [n for n in range(max(one.smallest, 1), largest + 1) if n != first]
            chosen[name] = random.choice(choices) if choices else first
        return chosen

    def of_torch(self) -> dict[str, Any]:
        """Return the dimensions that torch.export takes."""
        dim = import_torch().export.Dim
        return {
            name: dim(name, min=one.smallest, max=one.largest)
            for name, one in self.dynamic.items()
        }

    def _parse_tree(self, tree: Any) -> Any:
        if isinstance(tree, dict):
            return {name: self._parse_tree(one) for name, one in tree.items()}
        if isinstance(tree, list):
            return [self._parse_tree(one) for one in tree]
        return self.parse(tree) if isinstance(tree, str) else NumberSpec(tree)

    def _parse_size(self, text: str, word: str) -> int | str:
        if word.isdecimal():
            if int(word) > _LARGEST_SIZE:
                raise UsageError(f"--input {text}: {word} is too large for a size")
            return int(word)
        name, equals, sizes = word.partition("=")
        if not equals and name in self.dynamic:
            return name
        limits = _RANGE.fullmatch(sizes)
        if not name.isidentifier() or (sizes != "dynamic" and limits is None):
            raise UsageError(f"--input {text}: '{word}' is no size; expected {FORM}")
        smallest = int(limits[1]) if limits else 1
        largest = int(limits[2]) if limits and limits[2] else None
        if largest is not None and largest <= smallest:
            raise UsageError(
                f"--input {text}: {word} leaves no choice; expected a range such as 2..60"
            )
        size = DynamicSize(name, smallest, largest)
        if self.dynamic.setdefault(name, size) != size:
            raise UsageError(f"--input {text}: the sizes of {name} were others before")
        return name


def _check_dtype(text: str, name: str) -> str:
    torch = import_torch()
    dtype = getattr(torch, name, None)
    if not isinstance(dtype, torch.dtype):
        raise UsageError(f"--input {text}: PyTorch has no dtype '{name}'")
    if name not in DTYPES:
        raise UsageError(
            f"--input {text}: FTorch has no dtype '{name}'; it has {', '.join(DTYPES)}"
        )
    return name


def _number(text: str, kind: type, value: str) -> Any:
    try:
        found = ast.literal_eval(value.strip().capitalize() if kind is bool else value)
    except (ValueError, SyntaxError):
        found = None
    if not isinstance(found, (bool, int, float)) or (
        kind is not float and type(found) is not kind
    ):
        raise UsageError(f"--input {text}: '{value}' is no {kind.__name__}")
    return kind(found)
