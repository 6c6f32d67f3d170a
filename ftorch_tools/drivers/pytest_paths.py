# SPDX-License-Identifier: MIT
"""Finds the files of Python tests."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from ftorch_tools.selection import Selection


def has_tests(folder: Path) -> bool:
    """Return whether `folder` holds a file that pytest would collect."""
    return next(_test_files(folder), None) is not None


def narrow(paths: list[Path], project: Path, selection: Selection) -> list[Path]:
    """Return what of `paths` may hold a test that `selection` selects."""
    if selection.excludes_python:
        return []
    if selection.tests is None:
        return paths
    named = dict.fromkeys(project / test.partition("::")[0] for test in selection.tests)
    kept = []
    for file in named:
        place = file.resolve() if _exists(file) else None
        if place and any(_one_holds_the_other(place, path) for path in paths):
            kept.append(place)
    return kept


def count_tests(paths: list[Path]) -> int:
    """Count test functions roughly: no more workers than that are of use."""
    count = 0
    for path in paths:
        for file in _test_files(Path(str(path).partition("::")[0])):
            text = file.read_text(encoding="utf-8", errors="replace")
            count += len(re.findall(r"^\s*(?:async )?def test", text, re.MULTILINE))
    return count


def _exists(file: Path) -> bool:
    try:
        return file.exists()
    except (OSError, ValueError):  # a name that no file can have
        return False


def _one_holds_the_other(one: Path, other: Path) -> bool:
    return one == other or one in other.parents or other in one.parents


def _test_files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
    for pattern in ("test_*.py", "*_test.py"):
        yield from path.rglob(pattern)
