# SPDX-License-Identifier: MIT
"""Judges a test that ran in a process of its own: by what pytest said and how that ended."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ftorch_tools.testing.drivers.process import describe_status, exit_or_signal
from ftorch_tools.testing.records.record import INTERRUPTED

Values = dict[str, Any]

_WORST_FIRST = ["timeout", "failed", "crashed", "not_run", "skipped", "passed"]
_GOOD = ("passed", "skipped")
_NO_TESTS_COLLECTED = 5
_NOT_FOUND = "pytest does not find the test alone"
_TOO_EARLY = "its process ended before pytest did"


@dataclass(frozen=True)
class Rank:
    """What one process wrote: its attempts, whether one is open, whether pytest has ended."""

    attempts: list[Values]
    open: bool
    finished: bool


@dataclass(frozen=True)
class Ranks:
    """What the processes wrote that were to be `wanted`, and what is known of their statuses."""

    wanted: int
    found: list[Rank]
    statuses: list[int]

    @property
    def complete(self) -> bool:
        """Whether each process has come to the end of pytest."""
        return len(self.found) >= self.wanted and all(rank.finished for rank in self.found)

    @property
    def open(self) -> bool:
        """Whether an attempt has begun and has not ended."""
        return any(rank.open for rank in self.found)

    @property
    def attempts(self) -> list[Values]:
        """The attempts that have ended on a process, the first one first."""
        count = max((len(rank.attempts) for rank in self.found), default=0)
        return [
            _together([r.attempts[n] for r in self.found if n < len(r.attempts)])
            for n in range(count)
        ]


def read_ranks(results: Path, wanted: int) -> Ranks:
    """Return what processes wrote to the folder `results`."""
    found = [
        Rank(**json.loads(file.read_text("ascii"))) for file in sorted(results.glob("*.json"))
    ]
    statuses = [int(file.read_text("ascii") or 0) for file in sorted(results.glob("*.status"))]
    return Ranks(max(1, wanted), found, statuses)


def judge(ranks: Ranks, code: int | None, seconds: float, log: str) -> Values:
    """Return the result of a test, with its `earlier` attempts.

    `code` is the status of the process, or of the launcher, and None when time was up. A test has
    passed when all processes say so, or skip, and all of them ended well.
    """
    attempts = ranks.attempts
    # One that any process did not end is the last, whatever the others say of it.
    unended = [len(rank.attempts) for rank in ranks.found if rank.open]
    before = min(unended) if unended else max(0, len(attempts) - 1)
    result = _last(ranks, attempts[before:], code, seconds, log)
    return {**result, "earlier": attempts[:before]}


def _last(
    ranks: Ranks, verdicts: list[Values], code: int | None, seconds: float, log: str
) -> Values:
    outputs = [verdict["output"] for verdict in verdicts]
    last = verdicts[0] if verdicts and not ranks.open else None
    if code is None:
        return values_of("timeout", seconds=seconds, output="\n".join([*outputs, log]))
    bad = next((status for status in [code, *ranks.statuses] if status != 0), 0)
    everywhere = ranks.complete and all(rank.attempts for rank in ranks.found)
    if last is not None and last["outcome"] not in _GOOD and everywhere:
        return {**last, "seconds": seconds}
    if last is not None and everywhere and bad == 0:
        return {**last, "seconds": seconds}
    output = "\n".join([*outputs, log])
    if last is None and not ranks.open and bad == _NO_TESTS_COLLECTED:
        return values_of("not_run", seconds=seconds, reason=_NOT_FOUND, output=output)
    reason = None if bad else _TOO_EARLY
    if last is not None and everywhere:
        words = describe_status(_unwrapped(bad))
        reason = f"the test had {last['outcome']}, and its process then ended with {words}"
    return values_of(
        "crashed",
        seconds=seconds,
        reason=reason,
        code=_unwrapped(bad) if code == 0 else code,
        output=output,
    )


def _unwrapped(status: int) -> int:
    """Return the status that a shell tells of, which is larger than 128 for a signal."""
    return 128 - status if 128 < status < 160 else status


def _together(verdicts: list[Values]) -> Values:
    """Return what the verdicts of all processes on one attempt amount to."""
    worst = min(verdicts, key=lambda verdict: _WORST_FIRST.index(verdict["outcome"]))
    outcomes = {verdict["outcome"] for verdict in verdicts}
    # A rank that has nothing to do may skip; the test has run where another one did.
    outcome = "passed" if outcomes == {"passed", "skipped"} else worst["outcome"]
    outputs = [verdict["output"] for verdict in verdicts]
    if len(verdicts) > 1:
        outputs = [f"===== process {n} =====\n{text}" for n, text in enumerate(outputs)]
    measurements: dict[str, float | None] = {}
    for verdict in reversed(verdicts):
        measurements |= verdict["measurements"]
    return {
        **values_of(outcome, seconds=worst["seconds"], output="\n".join(outputs)),
        "reason": worst["reason"] if outcome != "passed" else None,
        "began": worst["began"],
        "final": any(verdict["final"] for verdict in verdicts),
        "measurements": measurements,
    }


def lost(seconds: float | None, log: str) -> Values:
    """Return the result of a test that the user stopped."""
    return values_of("lost", seconds=seconds, reason=INTERRUPTED, output=log)


def values_of(
    outcome: str,
    *,
    seconds: float | None = None,
    reason: str | None = None,
    code: int | None = None,
    output: str = "",
) -> Values:
    """Return the fields of a result."""
    values = {"outcome": outcome, "seconds": seconds, "reason": reason, "output": output}
    return {**values, **exit_or_signal(code)}
