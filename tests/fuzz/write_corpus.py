# SPDX-License-Identifier: MIT
"""Writes what libFuzzer begins with: `python tests/fuzz/write_corpus.py FOLDER`.

`FOLDER/archive` gets files of torch.export, with checksums of 0, which is how PyTorch says that
there are none, since a changed byte would get no further than a checksum. `FOLDER/program` gets
the JSON records of these files.
"""

from __future__ import annotations

import json
import struct
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch._higher_order_ops.scan import scan


class Branches(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cond(x.sum() > 0, lambda y: y + 1, lambda y: y - 1, (x,))


class Summed(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return scan(lambda h, row: (h + row, h * row), x[0], x)[1]


class Counting(nn.Module):
    """Buffers, a dictionary of results, constants, sizes of symbols."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(2)
        self.drop = nn.Dropout(0.1)

    def forward(self, x: torch.Tensor, factor: float) -> dict[str, Any]:
        y = self.drop(self.norm(x)) * torch.tensor([1.0, 2.0]) * factor
        return {"y": y.reshape(-1), "n": x.shape[0] * 2, "none": None}


def samples() -> dict[str, tuple[nn.Module, tuple[Any, ...], Any]]:
    """Networks with what they are exported with: arguments and dynamic sizes."""
    batch = torch.export.Dim("batch", min=2, max=100)
    x = torch.ones(4, 2)
    return {
        "relu": (nn.ReLU(), (x,), None),
        "mlp": (nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1)), (x,), ({0: batch},)),
        "counting": (Counting(), (x, 2.0), ({0: batch}, None)),
        "branches": (Branches(), (x,), None),
        "summed": (Summed(), (x,), None),
        "gru": (nn.GRU(2, 2), (x,), None),
    }


def without_checksums(data: bytes) -> bytes:
    """The archive with checksums of 0 in its directory."""
    changed = bytearray(data)
    place = changed.find(b"PK\x01\x02")
    while place >= 0:
        struct.pack_into("<I", changed, place + 16, 0)
        place = changed.find(b"PK\x01\x02", place + 46)
    return bytes(changed)


def json_records(path: Path) -> dict[str, Any]:
    """By their names within the archive's folder."""
    with zipfile.ZipFile(path) as archive:
        return {
            name.split("/", 1)[1]: json.loads(archive.read(name))
            for name in archive.namelist()
            if name.endswith(".json")
        }


def main(folder: Path) -> None:
    for part in ("archive", "program"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch, "model.pt2")
        for name, (network, arguments, dynamic) in samples().items():
            program = torch.export.export(network, arguments, dynamic_shapes=dynamic, strict=False)
            program._example_inputs = None
            torch.export.save(program, path)
            (folder / "archive" / name).write_bytes(without_checksums(path.read_bytes()))
            (folder / "program" / name).write_text(json.dumps(json_records(path)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
