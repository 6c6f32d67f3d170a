# SPDX-License-Identifier: MIT
"""Which MKL comes first, in programs that are really linked; the libraries are empty ones."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ftorch_tools.testing.doctor import mkl
from ftorch_tools.testing.doctor.finding import State
from ftorch_tools.testing.doctor.subject import Subject


@pytest.fixture(scope="module")
def link(tmp_path_factory):
    """Links a program with these libraries, in this order, and returns it."""
    compiler = shutil.which("cc")
    if not compiler or not shutil.which("ldd"):
        pytest.skip("no C compiler or no ldd")
    folder = tmp_path_factory.mktemp("linked")
    (folder / "empty.c").write_text("int main(void) { return 0; }\n")

    def build(output: str, *arguments: str) -> Path:
        command = [compiler, "-o", folder / output, folder / "empty.c", "-Wl,--no-as-needed"]
        options = [f"-L{folder}", f"-Wl,-rpath,{folder}", *arguments]
        subprocess.run([*command, *options], check=True, cwd=folder)
        return folder / output

    for name in ("torch_cpu", "mkl_rt"):
        build(f"lib{name}.so", "-shared", "-fPIC")
    build("libftorch.so", "-shared", "-fPIC", "-ltorch_cpu")
    return build


@pytest.mark.parametrize(
    ("libraries", "state", "words"),
    [
        (["ftorch", "mkl_rt"], State.PROBLEM, "loads libmkl_rt.so before LibTorch"),
        (["mkl_rt", "ftorch"], State.PROBLEM, "loads libmkl_rt.so before LibTorch"),
        (["ftorch", "torch_cpu", "mkl_rt"], State.OK, "loads LibTorch before libmkl_rt.so"),
        (["ftorch"], State.OK, "has no MKL but that of LibTorch"),
        (["mkl_rt"], State.UNKNOWN, "does not load LibTorch"),
    ],
)
def test_order_of_libraries(link, libraries, state, words) -> None:
    program = link("app", *(f"-l{name}" for name in libraries))
    (finding,) = mkl.check(Subject(programs=[program]))
    assert finding.state is state
    assert words in finding.message
    assert str(program) in finding.message


def test_preloaded_mkl_is_seen_with_the_library(link, monkeypatch) -> None:
    library = link("app").with_name("libftorch.so")
    assert list(mkl.check(Subject(library=library))) == []
    monkeypatch.setenv("LD_PRELOAD", str(library.with_name("libmkl_rt.so")))
    (finding,) = mkl.check(Subject(library=library))
    assert finding.state is State.PROBLEM


def test_command_takes_programs(link, tmp_path) -> None:
    program = link("app", "-lmkl_rt", "-lftorch")
    command = [
        sys.executable,
        "-m",
        "ftorch_tools.testing",
        "doctor",
        "--json",
        "--program",
        program,
    ]
    answer = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert answer.returncode == 1
    (finding,) = json.loads(answer.stdout)["checks"]["mkl"]
    assert finding["state"] == "problem"
    assert "link.md" in finding["remedy"]
