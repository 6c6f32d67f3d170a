# SPDX-License-Identifier: MIT
"""Finds the files of Python tests, and names them to pytest."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from ftorch_tools.testing.pytest_settings import Settings, read_settings
from ftorch_tools.testing.selection import CTEST, Selection

# Some of what pytest does not look into either.
_NOT_LOOKED_INTO = ("build", "dist", "node_modules", "venv")


def find_paths(chosen: Sequence[Path], project: Path, selection: Selection) -> list[Path]:
    """Return what may hold a test that `selection` selects, of `chosen` or of the project."""
    if selection.excludes_python:
        return []
    paths = list(chosen) or _default_paths(project)
    if selection.tests is None:
        return paths
    names = (name for runner, name in selection.tests if runner != CTEST)
    named = dict.fromkeys(project / name.partition("::")[0] for name in names)
    kept = []
    for file in named:
        place = file.resolve() if _exists(file) else None
        if place and any(_one_holds_the_other(place, path) for path in paths):
            kept.append(place)
    return kept


def _default_paths(project: Path) -> list[Path]:
    """Return the paths that pytest's configuration names, or else the folder `tests`."""
    settings = read_settings(project)
    default = project / "tests"
    if settings.paths:
        return list(settings.paths)
    if default.is_dir():
        return [default] if next(_test_files(default, settings), None) else []
    # As pytest itself looks for them.
    return [project] if settings.configured and next(_test_files(project, settings), None) else []


def arguments(paths: list[Path], project: Path) -> list[str]:
    """Return what to name to pytest, started in `project`, so that it collects `paths`.

    It takes "[" and "::" for the parts of a test's name: of a path with them, this is the part
    before, and `OtherPaths` keeps out what does not belong to it.
    """
    return [_argument(path, project) for path in paths]


class OtherPaths:
    """pytest plugin: keeps out of the collection what is neither in `paths` nor leads there."""

    def __init__(self, paths: list[str]) -> None:
        wanted = [Path(path) for path in paths]
        self._paths = [*wanted, *(path.resolve() for path in wanted)]
        self._leading = {folder for path in self._paths for folder in [path, *path.parents]}

    def pytest_ignore_collect(self, collection_path: Path) -> bool | None:
        """Leave to others what may be collected."""
        wanted = any(_one_holds_the_other(collection_path, path) for path in self._paths)
        if wanted and collection_path not in self._leading:
            # A build may hold copies of tests, of this project or of another one.
            wanted = not (collection_path / "CMakeCache.txt").is_file()
        return None if wanted else True


def count_tests(paths: list[Path], project: Path, most: int) -> int:
    """Count test functions roughly, up to `most`: no more workers than that are of use."""
    settings = read_settings(project)
    if not settings.usual:
        return most
    count = 0
    for path in paths:
        for file in _test_files(Path(str(path).partition("::")[0]), settings):
            text = file.read_text(encoding="utf-8", errors="replace")
            tests = len(re.findall(r"^\s*(?:async )?def test", text, re.MULTILINE))
            count += tests or 1
            if count >= most:
                return most
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


def _test_files(path: Path, settings: Settings) -> Iterator[Path]:
    if path.is_file():
        yield path
    for folder, folders, names in os.walk(path):
        folders[:] = [n for n in folders if not n.startswith(".") and n not in _NOT_LOOKED_INTO]
        yield from (file for name in names if settings.matches(file := Path(folder, name)))
