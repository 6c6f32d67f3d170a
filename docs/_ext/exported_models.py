# SPDX-License-Identifier: MIT
"""The tables of the page on exported models, of what tests/exported/write_table.py measured."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

Table = tuple[Sequence[str], Iterable[Sequence[str]]]
MEASURED = Path(__file__).resolve().parents[1] / "reference/exported_models.json"


def corpus_table() -> Table:
    """Networks of the corpus, the family before the first of its rows."""
    rows = json.loads(MEASURED.read_text(encoding="utf-8"))["corpus"]
    families = ["", *(row["family"] for row in rows)]
    header = ("Family", "Network", "What it is", "Parameters", "Nodes", "Sizes", "Against PyTorch")
    return header, (
        (family if family != before else "", f"`{row['name']}`", row["meaning"], *numbers(row))
        for before, family, row in zip(families, families[1:], rows)
    )


def third_party_table() -> Table:
    """Networks of packages."""
    rows = json.loads(MEASURED.read_text(encoding="utf-8"))["third parties"]
    header = ("Package and network", "Parameters", "Nodes", "Sizes", "Against PyTorch")
    return header, ((row["name"], *numbers(row)) for row in rows)


def numbers(row: dict[str, Any]) -> tuple[str, ...]:
    """Return the cells that both tables have."""
    sizes = "dynamic" if row["has_dynamic_sizes"] else "fixed"
    return str(row["parameters"]), str(row["operators"]), sizes, result(row)


def result(row: dict[str, Any]) -> str:
    """Say how the results compare."""
    if row["problems"]:
        return "fails: " + "; ".join(row["problems"])
    if not row["largest"]:
        return "equal to the last bit"
    return f"within {row['largest']:.2g}: {row['inexact']}"
