# SPDX-License-Identifier: MIT
"""`ftorch-export inspect`: what it tells of files, and of what is no such file."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
import torch

from ftorch_tools.export.contents import plain_expression

ODD = """
import torch
class Odd(torch.nn.Module):
    def forward(self, mask, kind, x):
        return torch.relu(x) if kind == "relu" else x
"""
FIELDS = '{"now": "batch=2..6,3:float32", "mask": "batch,1"}'


def test_all_that_a_file_holds(export, by_library) -> None:
    words = ("--metadata", "units=m s-1", "--no-library")
    assert (
        export("networks.py:Step", "--input", FIELDS, "--input", "float:0.5", *words).exit_code
        == 0
    )
    answer = export("inspect", "step.pt2", *by_library)
    assert answer.exit_code == 0, answer.output
    lines = answer.output.splitlines()
    assert lines[0].startswith(f"exported by PyTorch {torch.__version__}, schema 8.")
    symbol = lines[2].split("[")[1].split(",")[0]
    assert lines[1:] == [
        "inputs: 3",
        f"  fields_now float32 [{symbol}, 3]",
        f"  fields_mask float32 [{symbol}, 1]",
        "  dt a number always 0.5",
        f"  where {symbol} is 2 to 6",
        *(line for line in lines if line.startswith("  where fields")),
        "results: 1",
        f"  add float32 [{symbol}, 3]",
        "parameters, 12 numbers: 2",
        "  layer.weight float32 [3, 3]",
        "  layer.bias float32 [3]",
        "buffers: none",
        "operators: 3",
        "  aten.add.Tensor × 1",
        "  aten.linear.default × 1",
        "  aten.mul.Tensor × 2",
        "metadata:",
        "  units = m s-1",
        "FTorch loads it, and knows all operators",
    ]


def test_unknown_operator(export, by_library, folder) -> None:
    words = ("networks.py:Net", "--input", "batch=dynamic,8", "--no-library")
    assert export(*words).exit_code == 0
    rename_operator(folder / "net.pt2", "aten.tanh.default", "aten.tangent.default")
    answer = export("inspect", "net.pt2", *by_library)
    assert answer.exit_code == 1
    assert "  aten.tangent.default × 1, unknown" in answer.output.splitlines()
    assert "FTorch does not load it: " in answer.output


def rename_operator(file: Path, old: str, new: str) -> None:
    """Change the graph of an archive whose records stay where they are aligned."""
    with zipfile.ZipFile(file) as archive:
        records = {info: archive.read(info) for info in archive.infolist()}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for info, content in records.items():
            if info.filename.endswith("models/model.json"):
                content = content.replace(old.encode(), new.encode())
            archive.writestr(info.filename, content)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "it is no archive, or damaged"),
        (b"PK\x03\x04 and no more", "it is no archive, or damaged"),
        ({}, "it holds no exported program"),
        ({"m/models/model.json": "{}"}, "its description of the graph is damaged"),
        ({"m/models/model.json": "[" * 50}, "its description of the graph is damaged"),
        ({"m/constants.pkl": "x"}, "it is TorchScript"),
    ],
)
def test_what_is_no_exported_program(content, text, export, folder) -> None:
    file = folder / "strange.pt2"
    if isinstance(content, bytes):
        file.write_bytes(content)
    else:
        with zipfile.ZipFile(file, "w") as archive:
            for name, record in content.items():
                archive.writestr(name, record)
    answer = export("inspect", "strange.pt2", "--no-library")
    assert (answer.exit_code, text in answer.output) == (1, True), answer.output


def test_missing_file(export) -> None:
    answer = export("inspect", "none.pt2", "--no-library")
    assert (answer.exit_code, answer.output) == (2, "ftorch-export: none.pt2: no such file\n")


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Symbol('s77', positive=True, integer=True)", "s77"),
        ("Mul(Integer(2), Symbol('s77', positive=True, integer=True))", "2 * s77"),
        ("Add(Mul(Integer(-1), Symbol('s1', integer=True)), Integer(3))", "-1 * s1 + 3"),
        ("FloorDiv(Symbol('s0', positive=True), Integer(2))", "s0 // 2"),
        (
            "Add(FloorDiv(Add(Symbol('s53'), Integer(-1)), Integer(2)), Integer(1))",
            "(s53 + -1) // 2 + 1",
        ),
        ("Pow(Mul(Integer(2), Symbol('s0')), Integer(2))", "(2 * s0) ** 2"),
        ("Max(Integer(1), Symbol('u0'))", "Max(1, u0)"),
    ],
)
def test_expressions(text, plain) -> None:
    assert plain_expression(text) == plain


def test_metadata_is_json_of_texts(export) -> None:
    words = ("--metadata", " levels =60", "--no-library")
    assert export("networks.py:Net", "--input", "n=dynamic,8", *words).exit_code == 0
    with zipfile.ZipFile("net.pt2") as archive:
        assert json.loads(archive.read("net/extra/ftorch_metadata.json")) == {"levels": "60"}


def test_arguments_that_are_no_numbers(export, folder) -> None:
    (folder / "odd.py").write_text(ODD)
    torch.save((None, "relu", torch.ones(2)), "odd.pt")
    answer = export("odd.py:Odd", "--samples", "odd.pt", "--no-library")
    assert answer.exit_code == 0, answer.output
    lines = export("inspect", "odd.pt2", "--no-library").output.splitlines()
    assert lines[1:3] == ["inputs: 1", "  x float32 [2]"]
