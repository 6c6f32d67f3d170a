# SPDX-License-Identifier: MIT
"""Optional arguments that rows describe."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
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
    """Exclusive; the lower bound of a hyperparameter is 0."""
    samples: tuple[float | bool, ...] = ()
    """Values beside the default that tests of a loss compare with PyTorch."""

    @property
    def is_logical(self) -> bool:
        """True for a logical, false for a number."""
        return isinstance(self.default, bool)
