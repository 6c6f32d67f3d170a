# SPDX-License-Identifier: MIT
"""The tests that failed in an earlier run."""

from __future__ import annotations

from pathlib import Path

from ftorch_tools.errors import RecordError, UsageError
from ftorch_tools.testing.records.load import load
from ftorch_tools.testing.records.store import find_run
from ftorch_tools.testing.selection.selection import CTEST, PYTEST


def failed_tests(runs: Path, run: str) -> list[tuple[str, str]]:
    """Return runner and name of the tests that neither passed nor were skipped in `run`.

    `run` is the name of a directory in `runs`, as `latest` or an id, or what `find_run` takes.
    """
    file = runs / run / "run.json"
    try:
        record = load(file) if file.is_file() else find_run(run, runs)
    except RecordError as error:
        raise UsageError(str(error)) from error
    known = (CTEST, PYTEST)
    return [(test.runner if test.runner in known else "", test.id) for test in record.unfinished]
