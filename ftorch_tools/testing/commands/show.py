# SPDX-License-Identifier: MIT
"""`ftorch-test show`."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ftorch_tools.safe_stream import make_console
from ftorch_tools.testing.commands.common import (
    RUN,
    TEST,
    AsJson,
    InProject,
    errors_reported,
    print_json,
    say,
    warn,
)
from ftorch_tools.testing.records.history import find_id
from ftorch_tools.testing.records.provenance import provenance
from ftorch_tools.testing.records.record import Attempt, RunRecord, TestResult, test_to_dict
from ftorch_tools.testing.records.store import Store, find_run
from ftorch_tools.testing.schedulers.detached import refresh_detached
from ftorch_tools.testing.summary import print_summary
from ftorch_tools.text import one_line, plain

EPILOG = "Example: `ftorch-test show latest fortran.tensor`"


def show(
    run: Annotated[str, RUN] = "latest",
    test: Annotated[str | None, TEST] = None,
    project: InProject = Path(),
    pin: Annotated[
        bool | None,
        typer.Option("--pin/--unpin", help="Keep this run for ever, or no longer."),
    ] = None,
    json: AsJson = False,
) -> None:
    """Show the summary of a run, or what one of its tests printed."""
    with errors_reported():
        record = refresh_detached(find_run(run, project, warn))
        if pin is not None:
            Store(Path(record.project)).pin(record.id, pinned=pin)
        if test is None:
            _show_run(record, as_json=json)
            return
        id = find_id(test, {result.id for result in record.tests})
        for result in record.tests:
            if result.id == id:
                _show_test(record, result, as_json=json)


def _show_run(record: RunRecord, *, as_json: bool) -> None:
    if as_json:
        print(record.to_json(), end="")
        return
    console = make_console()
    for name, value in provenance(record):
        say(console, (f"{name:10}", "dim"), one_line(value))
    directory = Path(record.directory)
    run = str(directory) if directory.is_dir() else record.id
    rerun = ["ftorch-test", "run", record.build, f"--failed={run}"]
    print_summary(console, record, directory, rerun)


def _show_test(record: RunRecord, test: TestResult, *, as_json: bool) -> None:
    outputs = [_output(record, attempt.output) for attempt in test.attempts]
    if as_json:
        values = {"run": record.id, "test": test_to_dict(test), "outputs": outputs}
        print_json("show/1", values)
        return
    console = make_console(stderr=True)
    for attempt, output in zip(test.attempts, outputs):
        _describe(console, test, attempt)
        if output is None:
            missing = attempt.output is not None
            what = f"{Path(record.directory) / (attempt.output or '')} is gone"
            say(
                console,
                (what if missing else "it printed nothing", "yellow" if missing else "dim"),
            )
            continue
        # Only a terminal would act on escape sequences.
        shown = plain(output) if sys.stdout.isatty() else output
        print(shown, end="" if shown.endswith("\n") else "\n")


def _describe(console: Console, test: TestResult, attempt: Attempt) -> None:
    style = "red" if attempt.outcome.is_failure else "green"
    parts = [f"{attempt.seconds:.3f} s"] if attempt.seconds is not None else []
    if attempt.start is not None:
        parts.append(f"began after {attempt.start:.1f} s")
    parts += [f"{name} = {value}" for name, value in attempt.measurements.items()]
    details = one_line(", ".join([*parts, *test.labels]))
    say(console, (one_line(test.id), "bold"), "  ", (one_line(attempt.description), style))
    say(console, (details, "dim"))


def _output(record: RunRecord, path: str | None) -> str | None:
    if path is None:
        return None
    try:
        return (Path(record.directory) / path).read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None
