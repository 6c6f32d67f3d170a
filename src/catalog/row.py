# SPDX-License-Identifier: MIT
"""What tables are made of: rows with named fields, and the arguments that rows describe."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

Row = TypeVar("Row")

if TYPE_CHECKING:
    from typing_extensions import dataclass_transform
else:

    def dataclass_transform(**_: bool) -> Any:
        return lambda decorator: decorator


@dataclass_transform(kw_only_default=True, frozen_default=True)
def row(table: type[Row]) -> type[Row]:
    """A frozen dataclass of named fields, as `kw_only` of Python 3.10: none shifts another."""
    made: Any = dataclass(frozen=True)(table)
    initialize = made.__init__

    @functools.wraps(initialize)
    def by_name(self: Row, **fields: Any) -> None:
        initialize(self, **fields)

    made.__init__ = by_name
    return made  # type: ignore[no-any-return]


@row
class Argument:
    """One optional argument; a number is real64 in the shim and of any kind in Fortran."""

    name: str
    """Name of the Fortran argument."""
    default: float | bool
    """Default, as in PyTorch."""
    doc: str
    """One sentence for the reference."""
    python: str
    """Keyword in PyTorch, with `betas[0]` for an element of a tuple."""
    upper_bound: float | None = None
    """Exclusive; the lower bound is 0."""

    @property
    def is_logical(self) -> bool:
        """True for a logical, false for a number."""
        return isinstance(self.default, bool)
