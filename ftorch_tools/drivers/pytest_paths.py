# SPDX-License-Identifier: MIT
"""Finds the files of Python tests, and names them to pytest."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from ftorch_tools.selection import Selection


def find_paths(given: Sequence[Path], project: Path, selection: Selection) -> list[Path]:
    """Return what may hold a test that `selection` selects, of `given` or of the project."""
    if selection.excludes_python:
        return []
    default = project / "tests"
    paths = list(given) or ([default] if _has_tests(default) else [])
    if selection.tests is None:
        return paths
    named = dict.fromkeys(project / test.partition("::")[0] for test in selection.tests)
    kept = []
    for file in named:
        place = file.resolve() if _exists(file) else None
        if place and any(_one_holds_the_other(place, path) for path in paths):
            kept.append(place)
    return kept


def arguments(paths: list[Path], project: Path) -> list[str]:
    """Return what to name to pytest, started in `project`, so that it collects `paths`.

    It takes "[" and "::" for the parts of a test's name: of a path with them, this is the part
    before, and `OtherPaths` keeps out what does not belong to it.
    """
    return [_argument(path, project) for path in paths]


class OtherPaths:
    """pytest plugin: keeps out of the collection what is neither in `paths` nor leads there."""

    def __init__(self, paths: list[str]) -> None:
        given = [Path(path) for path in paths]
        self._paths = [*given, *(path.resolve() for path in given)]

    def pytest_ignore_collect(self, collection_path: Path) -> bool | None:
        """Leave to others what may be collected."""
        wanted = any(_one_holds_the_other(collection_path, path) for path in self._paths)
        return None if wanted else True


def count_tests(paths: list[Path]) -> int:
    """Count test functions roughly: no more workers than that are of use."""
    count = 0
    for path in paths:
        for file in _test_files(Path(str(path).partition("::")[0])):
            text = file.read_text(encoding="utf-8", errors="replace")
            count += len(re.findall(r"^\s*(?:async )?def test", text, re.MULTILINE))
    return count


def _argument(path: Path, project: Path) -> str:
    if not _looks_like_a_test(str(path)):
        return str(path)
    relative = os.path.relpath(path, project)
    while _looks_like_a_test(relative):
        relative = os.path.dirname(relative)
    return os.path.join(os.curdir, relative)


def _looks_like_a_test(path: str) -> bool:
    return "[" in path or "::" in path


def _exists(file: Path) -> bool:
    try:
        return file.exists()
    except (OSError, ValueError):  # a name that no file can have
        return False


def _one_holds_the_other(one: Path, other: Path) -> bool:
    return one == other or one in other.parents or other in one.parents


def _has_tests(folder: Path) -> bool:
    return next(_test_files(folder), None) is not None


def _test_files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
    for pattern in ("test_*.py", "*_test.py"):
        yield from path.rglob(pattern)
