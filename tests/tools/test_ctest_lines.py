# SPDX-License-Identifier: MIT
"""ctest's live lines."""

from __future__ import annotations

import pytest

from ftorch_tools.testing.drivers.ctest_report import LiveLine, parse_line
from ftorch_tools.testing.records.record import Outcome


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("      Start  3: fortran.tensor.print", LiveLine(3)),
        (" 1/10 Test  #3: name ......   Passed    0.01 sec", (3, Outcome.PASSED, 0.01)),
        ("10/10 Test #12: name ......***Failed    1.25 sec", (12, Outcome.FAILED, 1.25)),
        ("1/1 Test #1: n ...***Exception: SegFault  0.01 sec", (1, Outcome.CRASHED, 0.01)),
        ("1/1 Test #1: n .Subprocess aborted***Exception:   0.01 sec", (1, Outcome.CRASHED, 0.01)),
        ("1/1 Test #1: n ...***Not Run   0.00 sec", (1, Outcome.NOT_RUN, 0.0)),
        ("1/1 Test #1: n ...***Not Run (Disabled)   0.00 sec", (1, Outcome.SKIPPED, 0.0)),
        ("1/1 Test #1: n ...***Skipped   0.00 sec", (1, Outcome.SKIPPED, 0.0)),
        ("1/1 Test #1: n ...***Timeout   1.00 sec", (1, Outcome.TIMEOUT, 1.0)),
        ("1/1 Test #1: a Passed b ...***Failed   1.00 sec", (1, Outcome.FAILED, 1.0)),
        ("1/1 Test #1: n ...***Something new   1.00 sec", (1, Outcome.FAILED, 1.0)),
        ("1/1 Test #1: n ...Something new   1.00 sec", (1, Outcome.FAILED, 1.0)),
        ("Total Test time (real) =   2.43 sec", None),
        ("", None),
    ],
)
def test_line(line: str, expected: LiveLine | tuple[int, Outcome, float] | None) -> None:
    assert parse_line(line) == (LiveLine(*expected) if isinstance(expected, tuple) else expected)
