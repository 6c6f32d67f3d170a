# SPDX-License-Identifier: MIT
"""Arguments that rows describe."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Argument:
    """One argument; a number is real64 in the shim and of any kind in Fortran."""

    name: str
    """Name of the Fortran argument."""
    default: float | bool | str | None = None
    """Default, as in PyTorch; without one the argument must be given."""
    doc: str
    """One sentence for the reference."""
    python: str
    """Keyword in PyTorch, with `betas[0]` for an element of a tuple."""
    upper_bound: float | None = None
    """Exclusive; the lower bound of a hyperparameter of an optimizer is 0."""
    choices: tuple[str, ...] = ()
    """What a text may be; the shim gets its index."""
    samples: tuple[float | bool, ...] = ()
    """Values beside the default that tests of a loss compare with PyTorch."""

    @property
    def is_logical(self) -> bool:
        """True for a logical, false for a number or a text."""
        return isinstance(self.default, bool)

    @property
    def is_whole(self) -> bool:
        """True for a whole number."""
        return isinstance(self.default, int) and not self.is_logical

    @property
    def default_value(self) -> float:
        """The default as the shim takes it; 0 for what must be given."""
        if isinstance(self.default, str):
            return float(self.choices.index(self.default))
        return float(self.default or 0)
