# SPDX-License-Identifier: MIT
"""Checks the programs and Python packages that ftorch-test drives."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version

from packaging.requirements import Requirement

from ftorch_tools.command import CommandError, call
from ftorch_tools.testing.doctor.finding import Finding, ok, problem, unknown, warning
from ftorch_tools.testing.doctor.subject import Subject

_CMAKE = (3, 21)
_SECONDS = 20.0


def check(subject: Subject) -> Iterator[Finding]:
    """Yield CMake and its helpers, and the packages that are missing or of a wrong version."""
    yield from _cmake()
    if shutil.which("ninja") is None and shutil.which("make") is None:
        yield problem("neither ninja nor make on PATH", "Load a module, or install ninja.")
    yield from _packages()


def _cmake() -> Iterator[Finding]:
    for name in ("cmake", "ctest"):
        path = shutil.which(name)
        if path is None:
            yield problem(
                f"{name} not found", "Load a module with CMake, or `python -m pip install cmake`."
            )
            continue
        try:
            answer = call(path, "--version", timeout=_SECONDS)
        except CommandError as error:
            yield problem(str(error), "Use another CMake.")
            continue
        found = re.search(r"version (\d+)\.(\d+)\S*", answer.out)
        if found is None:
            yield problem(f"{path} does not work: {answer.message}", "Use another CMake.")
        elif (int(found.group(1)), int(found.group(2))) < _CMAKE:
            yield problem(f"{path} is {found.group()}", "FTorch needs CMake 3.21 or newer.")
        else:
            yield ok(f"{name} {found.group().partition(' ')[2]} ({path})")


def _packages() -> Iterator[Finding]:
    try:
        needed = [Requirement(text) for text in requires("ftorch_tools") or []]
    except PackageNotFoundError:
        yield unknown("ftorch_tools is used from its source folder, without what it declares")
        return
    wrong = []
    for requirement in needed:
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            found = version(requirement.name)
        except PackageNotFoundError:
            wrong.append(f"{requirement} is missing")
            continue
        if not requirement.specifier.contains(found, prereleases=True):
            wrong.append(f"{requirement.name} is {found}, not {requirement.specifier}")
    python = f"Python {sys.version_info.major}.{sys.version_info.minor} ({sys.executable})"
    if wrong:
        remedy = f"`{sys.executable} -m pip install --upgrade ftorch_tools`, or load its module."
        yield problem(f"{python}: {'; '.join(wrong)}", remedy)
    else:
        yield ok(f"{python} has the {len(needed)} packages that ftorch-test needs")
    try:
        version("torch")
    except PackageNotFoundError:
        yield warning(
            f"{python} has no PyTorch: Python tests that compare with it will be skipped",
            "Install torch in it, unless only ctest is wanted.",
        )
