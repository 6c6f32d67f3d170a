# SPDX-License-Identifier: MIT
"""What a run ends with: the failures, how to rerun them, where the report is, the counts."""

from __future__ import annotations

import os
import shlex
from collections import deque
from pathlib import Path

from rich.console import Console
from rich.text import Text

from ftorch_tools.errors import ExitCode
from ftorch_tools.testing.records.record import Outcome, RunRecord, Status, TestResult
from ftorch_tools.text import one_line

_LAST_LINES = 10
_LINE_CHARACTERS = 500
_SHOWN_IN_FULL = 20


def print_summary(console: Console, record: RunRecord, directory: Path, rerun: list[str]) -> None:
    """Print the summary of `record`; its last line reads `N passed, N failed, N skipped`."""
    failures = record.failures
    for place, test in enumerate(failures):
        _print_failure(console, test, directory, in_full=place < _SHOWN_IN_FULL)
    _print_skips(console, record)
    for test in record.flaky:
        _line(
            console, Text.assemble(("flaky: ", "yellow"), one_line(test.id), f"  {_tries(test)}")
        )
    for error in record.errors:
        _line(console, Text.assemble(("error: ", "bold red"), error))
    for warning in record.warnings:
        _line(console, Text.assemble(("warning: ", "yellow"), warning))
    if record.status is Status.INTERRUPTED:
        _line(console, Text("interrupted: the record holds what was finished", style="yellow"))
    empty = record.exit_code == ExitCode.NOTHING_SELECTED
    if empty:
        _line(console, Text("nothing selected: no test matches", style="yellow"))
    if record.excluded:
        note = f"{record.excluded} slow tests left out; --all runs them too"
        _line(console, Text(note, style="dim"))
    if record.unfinished and not empty:
        _line(console, Text.assemble(("rerun:  ", "bold"), quote(rerun)))
    _line(console, Text.assemble(("report: ", "bold"), str(directory / "run.json")))
    _line(console, _counts(record))


def quote(command: list[str]) -> str:
    """Return `command` as a line for a POSIX shell."""
    return shlex.join(command)


def _counts(record: RunRecord) -> Text:
    # Without style: scripts look for this line.
    passed = record.count(Outcome.PASSED)
    skipped = record.count(Outcome.SKIPPED)
    stopped = f", {len(record.stopped)} interrupted" if record.stopped else ""
    return Text(f"{passed} passed, {len(record.failures)} failed, {skipped} skipped{stopped}")


def _tries(test: TestResult) -> str:
    return ", ".join(attempt.outcome.phrase for attempt in test.attempts)


def _print_failure(console: Console, test: TestResult, directory: Path, *, in_full: bool) -> None:
    _line(
        console,
        Text.assemble((one_line(test.id), "bold"), "  ", (one_line(test.description), "red")),
    )
    if not in_full or test.output is None:
        return
    file = directory / test.output
    if not file.exists():
        _line(console, Text(f"    {file} is gone", style="yellow"))
        return
    with file.open(encoding="utf-8", errors="replace") as stream:
        last = deque((line.rstrip() for line in stream if line.strip()), _LAST_LINES)
    for line in last:
        # A test's output may hold escape sequences: none of them reaches the terminal.
        text = one_line(line.expandtabs())[:_LINE_CHARACTERS]
        shown = (c if c.isprintable() else "?" for c in text)
        _line(console, Text("    " + "".join(shown)))
    _line(console, Text(f"    in {os.path.relpath(file)}", style="dim"))


def _print_skips(console: Console, record: RunRecord) -> None:
    reasons: dict[str, int] = {}
    for test in record.tests:
        if test.outcome is Outcome.SKIPPED:
            reason = test.reason or "no reason given"
            reasons[reason] = reasons.get(reason, 0) + 1
    for reason, count in reasons.items():
        _line(console, Text(f"skipped {count}: {reason}", style="dim"))


def _line(console: Console, text: Text) -> None:
    console.print(text, soft_wrap=True)
