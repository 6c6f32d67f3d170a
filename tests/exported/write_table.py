# SPDX-License-Identifier: MIT
"""Writes what the documentation says of exported models: `write_table.py [FOLDER OF PACKAGES]`.

FTORCH_LIBRARY names the library. Without the folder, rows of third parties stay as they are.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "shim"))

import architectures
import third_party
import torch
from architecture import Architecture
from comparison import Comparison

TABLE = Path(__file__).resolve().parents[2] / "docs/reference/exported_models.json"


def describe(row: Architecture) -> dict[str, Any]:
    """Run one network, and return its row of the table."""
    with tempfile.TemporaryDirectory() as folder:
        comparison = Comparison(row, Path(folder))
        outcome = comparison.run()
        graph = torch.export.load(comparison.file).graph
    print(row.title, outcome.largest, *outcome.problems)
    return {
        "name": row.title,
        "meaning": row.meaning,
        "parameters": sum(one.numel() for one in comparison.eager.module.parameters()),
        "operators": sum(node.op == "call_function" for node in graph.nodes),
        "has_dynamic_sizes": row.dynamic is not None,
        "largest": float(f"{outcome.largest:.2g}"),
        "inexact": row.inexact,
        "problems": outcome.problems,
    }


def lines(table: dict[str, list[dict[str, Any]]]) -> str:
    """JSON with a line for each network."""
    parts = [
        f"{json.dumps(name)}: [\n"
        + ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
        + "\n]"
        for name, rows in table.items()
    ]
    return "{" + ",\n".join(parts) + "}\n"


def main(packages: list[str]) -> None:
    """Write the table."""
    table = json.loads(TABLE.read_text()) if TABLE.exists() else {}
    titles = architectures.FAMILIES
    rows = architectures.rows().values()
    table["corpus"] = [{"family": titles[row.family], **describe(row)} for row in rows]
    if packages:
        sys.path += packages
        third_party.stand_in_for_torchvision()
        table["third parties"] = [describe(row) for row in third_party.rows().values()]
    TABLE.write_text(lines(table), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
