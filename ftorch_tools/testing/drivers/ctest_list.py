# SPDX-License-Identifier: MIT
"""The tests that ctest knows."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ftorch_tools.errors import InfrastructureError
from ftorch_tools.text import encode, lines_of


@dataclass(frozen=True)
class ListedTest:
    """A test that ctest knows; `number` is ctest's own, from 1.

    `unlimited` tests have no limit of time, or one that versions of ctest read differently.
    Tests with one of `colocation_keys` in common (fixtures, dependencies, locks) must run on one
    machine.
    `folder` is where the test runs, by default the build's folder that defines it.
    """

    number: int
    name: str
    labels: tuple[str, ...] = ()
    processors: int = 1
    serial: bool = False
    gpus: bool = False
    unlimited: bool = False
    colocation_keys: frozenset[str] = frozenset()
    folder: str = ""


def list_tests(ask: Callable[[str], str]) -> list[ListedTest]:
    """Return the tests; `ask` gives what ctest answers to an option."""
    # Only -N gives the numbers: the JSON leaves out tests without a command.
    lines = lines_of(ask("-N"))
    numbered = [re.match(r" *Test +#(\d+): (.*)", line) for line in lines]
    described = [{**test, "name": _shown(test["name"])} for test in _describe(ask)]
    broken = next((test["name"] for test in described if "\n" in test["name"]), None)
    if broken is not None:
        raise InfrastructureError(
            f"the name of a test of ctest has a line break: {broken!r}\n"
            "ctest tells of its tests line by line; give this one another name."
        )
    tests = []
    position = 0
    for match in filter(None, numbered):
        number, name = int(match.group(1)), match.group(2)
        known = described[position]["name"] if position < len(described) else None
        if known is not None and _shown(name) in (known, f"{known} (Disabled)"):
            # Of bytes that are no text the list has them, and the description does not.
            whole = name if len(_shown(name)) == len(known) else name.removesuffix(" (Disabled)")
            tests.append(_described(number, whole, described[position]))
            position += 1
        else:
            tests.append(ListedTest(number, name))
    if position != len(described):
        raise InfrastructureError("ctest lists its tests in two different orders")
    return tests


def places(tests: list[ListedTest], build: Path) -> dict[int, str]:
    """Return what tells the tests of one name apart: the folder in `build`, and which there."""
    found: dict[int, str] = {}
    counts: Counter[tuple[str, str]] = Counter()
    for test in tests:
        folder = os.path.relpath(test.folder, build) if test.folder else ""
        counts[test.name, folder] += 1
        count = counts[test.name, folder]
        found[test.number] = folder if count == 1 else f"{folder}#{count}"
    return found


def is_built(ask: Callable[[str], str], build: Path) -> bool:
    """Return whether a program of the folder `build` is there for any test to run."""
    # ctest names no command when the program is not there.
    programs = (Path(*test.get("command", [])[:1]) for test in _describe(ask))
    return any(build in program.parents for program in programs)


def _describe(ask: Callable[[str], str]) -> list[dict[str, Any]]:
    try:
        return list(json.loads(ask("--show-only=json-v1"))["tests"])
    except (ValueError, KeyError) as error:
        raise InfrastructureError(f"ctest gave no list of tests: {error!r}") from error


def _shown(name: str) -> str:
    """Return `name` as ctest's JSON has it, where bytes that are no text stand as one mark."""
    return re.sub("\ufffd+", "\ufffd", encode(name).decode("utf-8", "replace"))


def _described(number: int, name: str, test: dict[str, Any]) -> ListedTest:
    properties = {item["name"]: item["value"] for item in test.get("properties", [])}
    groups = properties.get("RESOURCE_GROUPS", [])
    resources = {need.get(".type") for group in groups for need in group.get("requirements", [])}
    return ListedTest(
        number,
        name,
        tuple(properties.get("LABELS", ())),
        int(properties.get("PROCESSORS", 1)),
        bool(properties.get("RUN_SERIAL", False)),
        GPUS in resources,
        float(properties.get("TIMEOUT", 1)) <= 0,
        frozenset([f"test {name}", *_ties(properties)]),
        str(properties.get("WORKING_DIRECTORY", "")),
    )


def _ties(properties: dict[str, Any]) -> Iterator[str]:
    for kind, keys in _TIES.items():
        for key in keys:
            yield from (f"{kind} {name}" for name in properties.get(key, ()))


_TIES = {
    "fixture": ("FIXTURES_SETUP", "FIXTURES_REQUIRED", "FIXTURES_CLEANUP"),
    "lock": ("RESOURCE_LOCK",),
    "test": ("DEPENDS",),
}
# The resource that a test asks for, as in `RESOURCE_GROUPS 2,gpus:1`.
GPUS = "gpus"
