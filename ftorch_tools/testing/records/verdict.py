# SPDX-License-Identifier: MIT
"""The verdict of a run: its status and its exit code, which nothing else sets."""

from __future__ import annotations

from ftorch_tools.errors import ExitCode
from ftorch_tools.testing.records.record import RunRecord, Status


def decide(record: RunRecord, *, signal: int = 0, nothing_selected: bool = False) -> None:
    """Set the status and the exit code of a record that has all its tests and errors.

    `signal` is the one by which the user stopped the run, or 0.
    """
    if signal:
        record.status, record.exit_code = Status.INTERRUPTED, 128 + signal
    elif record.errors:
        record.status, record.exit_code = Status.BROKEN, ExitCode.INFRASTRUCTURE
    elif nothing_selected:
        record.status, record.exit_code = Status.COMPLETE, ExitCode.NOTHING_SELECTED
    else:
        failed = ExitCode.TESTS_FAILED if record.failures else ExitCode.OK
        record.status, record.exit_code = Status.COMPLETE, failed
