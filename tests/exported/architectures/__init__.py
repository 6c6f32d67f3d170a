# SPDX-License-Identifier: MIT
"""The corpus: networks that researchers use, a family to a file."""

from __future__ import annotations

from importlib import import_module

from architecture import Architecture

FAMILIES = {
    "mlp": "Column by column",
    "convolution": "Convolutions",
    "recurrent": "With memory",
    "attention": "Attention",
    "operator_learning": "Operators between fields",
    "graph": "Graphs",
    "equivariant": "Equivariant",
    "generative": "Distributions",
    "implicit": "Functions of coordinates",
    "normalisation": "Norms",
    "sampling": "Grids to grids",
    "indexing": "Choosing and adding up",
    "arguments": "Arguments and results",
    "control": "Branches, loops and regions",
}
"""Modules and what they hold."""


def rows() -> dict[str, Architecture]:
    """Return all rows by name."""
    found = [row for name in FAMILIES for row in import_module(f"architectures.{name}").ROWS]
    return {row.title: row for row in found}
