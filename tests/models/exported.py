# SPDX-License-Identifier: MIT
"""Writes the exported programs of the tests, and archives that are none any more."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import networks
import torch
from torch.export import Dim


def export(folder: Path, name: str, model: torch.nn.Module) -> None:
    """Exports one model whose inputs may have any number of rows."""
    inputs = networks.INPUTS[name]()
    rows = Dim("rows", max=100)
    program = torch.export.export(
        model, inputs, dynamic_shapes=tuple({0: rows} for _ in inputs), strict=False
    )
    torch.export.save(program, folder / f"{name}.pt2")


def write_damaged(folder: Path) -> None:
    """Writes a file that is cut short, and one with an operator that does not exist."""
    whole = (folder / "mlp_float32.pt2").read_bytes()
    (folder / "truncated.pt2").write_bytes(whole[: len(whole) // 2])
    with (
        zipfile.ZipFile(folder / "mlp_float32.pt2") as source,
        zipfile.ZipFile(folder / "unknown_operator.pt2", "w") as target,
    ):
        for record in source.infolist():
            content = source.read(record)
            if record.filename.endswith("/models/model.json"):
                program = json.loads(content)
                program["graph_module"]["graph"]["nodes"][1]["target"] = (
                    "torch.ops.lab.fold.default"
                )
                content = json.dumps(program).encode()
            target.writestr(record.filename, content)
