# SPDX-License-Identifier: MIT
"""`ftorch-test list`."""

import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer

from ftorch_tools.errors import ExitCode
from ftorch_tools.safe_stream import make_console
from ftorch_tools.testing.commands.common import AsJson, errors_reported, print_json, say
from ftorch_tools.testing.commands.option_groups import unfolded
from ftorch_tools.testing.commands.selection_options import SelectionOptions
from ftorch_tools.testing.drivers.ctest import CTest, find_ctest
from ftorch_tools.testing.drivers.pytest_collect import collect
from ftorch_tools.testing.drivers.pytest_paths import find_paths
from ftorch_tools.testing.project import (
    find_build,
    find_project,
    has_ctest,
    read_cache,
    runs_folder,
)
from ftorch_tools.testing.selection import CTEST, PYTEST, Choice
from ftorch_tools.testing.selection.names import to_id
from ftorch_tools.text import one_line

EPILOG = (
    "Example: `ftorch-test list build -L unit -E 'not gpu'`  \n"
    "Exit status: 0, 2 usage, 3 infrastructure, 4 nothing selected."
)


@dataclass(frozen=True)
class Listed:
    """A test that a run with the same selection would run."""

    id: str
    runner: str
    labels: list[str]


@unfolded
def list_tests(
    *,
    build_dir: Annotated[
        Path | None,
        typer.Argument(help="A configured and built folder.", show_default="nearest build"),
    ] = None,
    tests: SelectionOptions,
    json: AsJson = False,
) -> None:
    """List the tests that `run` would run, with their labels."""
    with errors_reported():
        build = find_build(build_dir)
        project = find_project(build, read_cache(build))
        selection = tests.selection(runs_folder(build))
        existing = list(_of_ctest(build, tests.build_config)) if has_ctest(build) else []
        names = [item.id for item in existing]
        selection = selection.resolved(names, lambda name: to_id(name, project))
        found = collect(find_paths(tests.pytest_paths, project, selection), project, build)
        existing += [Listed(id, PYTEST, labels) for id, labels in found.tests]
    choices = [selection.choose(item.runner, item.id, item.labels) for item in existing]
    chosen = [item for item, choice in zip(existing, choices) if choice is Choice.SELECTED]
    excluded = choices.count(Choice.EXCLUDED_AS_SLOW)
    unknown = selection.unmatched(CTEST, names)
    unknown += selection.unmatched(PYTEST, [*(id for id, _ in found.tests), *found.broken])
    if json:
        listed = [asdict(item) for item in chosen]
        values = {"project": str(project), "build": str(build), "tests": listed}
        print_json("list/1", {**values, "excluded": excluded, "unknown": unknown})
    else:
        _print(chosen, excluded)
    for name, why in found.broken.items():
        print(f"ftorch-test: pytest cannot collect {one_line(name)}:\n{why}", file=sys.stderr)
    ignore_missing = selection.ignore_missing
    for name in unknown:
        words = "warning: no such test any more" if ignore_missing else "no such test"
        print(f"ftorch-test: {words}: {one_line(name)}", file=sys.stderr)
    if found.broken:
        raise typer.Exit(ExitCode.INFRASTRUCTURE)
    good = chosen and (ignore_missing or not unknown)
    raise typer.Exit(ExitCode.OK if good else ExitCode.NOTHING_SELECTED)


def _of_ctest(build: Path, config: str | None) -> Iterator[Listed]:
    with tempfile.TemporaryDirectory(prefix="ftorch-test-") as folder:
        program = find_ctest(read_cache(build))
        ctest = CTest(program, build, Path(folder), None, 0.0, configuration=config)
        for test in ctest.list_all():
            yield Listed(test.name, ctest.name, list(test.labels))


def _print(tests: list[Listed], excluded: int) -> None:
    console = make_console()
    for test in tests:
        labels = one_line(", ".join(test.labels))
        say(
            console,
            f"{test.runner:6}  {one_line(test.id)}",
            (f"  {labels}" if labels else "", "dim"),
        )
    left_out = f", {excluded} slow ones left out; --all lists them too" if excluded else ""
    say(make_console(stderr=True), (f"{len(tests)} tests{left_out}", "dim"))
