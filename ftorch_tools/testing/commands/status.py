# SPDX-License-Identifier: MIT
"""`ftorch-test status`."""

import time
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from ftorch_tools.safe_stream import make_console
from ftorch_tools.testing.commands.common import (
    RUN,
    AsJson,
    InProject,
    errors_reported,
    print_json,
    say,
    warn,
)
from ftorch_tools.testing.records.live import in_progress, read_live
from ftorch_tools.testing.records.record import Outcome, RunRecord, Status
from ftorch_tools.testing.records.store import find_run, find_store
from ftorch_tools.testing.schedulers.detached import refresh_detached
from ftorch_tools.text import one_line

EPILOG = "Example: `ftorch-test status`, beside a run that goes on in another terminal"
# The state of a run whose process is gone although its record says that it runs.
_ABANDONED = "abandoned"


def status(
    run: Annotated[str | None, RUN] = None,
    last: Annotated[int, typer.Option("-n", "--last", min=1, help="How many runs.")] = 5,
    project: InProject = Path(),
    json: AsJson = False,
) -> None:
    """Show the runs that go on and the last ones."""
    with errors_reported():
        if run is not None:
            records = [find_run(run, project, warn)]
        else:
            all_records = find_store(project).load_all(warn)
            going = [record for record in all_records[:-last] if in_progress(record)]
            records = [*going, *all_records[-last:]]
        states = [state_of(refresh_detached(record)) for record in records]
    if json:
        print_json("status/1", {"runs": states})
        return
    console = make_console()
    for state in states:
        _print(console, state)


def state_of(record: RunRecord) -> dict[str, Any]:
    """Return how far a run is: from its events while it goes on, then from its record."""
    live = read_live(Path(record.directory)) if record.status is Status.RUNNING else None
    now = time.time()
    going = in_progress(record)
    state = record.status.value if going or live is None else _ABANDONED
    outcomes = live.outcomes if live else Counter(test.outcome for test in record.tests)
    begin = datetime.fromisoformat(record.start).timestamp()
    seconds = record.seconds
    if live is not None:
        seconds = (now if going else live.last or begin) - begin
    return {
        "id": record.id,
        "state": state,
        "start": record.start,
        "host": record.host,
        "directory": record.directory,
        "seconds": seconds,
        "exit_code": record.exit_code,
        "done": sum(outcomes.values()),
        "total": live.total if live else len(record.tests),
        "interrupted": len(record.stopped),
        "outcomes": {outcome.value: outcomes[outcome] for outcome in Outcome},
        "running": [
            {"runner": runner, "id": id, "seconds": round(now - start, 3)}
            for (runner, id), start in (live.running.items() if live and going else ())
        ],
        "silent_seconds": round(now - live.last, 3) if live and live.last and going else None,
    }


def _print(console: Console, state: dict[str, Any]) -> None:
    styles = {"running": "cyan", "complete": "", _ABANDONED: "yellow"}
    counts = {Outcome(name): count for name, count in state["outcomes"].items()}
    failed = sum(count for outcome, count in counts.items() if outcome.is_failure)
    failed -= state["interrupted"]
    say(
        console,
        f"{state['id']}  ",
        (f"{state['state']:11}", styles.get(state["state"], "red")),
        f"  {state['done']}/{state['total']} tests  {counts[Outcome.PASSED]} passed  ",
        (f"{failed} failed", "bold red" if failed else ""),
        f"  {counts[Outcome.SKIPPED]} skipped  {state['seconds'] or 0.0:.0f} s",
        "" if state["exit_code"] is None else f"  exit {state['exit_code']}",
    )
    for test in state["running"]:
        say(console, (f"  {test['seconds']:7.0f} s  {one_line(test['id'])}", "dim"))
