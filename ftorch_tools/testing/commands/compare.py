# SPDX-License-Identifier: MIT
"""`ftorch-test compare`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ftorch_tools.errors import ExitCode
from ftorch_tools.safe_stream import make_console
from ftorch_tools.testing.commands.common import (
    AsJson,
    InProject,
    errors_reported,
    print_json,
    run_argument,
    say,
    warn,
)
from ftorch_tools.testing.records.compare import FEWEST, Change, Comparison
from ftorch_tools.testing.records.compare import compare as compare_records
from ftorch_tools.testing.records.record import RunRecord
from ftorch_tools.testing.records.store import Store, find_ended_run
from ftorch_tools.text import duration, one_line

EPILOG = (
    "Example: `ftorch-test compare latest~1 latest`  \n"
    "Exit status: 0 no regression, 2 usage, 3 infrastructure, 5 regression: "
    "a test fails that did not, or became slower."
)
_SECTIONS = {
    "newly_failing": "bold red",
    "still_failing": "red",
    "slower": "bold yellow",
    "missing": "yellow",
    "newly_skipped": "yellow",
    "new": "cyan",
    "newly_passing": "green",
    "faster": "green",
}


def compare(
    a: Annotated[str, run_argument("A")] = "latest~1",
    b: Annotated[str, run_argument("B")] = "latest",
    project: InProject = Path(),
    json: AsJson = False,
) -> None:
    """Say what changed from run A to run B."""
    with errors_reported():
        first, second = find_ended_run(a, project), find_ended_run(b, project)
        history = Store(Path(second.project)).load_all(warn)
        result = compare_records(first, second, history)
    if json:
        values = {"a": first.id, "b": second.id, "regression": result.regression}
        print_json("compare/1", {**values, **result.to_dict()})
    else:
        _print(make_console(), first, second, result)
    raise typer.Exit(ExitCode.REGRESSION if result.regression else ExitCode.OK)


def _print(console: Console, a: RunRecord, b: RunRecord, result: Comparison) -> None:
    say(console, f"A  {_describe(a)}")
    say(console, f"B  {_describe(b)}")
    if a.host != b.host:
        say(console, ("the hosts differ: durations may differ for that alone", "yellow"))
    counts = []
    for name, style in _SECTIONS.items():
        changes: list[Change] = getattr(result, name)
        if not changes:
            continue
        words = name.replace("_", " ")
        counts.append(f"{len(changes)} {words}")
        say(console)
        say(console, (words, style))
        for change in changes:
            say(console, f"  {one_line(change.id)}  ", (_detail(change), "dim"))
    if result.not_selected:
        words = f"{len(result.not_selected)} tests are in one of the runs alone, as the other one"
        say(console)
        say(console, (f"{words} selected others", "dim"))
    say(console)
    say(console, ", ".join(counts) or "no difference")


def _describe(run: RunRecord) -> str:
    commit = (
        run.commit[:10] + (" with changes" if run.dirty else "") if run.commit else "no commit"
    )
    passed = sum(test.outcome.value == "passed" for test in run.tests)
    counts = f"{passed} passed, {len(run.failures)} failed, {len(run.tests)} in all"
    return f"{run.id}  {commit}  {run.host}  {run.status.value}: {counts}"


def _detail(change: Change) -> str:
    if change.noise is not None:
        first, second = change.seconds_before or 0.0, change.seconds_after or 0.0
        share = f"{100 * (second - first) / first:+.0f} %, " if first else ""
        times = f"{duration(first)} -> {duration(second)}"
        few = "" if change.durations >= FEWEST else f", too few runs: {change.durations}"
        return f"{times} ({share}noise {duration(change.noise)}{few})"
    outcomes = [outcome.phrase for outcome in (change.before, change.after) if outcome]
    return " -> ".join(outcomes)
