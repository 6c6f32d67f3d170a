# SPDX-License-Identifier: MIT
"""Checks that no MKL of another version comes before the one inside LibTorch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ftorch_tools.testing.doctor.finding import Finding, ok, problem, unknown
from ftorch_tools.testing.doctor.linked import load_order
from ftorch_tools.testing.doctor.subject import Subject

_REMEDY = (
    "LibTorch then calls functions of that MKL with data of its own, and Fourier transforms in a "
    "model crash. Link libtorch_cpu.so itself before MKL, as docs/how-to/link.md shows, or set "
    "LD_PRELOAD to it."
)


def check(subject: Subject) -> Iterator[Finding]:
    """Look at the library and at the programs that were named."""
    library = [subject.library] if subject.is_shared and subject.library else []
    for file in (*library, *subject.programs):
        yield from _of_file(file, is_program=file in subject.programs)


def _of_file(file: Path, is_program: bool) -> Iterator[Finding]:
    names = [path.name for path in load_order(file)]
    torch = next((i for i, name in enumerate(names) if name.startswith("libtorch_cpu.")), None)
    mkl = next((i for i, name in enumerate(names) if name.startswith("libmkl_")), None)
    if torch is None:
        if is_program:
            yield unknown(f"{file} does not load LibTorch")
    elif mkl is None:
        if is_program:
            yield ok(f"{file} has no MKL but that of LibTorch")
    elif mkl < torch:
        yield problem(f"{file} loads {names[mkl]} before LibTorch, which has its own MKL", _REMEDY)
    else:
        yield ok(f"{file} loads LibTorch before {names[mkl]}")
