# SPDX-License-Identifier: MIT
"""Checks that a program with FTorch has one OpenMP runtime."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from ftorch_tools.testing.doctor.finding import Finding, ok, problem
from ftorch_tools.testing.doctor.subject import Subject

_RUNTIME = re.compile(r"lib(gomp|omp|iomp5|nvomp|craymp)\b")


def check(subject: Subject) -> Iterator[Finding]:
    """Yield the OpenMP runtimes that the dynamic loader loads with the library."""
    if not subject.is_shared:
        return
    places = [path for path in subject.linked.libraries.values() if _RUNTIME.match(path.name)]
    runtimes = sorted({os.path.realpath(path) for path in places})
    if not runtimes:
        yield ok("no OpenMP runtime")
    elif len(runtimes) == 1:
        yield ok(f"one OpenMP runtime: {runtimes[0]}")
    else:
        yield problem(
            f"{len(runtimes)} OpenMP runtimes are loaded at once: {', '.join(runtimes)}",
            "Each starts its own threads, and a program may hang. Take them out of LD_PRELOAD and "
            "LD_LIBRARY_PATH, or build FTorch with the compiler whose OpenMP LibTorch uses.",
        )
