# SPDX-License-Identifier: MIT
"""Kinds of arguments that the shim takes in boxes, for functions and for operators by name."""

from __future__ import annotations

_PLACES = (
    ("none", "left out"),
    ("tensor", "data is its handle"),
    ("tensors", "data is the first of `size` handles"),
    ("number", "number is it"),
    ("complex", "number.real and imaginary are its parts"),
    ("logical", "number.integer is 0 or 1"),
    ("text", "data is the first of `size` characters"),
    ("integers", "data is the first of `size` integers of eight bytes"),
    ("reals", "data is the first of `size` reals of eight bytes"),
    ("logicals", "data is the first of `size` integers of eight bytes, 0 or 1"),
    ("dtype", "number.integer is a code of the catalog"),
)

KINDS = tuple((code, name, place) for code, (name, place) in enumerate(_PLACES))
"""Code, name, and where the value stands."""
