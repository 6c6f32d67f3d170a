# SPDX-License-Identifier: MIT
"""`ftorch-export --format aoti`: what is written, what is told, and what is refused."""

from __future__ import annotations

import json
import platform
import zipfile
from pathlib import Path

import pytest
import torch

WORDS = ("networks.py:Net", "--input", "batch=dynamic,8", "--format", "aoti")


def test_the_faster_variant_is_written_and_told(export, by_library, folder: Path) -> None:
    result = export(*WORDS, "-o", "net.pt2", "--metadata", "units=K", *by_library)
    assert result.exit_code == 0, result.output
    assert "FTorch, samples" in result.output
    assert "a call" in result.output
    assert ("variant frozen" in result.output) != ("variant plain, whose" in result.output)
    assert (folder / "net.pt2").exists()


@pytest.mark.skipif(platform.machine() != "x86_64", reason="a name for x86-64")
def test_the_least_processor_is_no_more_than_its_name(export, by_library, folder: Path) -> None:
    """This one may have matrices and bfloat16 besides, which others of the name have not."""
    words = (*WORDS, "--variant", "plain", "--march", "x86-64-v4", "-o", "net.pt2")
    result = export(*words, *by_library)
    if not torch.cpu._is_avx512_supported():
        assert result.exit_code == 2
        assert "this processor cannot" in result.output
        return
    assert result.exit_code == 0, result.output
    with zipfile.ZipFile(folder / "net.pt2") as archive:
        texts = {name: archive.read(name) for name in archive.namelist() if ".so" not in name}
    (metadata,) = (one for name, one in texts.items() if name.endswith(".wrapper_metadata.json"))
    assert json.loads(metadata)["AOTI_CPU_ISA"] == "AVX512"
    commands = b"".join(texts.values())
    assert b"-mavx512f" in commands
    assert not any(one in commands for one in (b"-mamx", b"-mavx512bf16", b"-mavx512vnni"))


def test_dicts_and_numbers(export, by_library, folder: Path) -> None:
    fields = '{"now": "batch=dynamic,3", "mask": "batch,3"}'
    result = export(
        *("networks.py:Step", "--input", fields, "--input", "float:0.5", "--format", "aoti"),
        *("--variant", "plain", *by_library),
    )
    assert result.exit_code == 0, result.output
    assert "FTorch, batch" in result.output
    assert (folder / "step.pt2").exists()


def test_what_a_pass_leaves_in_buffers_is_compared(export, folder: Path) -> None:
    words = ("networks.py:Delay", "--input", "5,4", "--no-library", "-o", "delay.pt2")
    result = export(*words, "--format", "aoti", "--variant", "plain")
    assert result.exit_code == 1, result.output
    assert "Python, samples once more: largest relative difference" in result.output
    assert not (folder / "delay.pt2").exists()
    result = export(*words)
    assert result.exit_code == 0, result.output
    assert "Python, samples once more: equal" in result.output


def test_a_package_of_others_is_specified(export, by_library, folder: Path) -> None:
    result = export("networks.py:Net", "--input", "batch=dynamic,8", "-o", "p.pt2", "--no-library")
    assert result.exit_code == 0, result.output
    program = torch.export.load("p.pt2")
    with torch.no_grad():
        torch._inductor.aoti_compile_and_package(
            program, package_path=str(folder / "raw.pt2"), inductor_configs={"cpp.simdlen": 256}
        )
    result = export("specify", "raw.pt2", "--program", "p.pt2", "-o", "net.pt2")
    assert result.exit_code == 0, result.output
    from ftorch_tools.export.library import Library

    x = torch.randn(4, 8)
    with torch.no_grad():
        expected = program.module()(x)
    ((got,),) = Library(Path(by_library[1])).run(folder / "net.pt2", [([x], [expected])])
    assert torch.allclose(got, expected, atol=1e-6)
    other = torch.export.export(torch.nn.Linear(8, 4), (torch.randn(2, 8),))
    torch.export.save(other, "other.pt2")
    result = export("specify", "raw.pt2", "--program", "other.pt2", "-o", "no.pt2")
    assert result.exit_code == 1
    assert "it is another" in result.output
    result = export("specify", "p.pt2", "--program", "p.pt2", "-o", "no.pt2")
    assert result.exit_code == 1
    assert "no package of AOTInductor" in result.output
    assert not (folder / "no.pt2").exists()


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("--variant", "plain"), "--format aoti"),
        (("--march", "x86-64-v3"), "--format aoti"),
        (("--format", "aoti", "--march", "z80"), "--march z80"),
        (("--format", "aoti", "--device", "cuda"), "cpu alone"),
        (("--format", "aoti", "--train", "--variant", "frozen"), "--train"),
        (("--format", "aoti", "-o", "net.pt"), "ends in .pt2"),
    ],
)
def test_wrong_options(words, text: str, export, folder: Path) -> None:
    result = export("networks.py:Net", "--input", "batch=dynamic,8", "--no-library", *words)
    assert result.exit_code == 2
    assert text in result.output
    assert not list(folder.glob("*.pt*"))


def test_samples_are_needed(export) -> None:
    result = export("networks.py:Net", "--format", "aoti", "--no-library")
    assert result.exit_code == 2
    assert "--input or --samples" in result.output


def test_a_missing_compiler(export, folder: Path) -> None:
    from torch._inductor import config

    # Not by monkeypatch, which takes this proxy for a class and leaves it without the entry.
    with config.patch({"cpp.cxx": (None, str(folder / "no-compiler"))}):
        result = export(*WORDS, "--no-library")
    assert result.exit_code != 0
    text = str(result.exception) + result.output
    assert "needs a C++ compiler" in text
    assert "CXX" in text
    assert not list(folder.glob("*.pt2"))
