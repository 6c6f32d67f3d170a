# SPDX-License-Identifier: MIT
"""Makes one record of what the workers of a run recorded."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from ftorch_tools.errors import RecordError
from ftorch_tools.testing.records.events import Ended, Started, from_entry
from ftorch_tools.testing.records.journal import Journal
from ftorch_tools.testing.records.load import load
from ftorch_tools.testing.records.record import INTERRUPTED, Outcome, RunRecord, Status, TestResult
from ftorch_tools.testing.schedulers.plan import Plan

_Key = tuple[str, str]
# A test that failed so shortly before the worker was told to stop may have been stopped first.
_DOUBTFUL_SECONDS = 2.0
_UNFINISHED = (Outcome.LOST, Outcome.NOT_RUN)


@dataclass
class _Attempt:
    """One worker's run of a shard: its journal's lines, and its record if it came so far."""

    host: str
    time: float
    directory: Path
    news: list[dict[str, Any]] = field(default_factory=list)

    def record(self) -> RunRecord | None:
        """The record; None when the worker died before it was complete."""
        try:
            record = load(self.directory / "run.json")
        except RecordError:
            return None
        return None if record.status is Status.RUNNING else record

    def results(self, top: Path, begin: float, *, stopped: bool) -> list[TestResult]:
        """The results, as those of a run in the directory `top` that began at the time `begin`.

        `stopped` says that the user stopped it.
        """
        record = self.record()
        found = record.tests if record is not None else self._from_journal()
        if not stopped:
            self._mark_doubtful_lost(found)
        below = self.directory.relative_to(top)
        for test in found:
            test.host = self.host
            if test.start is not None:
                test.start = round(test.start + self.time - begin, 3)
            if test.output is not None:
                test.output = (below / test.output).as_posix()
        return found

    def _mark_doubtful_lost(self, tests: list[TestResult]) -> None:
        """Call tests lost that ended because the job did.

        A scheduler ends all processes of a job at once: a test that it ended looks like a failure.
        """
        stop = next((e["time"] for e in self.news if e["event"] == "stopping"), None)
        if stop is None:
            return
        ended = {(e["runner"], e["id"]): e["time"] for e in self.news if e["event"] == "ended"}
        for test in tests:
            at = ended.get((test.runner, test.id), stop)
            margin = 0.0 if test.outcome is Outcome.PASSED else _DOUBTFUL_SECONDS
            known = test.outcome is Outcome.NOT_RUN and test.reason not in (None, INTERRUPTED)
            if at >= stop - margin and not known:
                test.outcome, test.exit_code, test.signal = Outcome.LOST, None, None
                test.reason = "its job ended"

    def _from_journal(self) -> list[TestResult]:
        tests: dict[_Key, TestResult] = {}
        for event in map(from_entry, self.news):
            if isinstance(event, (Started, Ended)):
                outcome = event.outcome if isinstance(event, Ended) else Outcome.LOST
                tests[event.runner, event.id] = TestResult(event.id, event.runner, outcome)
        return list(tests.values())


def attempts(plan: Plan, number: int) -> list[_Attempt]:
    """Return the attempts at shard `number`, the first one first."""
    found: list[_Attempt] = []
    for entry in Journal(plan.journal(number)).news():
        if entry["event"] == "attempt":
            directory = plan.folder(number) / entry["directory"]
            found.append(_Attempt(entry["host"], entry["time"], directory))
        elif found:
            found[-1].news.append(entry)
    return found


def unfinished(plan: Plan, number: int) -> list[_Key]:
    """Return the tests of shard `number` that have no result yet."""
    results = _results(plan, number, 0.0, stopped=False)
    return [
        (runner, id)
        for runner, id in plan.shards[number].tests
        if all(test.outcome in _UNFINISHED for test in results.get((runner, id), []))
    ]


def merge(plan: Plan, record: RunRecord, *, errors: Sequence[str] = (), signal: int = 0) -> None:
    """Give `record` all that the workers of the whole run recorded; the verdict is not set.

    `errors` say why tests may have no result, `signal` is the one by which the user stopped the
    run, or 0.
    """
    record.tests, record.errors, record.commands = [], list(errors), {}
    record.seconds = round(time.time() - _begin(record), 3)
    seen: set[_Key] = set()
    for number, shard in enumerate(plan.shards):
        results = _results(plan, number, _begin(record), stopped=bool(signal))
        tried = attempts(plan, number)
        for key in shard.tests:
            results.setdefault(key, [_missing(key, begun=bool(tried), stopped=bool(signal))])
        for key, tests in results.items():
            # A module that is skipped or broken is found by every worker that looks into it.
            if key not in seen or key in set(shard.tests):
                record.tests += tests
            seen.add(key)
        for attempt in tried:
            part = attempt.record()
            if part is None:
                continue
            record.commands |= part.commands
            record.warnings += [w for w in part.warnings if w not in record.warnings]
            if part.status is not Status.INTERRUPTED:
                record.errors += [f"{attempt.host}: {error}" for error in part.errors]
    for test in record.tests:
        record.commands.setdefault(test.runner, [])


def _missing(key: _Key, *, begun: bool, stopped: bool) -> TestResult:
    runner, id = key
    if stopped or not begun:
        return TestResult(id, runner, Outcome.NOT_RUN, reason=INTERRUPTED if stopped else None)
    return TestResult(id, runner, Outcome.LOST, reason="its worker is lost")


def _results(
    plan: Plan, number: int, begin: float, *, stopped: bool
) -> dict[_Key, list[TestResult]]:
    """Return the results of a shard; a later attempt counts where it came to a result."""
    found: dict[_Key, list[TestResult]] = {}
    for attempt in attempts(plan, number):
        latest: dict[_Key, list[TestResult]] = {}
        for test in attempt.results(plan.directory, begin, stopped=stopped):
            latest.setdefault((test.runner, test.id), []).append(test)
        for key, tests in latest.items():
            before = found.get(key)
            nothing_new = all(test.outcome in _UNFINISHED for test in tests)
            if before is None or not nothing_new:
                found[key] = tests if before is None else _with_earlier(before, tests)
    return found


def _with_earlier(before: list[TestResult], after: list[TestResult]) -> list[TestResult]:
    """Return the results `after`, with those `before` as earlier attempts of the same tests."""
    if len(before) != len(after):
        return after
    return [replace(new, earlier=[*old.attempts, *new.earlier]) for old, new in zip(before, after)]


def _begin(record: RunRecord) -> float:
    return datetime.fromisoformat(record.start).timestamp()
