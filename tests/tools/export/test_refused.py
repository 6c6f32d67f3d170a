# SPDX-License-Identifier: MIT
"""`ftorch-export`: each thing that it refuses, with its exit status, and no file written."""

from __future__ import annotations

import importlib
import os

import numpy as np
import pytest
import torch

from ftorch_tools.export import library as library_module

NET = "networks.py:Net"
BATCH = ("--input", "batch=dynamic,8")
USAGE, FAILED = 2, 1
KINDS = """
import torch
class Mixed(torch.nn.Module):
    calls = 0
    def forward(self, x):
        self.calls += 1
        return x.bfloat16(), x.double() * (1 + 0.001 * self.calls)
class Ints(torch.nn.Module):
    calls = 0
    def forward(self, x):
        self.calls += 1
        return torch.full_like(x, 1000000 + self.calls, dtype=torch.int64)
"""


@pytest.fixture(autouse=True)
def files(folder, monkeypatch):
    monkeypatch.syspath_prepend(folder)
    net = importlib.import_module("networks").Net()
    torch.save(net.state_dict(), "weights.pt")
    torch.save({**net.state_dict(), "other": torch.ones(1)}, "more.pt")
    torch.save({"first.weight": "heavy"}, "texts.pt")
    torch.save(torch.zeros(3, 7), "narrow.pt")
    torch.save(net, "net.pt")
    torch.save(3, "three.pt")
    torch.save((torch.zeros(3, 8), 0.5), "mixed.pt")
    torch.save({1: torch.zeros(3)}, "numbered.pt")
    (folder / "ending.py").write_text("import sys\nsys.exit(0)\n")
    np.savez("other.npz", y=np.zeros((3, 8), "f4"))
    (folder / "damaged.pt").write_bytes(b"\x80\x05 no pickle")
    (folder / "broken.py").write_text("import nowhere_at_all\n")
    (folder / "old.pt2").write_text("old")


@pytest.mark.parametrize(
    ("words", "status", "text"),
    [
        ((NET + "t", *BATCH), USAGE, "networks.py has no Nett; it has Net, Step"),
        (("none.py:Net", *BATCH), USAGE, "none.py: no such file"),
        (("nowhere_at_all:Net", *BATCH), USAGE, "nowhere_at_all cannot be imported"),
        (("broken.py:Net", *BATCH), FAILED, "broken.py fails: ModuleNotFoundError"),
        (("nothing", *BATCH), USAGE, "nothing is neither a file nor of the form"),
        (("networks.py:NUMBER", *BATCH), USAGE, "NUMBER of networks.py is no class, but a int"),
        (("networks.py:zero", *BATCH), USAGE, "makes no torch.nn.Module, but a int"),
        (("networks.py:Failing", *BATCH), FAILED, "cannot be made: ValueError: no weights today"),
        ((NET, "--arg", "x=1", *BATCH), FAILED, "unexpected keyword argument 'x'"),
        ((NET, "--arg", "width=1", "--arg", "8", *BATCH), USAGE, "--arg 8: it has no name"),
        (("damaged.pt", *BATCH), FAILED, "damaged.pt cannot be read: "),
        (("weights.pt", *BATCH), FAILED, "holds no network, but a OrderedDict: name its class"),
        (("net.pt", "--arg", "3", *BATCH), USAGE, "net.pt holds an object, which takes no"),
        (
            (NET, "--weights", "more.pt", *BATCH),
            FAILED,
            'Unexpected key(s) in state_dict: "other"',
        ),
        ((NET, "--weights", "texts.pt", *BATCH), FAILED, "texts.pt holds no state dictionary"),
        ((NET, "--weights", "none.pt", *BATCH), USAGE, "none.pt: no such file"),
        ((NET, "--arg", "7", "--weights", "weights.pt"), FAILED, "size mismatch for first.weight"),
        ((NET,), USAGE, "torch.export needs samples: give --input or --samples"),
        (
            (NET, "--input", "batch=dynamic,7"),
            FAILED,
            "torch.export fails: a and b must have same",
        ),
        ((NET, "--input", "batch=some,8"), USAGE, "'batch=some' is no size; expected sizes and"),
        ((NET, "--input", "batch,8"), USAGE, "'batch' is no size"),
        ((NET, "--input", "n=2..4,n=dynamic"), USAGE, "the sizes of n were others before"),
        ((NET, "--input", "3,8:float33"), USAGE, "PyTorch has no dtype 'float33'"),
        ((NET, "--input", "int:0.5"), USAGE, "'0.5' is no int"),
        ((NET, "--input", "{3"), USAGE, "--input {3: "),
        ((NET, *BATCH, *BATCH), FAILED, "torch.export fails"),
        ((NET, "--samples", "none.npz"), USAGE, "--samples none.npz: no such file"),
        ((NET, "--samples", "damaged.pt"), FAILED, "--samples damaged.pt: "),
        ((NET, "--samples", "narrow.pt", *BATCH), USAGE, "the sample is 3,7:float32"),
        ((NET, "--samples", "weights.pt"), FAILED, "must be Tensor, not dict"),
        ((NET, "--samples", "three.pt"), USAGE, "three.pt: it holds a int, not tensors"),
        ((NET, "--samples", "mixed.pt", *BATCH, "--input", "3"), USAGE, "which is no tensor"),
        ((NET, "--weights", "numbered.pt"), FAILED, "numbered.pt holds no state dictionary"),
        (("ending.py:Net", *BATCH), FAILED, "ending.py fails: SystemExit: 0"),
        (("networks.py:Locked", *BATCH), FAILED, "the network cannot be copied: cannot pickle"),
        ((NET, "--input", "batch=60..2,8"), USAGE, "batch=60..2 leaves no choice"),
        ((NET, "--input", "3,8:qint8"), USAGE, "FTorch has no dtype 'qint8'"),
        ((NET, "--input", "99999999999999999999,8"), USAGE, "is too large for a size"),
        ((NET, *BATCH, "--device", "meta"), USAGE, "--device meta: expected cpu, cuda"),
        ((NET, "--samples", "other.npz"), USAGE, "it has y; the network takes x"),
        ((NET, *BATCH, "--dtype", "float33"), USAGE, "--dtype float33: expected a real dtype"),
        ((NET, *BATCH, "--dtype", "int32"), USAGE, "--dtype int32: expected a real dtype"),
        ((NET, *BATCH, "--device", "gpu"), USAGE, "--device gpu: expected cpu, cuda"),
        ((NET, *BATCH, "--metadata", "units"), USAGE, "--metadata units: expected key=value"),
        ((NET, *BATCH, "--metadata", "a=1", "--metadata", "a=2"), USAGE, "a was given before"),
        ((NET, *BATCH, "--trace"), USAGE, "--trace goes with --format torchscript"),
        ((NET, *BATCH, "--format", "onnx"), USAGE, "onnx"),
        ((NET, *BATCH, "--tolerance", "-1"), USAGE, "--tolerance"),
        ((NET, "--format", "torchscript", "--trace"), USAGE, "torch.jit.trace needs samples"),
    ],
)
def test_refused(words, status, text, export, folder) -> None:
    before = sorted(path.name for path in folder.iterdir())
    answer = export(*words, "--no-library", "--output", "old.pt2")
    assert (answer.exit_code, text in answer.output) == (status, True), answer.output
    assert "Traceback" not in answer.output
    assert (folder / "old.pt2").read_text() == "old"
    after = sorted(path.name for path in folder.iterdir())
    assert [name for name in after if name != "__pycache__"] == before or before == after


def test_difference_past_the_tolerance(export) -> None:
    answer = export("networks.py:Counting", "--input", "n=dynamic,3", "--no-library")
    assert answer.exit_code == FAILED
    lines = answer.output.splitlines()
    assert lines[0] == "Python, samples: equal"
    assert lines[1].endswith("largest relative difference 0.5, past the tolerance 1e-05")
    assert lines[-1] == (
        "ftorch-export: readers of the file compute something else; it was not written"
    )
    words = (
        "networks.py:Counting",
        "--input",
        "n=dynamic,3",
        "--no-library",
        "--tolerance",
        "0.6",
    )
    assert export(*words).exit_code == 0


@pytest.mark.parametrize(
    "words",
    [
        ("net.pt",),
        ("{folder}/net.pt",),
        (NET, "--weights", "net.pt"),
        (NET, "--samples", "net.pt"),
        (NET, "--weights", "linked.pt"),
        (NET, "--output", "networks.py"),
        ("net.pt", "--output", "linked.pt"),
    ],
)
def test_what_is_read_is_not_overwritten(words, export, folder) -> None:
    (folder / "linked.pt").symlink_to("net.pt")
    contents = [(folder / name).read_bytes() for name in ("net.pt", "networks.py")]
    words = [word.format(folder=folder) for word in words]
    answer = export(*words, "--format", "torchscript", *BATCH, "--no-library")
    assert answer.exit_code == USAGE
    assert ": the file that is read would be written" in answer.output
    assert contents == [(folder / name).read_bytes() for name in ("net.pt", "networks.py")]


@pytest.mark.parametrize(
    ("output", "text"),
    [
        ("none/net.pt2", "there is no folder"),
        (".", "expected the name of a file"),
        ("pipe", "pipe: it is no regular file"),
    ],
)
def test_output_that_cannot_be_written(output, text, export, folder) -> None:
    os.mkfifo(folder / "pipe")
    answer = export(NET, *BATCH, "--no-library", "--output", output)
    assert (answer.exit_code, text in answer.output) == (USAGE, True), answer.output
    assert (folder / "pipe").is_fifo()


def test_link_is_followed(export, folder) -> None:
    (folder / "linked.pt2").symlink_to("old.pt2")
    assert export(NET, *BATCH, "--no-library", "--output", "linked.pt2").exit_code == 0
    assert (folder / "linked.pt2").is_symlink()
    assert (folder / "old.pt2").read_bytes()[:2] == b"PK"


def test_each_result_has_its_own_tolerance(export, folder) -> None:
    (folder / "kinds.py").write_text(KINDS)
    for name, text in (
        ("Mixed", "largest relative difference 0.001, past the tolerance 1e-12"),
        ("Ints", "largest relative difference 1e-06, past the tolerance 0"),
    ):
        answer = export(f"kinds.py:{name}", "--input", "b=dynamic,3", "--no-library")
        assert (answer.exit_code, text in answer.output) == (FAILED, True), answer.output
        assert not (folder / f"{name.lower()}.pt2").exists()


def test_no_library_in_sight(export, monkeypatch, folder) -> None:
    monkeypatch.setattr(library_module, "library_prefix", lambda: folder)
    monkeypatch.setenv("PATH", str(folder))
    answer = export(NET, *BATCH)
    assert answer.exit_code == USAGE
    assert "no library of FTorch is in sight" in answer.output


def test_wrong_libraries(export, folder) -> None:
    for words, status, text in (
        (("--library", "none.so"), USAGE, "--library none.so: no such file"),
        (("--prefix", "."), USAGE, "--prefix .: no library of FTorch is installed there"),
        (("--no-library", "--library", "none.so"), USAGE, "goes with neither"),
        (("--library", "old.pt2"), FAILED, "file too short"),
    ):
        answer = export(NET, *BATCH, *words)
        assert (answer.exit_code, text in answer.output) == (status, True), answer.output


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("Net",), "give --model_definition_file, --input_model_file, or both"),
        (("Net", "--model_definition_file", "networks.py", "--test"), "--test needs --input_"),
        (("Net", "--model_definition_file", "networks.py", "--trace"), "needs samples"),
    ],
)
def test_refused_by_pt2ts(words, text, export) -> None:
    answer = export("torchscript", *words)
    assert answer.exit_code == USAGE
    assert text in answer.output
