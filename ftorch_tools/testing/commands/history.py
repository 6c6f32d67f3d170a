# SPDX-License-Identifier: MIT
"""`ftorch-test history`."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ftorch_tools.safe_stream import make_console
from ftorch_tools.testing.commands.common import (
    TEST,
    AsJson,
    InProject,
    errors_reported,
    print_json,
    say,
    warn,
)
from ftorch_tools.testing.records.history import Entry, find_id
from ftorch_tools.testing.records.history import history as history_of
from ftorch_tools.testing.records.store import find_store
from ftorch_tools.text import one_line

EPILOG = "Example: `ftorch-test history fortran.tensor --last 10`"
_BAR = 20


def history(
    test: Annotated[str, TEST],
    last: Annotated[int, typer.Option("-n", "--last", min=1, help="How many runs.")] = 20,
    project: InProject = Path(),
    json: AsJson = False,
) -> None:
    """Show how a test ended, and how long it took, in the runs that are kept."""
    with errors_reported():
        records = find_store(project).load_all(warn)
        id = find_id(test, {result.id for record in records for result in record.tests})
        entries = history_of(records, id)[-last:]
    if json:
        print_json("history/1", {"id": id, "entries": [asdict(entry) for entry in entries]})
    else:
        _print(make_console(), id, entries)


def _print(console: Console, id: str, entries: list[Entry]) -> None:
    say(console, (one_line(id), "bold"))
    longest = max((entry.seconds or 0.0 for entry in entries), default=0.0)
    for entry in entries:
        style = "red" if entry.outcome.is_failure else ""
        seconds = f"{entry.seconds:9.3f} s" if entry.seconds is not None else " " * 11
        filled = round(_BAR * (entry.seconds or 0.0) / longest) if longest else 0
        say(
            console,
            f"{entry.run}  ",
            (f"{entry.outcome.phrase:8}", style),
            f"{seconds}  ",
            ("#" * filled + " " * (_BAR - filled), "dim"),
            f"  {_provenance(entry)}",
        )


def _provenance(entry: Entry) -> str:
    commit = entry.commit[:10] + ("+" if entry.dirty else "") if entry.commit else ""
    measured = (f"{one_line(name)}={value}" for name, value in entry.measurements.items())
    return "  ".join(filter(None, [commit, entry.host, *measured]))
