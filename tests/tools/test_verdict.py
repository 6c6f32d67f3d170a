# SPDX-License-Identifier: MIT
"""The verdict of a run, by what is known of it when it ends."""

from __future__ import annotations

import pytest

from ftorch_tools.errors import ExitCode
from ftorch_tools.testing.records.record import Outcome, Status, TestResult
from ftorch_tools.testing.records.verdict import decide


@pytest.mark.parametrize(
    ("outcomes", "errors", "settings", "status", "code"),
    [
        (["passed", "skipped"], [], {}, Status.COMPLETE, ExitCode.OK),
        (["passed", "lost"], [], {}, Status.COMPLETE, ExitCode.TESTS_FAILED),
        ([], [], {"nothing_selected": True}, Status.COMPLETE, ExitCode.NOTHING_SELECTED),
        ([], ["why"], {"nothing_selected": True}, Status.BROKEN, ExitCode.INFRASTRUCTURE),
        (["failed"], ["why"], {}, Status.BROKEN, ExitCode.INFRASTRUCTURE),
        (["passed"], ["why"], {"signal": 15}, Status.INTERRUPTED, 143),
    ],
)
def test_what_decides(runs, outcomes, errors, settings, status, code):
    tests = [TestResult(f"t{n}", "ctest", Outcome(outcome)) for n, outcome in enumerate(outcomes)]
    record = runs.add(*tests, status=Status.RUNNING, exit_code=None, errors=errors)
    decide(record, **settings)
    assert (record.status, record.exit_code) == (status, code)
    decide(record, **settings)
    assert (record.status, record.exit_code) == (status, code)
