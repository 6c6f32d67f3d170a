# SPDX-License-Identifier: MIT
"""Asks whether a Fortran compiler can read the modules of FTorch, and who wrote them."""

from __future__ import annotations

import gzip
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ftorch_tools.command import call

_PROGRAM = "program probe\n  use ftorch\nend program probe\n"
_SECONDS = 60.0
_HEAD_BYTES = 400


def why_unreadable(compiler: Sequence[str], modules: Path) -> str | None:
    """Compile a program that uses the modules in the folder `modules`.

    Return None when that works, or else what the compiler says; raise `CommandError` when it
    cannot be started.
    """
    with tempfile.TemporaryDirectory(prefix="ftorch-probe-") as name:
        folder = Path(name)
        (folder / "probe.f90").write_text(_PROGRAM, encoding="ascii")
        answer = call(*compiler, "-c", f"-I{modules}", "probe.f90", cwd=folder, timeout=_SECONDS)
    return None if answer.code == 0 else _essence(answer.err + answer.out) or answer.message


def module_format(file: Path) -> str:
    """Return in a few words which compiler wrote the module in `file`, as far as it says so."""
    with file.open("rb") as stream:
        head = stream.read(_HEAD_BYTES)
    if head.startswith(b"\x1f\x8b"):
        with gzip.open(file) as unpacked:
            head = unpacked.read(_HEAD_BYTES)
    text = head.decode("utf-8", "replace").lstrip("\ufeff")
    gfortran = re.match(r"GFORTRAN module version '(\w+)'", text)
    flang = re.match(r"!mod\$ (v\d+)", text)
    if gfortran:
        return f"gfortran, module version {gfortran.group(1)}"
    if flang:
        return f"flang, module format {flang.group(1)}"
    printable = re.match(r"[ -~]{8,60}", text)
    return f"a compiler that begins it with {printable.group()!r}" if printable else "unknown"


def _essence(text: str) -> str | None:
    """Return the line of a compiler's output that names the error, best one about modules."""
    errors = [line.strip() for line in text.splitlines() if re.search(r"\berror\b", line, re.I)]
    about_modules = [line for line in errors if re.search(r"\bmod(ule)?\b", line, re.I)]
    return next(iter(about_modules + errors), None)
