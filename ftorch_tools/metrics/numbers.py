# SPDX-License-Identifier: MIT
"""Reads numbers as Fortran writes them."""

from __future__ import annotations

import re

_LARGEST_STEP = 2**63
# An exponent of three digits pushes the letter out of the field: 1.0-100.
_NUMBER = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))(?:[EeDdQq]([+-]?\d+)|([+-]\d+))?", re.ASCII)
_NOT_FINITE = re.compile(r"[+-]?(?:inf(?:inity)?|nan(?:\(\w*\))?)", re.ASCII | re.IGNORECASE)


def read_step(field: str) -> int:
    """Return the integer in `field`; raise `ValueError` when there is none, or too large a one."""
    if not re.fullmatch(r"\s*[+-]?\d+\s*", field, re.ASCII):
        raise ValueError("an integer")
    # Python refuses to read very long ones.
    step = int(field) if len(field) < 100 else _LARGEST_STEP
    if not -_LARGEST_STEP <= step < _LARGEST_STEP:
        raise ValueError("an integer of 64 bits")
    return step


def read_number(field: str) -> float | None:
    """Return the number in `field`; None when it is missing: empty, or asterisks.

    Fortran writes asterisks for a number that its format is too narrow for. Raise `ValueError`
    when it is anything else.
    """
    text = field.strip()
    if not text.strip("*"):
        return None
    if found := _NUMBER.fullmatch(text):
        return float(f"{found[1]}e{found[2] or found[3] or 0}")
    if _NOT_FINITE.fullmatch(text):
        return float(text.partition("(")[0])
    raise ValueError("a number")
