# SPDX-License-Identifier: MIT
"""The record of one run: what `run.json` holds."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field, fields
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

from ftorch_tools.testing.compiler import Compiler

SCHEMA = "ftorch-test/run/2"


# Why a test has no result, in a run that the user stopped.
INTERRUPTED = "the run was interrupted"


class Outcome(str, Enum):
    """How one test ended."""

    PASSED = "passed"
    FAILED = "failed"
    TIMEOUT = "timeout"
    CRASHED = "crashed"
    SKIPPED = "skipped"
    NOT_RUN = "not_run"
    LOST = "lost"

    @property
    def is_failure(self) -> bool:
        """True for every outcome other than passed and skipped."""
        return self not in (Outcome.PASSED, Outcome.SKIPPED)

    @property
    def phrase(self) -> str:
        """The outcome as people read it."""
        return self.value.replace("_", " ")


class Status(str, Enum):
    """How far a run came."""

    RUNNING = "running"
    COMPLETE = "complete"
    INTERRUPTED = "interrupted"
    BROKEN = "broken"


@dataclass
class Attempt:
    """One execution of a test.

    `start` is in seconds since the start of the run, `host` the machine if it is not that of the
    run, `output` the path of what the test printed, relative to the run directory. A measurement
    that is not finite is None.
    """

    outcome: Outcome
    exit_code: int | None = None
    signal: str | None = None
    start: float | None = None
    seconds: float | None = None
    reason: str | None = None
    output: str | None = None
    host: str | None = None
    measurements: dict[str, float | None] = field(default_factory=dict)

    @property
    def details(self) -> str:
        """What is known of the cause of the outcome, in a few words."""
        details = []
        if self.exit_code is not None and self.outcome in (Outcome.FAILED, Outcome.CRASHED):
            details.append(f"exit code {self.exit_code}")
        if self.signal is not None:
            details.append(self.signal)
        if self.outcome is Outcome.TIMEOUT and self.seconds is not None:
            details.append(f"after {self.seconds:.1f} s")
        if self.reason:
            details.append(self.reason)
        return ", ".join(details)

    @property
    def description(self) -> str:
        """The outcome with its details."""
        return f"{self.outcome.phrase} ({self.details})" if self.details else self.outcome.phrase


@dataclass
class TestResult:
    """One test: how its last attempt ended, and the attempts `earlier` than that one.

    `place` tells tests of one name apart that ctest runs: the folder in the build.
    """

    __test__ = False

    id: str
    runner: str
    outcome: Outcome
    labels: list[str] = field(default_factory=list)
    exit_code: int | None = None
    signal: str | None = None
    seconds: float | None = None
    reason: str | None = None
    output: str | None = None
    start: float | None = None
    host: str | None = None
    measurements: dict[str, float | None] = field(default_factory=dict)
    earlier: list[Attempt] = field(default_factory=list)
    place: str | None = None

    @property
    def attempts(self) -> list[Attempt]:
        """All attempts in their order."""
        values = {item.name: getattr(self, item.name) for item in fields(Attempt)}
        return [*self.earlier, Attempt(**values)]

    @property
    def is_stopped(self) -> bool:
        """Whether it has no result for the one reason that the user stopped the run."""
        return self.reason == INTERRUPTED and self.outcome in (Outcome.LOST, Outcome.NOT_RUN)

    @property
    def is_flaky(self) -> bool:
        """Whether it passed, and an earlier attempt failed by itself."""
        bad = (Outcome.FAILED, Outcome.TIMEOUT, Outcome.CRASHED)
        return self.outcome is Outcome.PASSED and any(a.outcome in bad for a in self.earlier)

    @property
    def description(self) -> str:
        """The outcome of the last attempt with what is known of its cause."""
        return self.attempts[-1].description


@dataclass
class RunRecord:
    """One run, by process `pid` of `host`, with its files in `directory`.

    Times are ISO 8601 in UTC, durations in seconds.
    """

    id: str
    start: str
    host: str
    pid: int
    project: str
    build: str
    directory: str
    command: list[str]
    cores: int
    jobs: int
    timeout: float
    status: Status = Status.RUNNING
    seconds: float | None = None
    exit_code: int | None = None
    commit: str | None = None
    dirty: bool | None = None
    ftorch: str | None = None
    prefix: str | None = None
    libtorch: str | None = None
    cmake: str | None = None
    compilers: dict[str, Compiler] = field(default_factory=dict)
    devices: list[str] | None = None
    job: dict[str, str] | None = None
    commands: dict[str, list[str]] = field(default_factory=dict)
    selection: dict[str, Any] = field(default_factory=dict)
    excluded: int = 0
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    tests: list[TestResult] = field(default_factory=list)

    def count(self, *outcomes: Outcome) -> int:
        """Return how many tests ended with one of `outcomes`."""
        return sum(test.outcome in outcomes for test in self.tests)

    @property
    def problems(self) -> list[str]:
        """What went wrong besides the tests: the errors, or else why there is no verdict."""
        if self.errors:
            return self.errors
        words = {
            Status.RUNNING: "the run has not ended",
            Status.INTERRUPTED: INTERRUPTED,
            Status.BROKEN: "the run is broken",
        }
        return [words[self.status]] if self.status in words else []

    @property
    def unfinished(self) -> list[TestResult]:
        """The tests that neither passed nor were skipped."""
        return [test for test in self.tests if test.outcome.is_failure]

    @property
    def stopped(self) -> list[TestResult]:
        """The tests without a result for the one reason that the user stopped the run."""
        return [test for test in self.unfinished if test.is_stopped]

    @property
    def failures(self) -> list[TestResult]:
        """The tests that neither passed nor were skipped, but for those that were stopped."""
        return [test for test in self.unfinished if not test.is_stopped]

    @property
    def flaky(self) -> list[TestResult]:
        """The tests that passed after an attempt that did not."""
        return [test for test in self.tests if test.is_flaky]

    def to_json(self) -> str:
        """Return the record as JSON text; characters outside ASCII are escaped."""
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        values["compilers"] = {name: asdict(value) for name, value in self.compilers.items()}
        values["tests"] = [test_to_dict(test) for test in self.tests]
        return json.dumps({"schema": SCHEMA, **values}, indent=1) + "\n"

    def write(self, file: Path) -> None:
        """Write the record so that a reader sees either the old one or the new one, whole."""
        part = file.with_suffix(".part")
        part.write_text(self.to_json(), encoding="ascii")
        os.replace(part, file)


def test_to_dict(test: TestResult) -> dict[str, Any]:
    """Return `test` as the records hold it."""
    return {
        "id": test.id,
        "runner": test.runner,
        "outcome": test.outcome,
        "labels": test.labels,
        "place": test.place,
        "attempts": [asdict(attempt) for attempt in test.attempts],
    }


def test_from_dict(values: dict[str, Any]) -> TestResult:
    """Return the test that `values`, as the records hold it, tell of."""
    *earlier, last = [_make(Attempt, attempt) for attempt in values["attempts"]]
    for attempt in [*earlier, last]:
        attempt.outcome = Outcome(attempt.outcome)
    return TestResult(
        values["id"],
        values["runner"],
        labels=values["labels"],
        earlier=earlier,
        place=values.get("place"),
        **vars(last),
    )


def record_from_dict(values: dict[str, Any]) -> RunRecord:
    """Return the record that `values` hold, which must fulfil the schema."""
    record = _make(RunRecord, values)
    record.status = Status(record.status)
    record.compilers = {n: _make(Compiler, v) for n, v in values.get("compilers", {}).items()}
    record.tests = [test_from_dict(test) for test in values.get("tests", [])]
    return record


_Record = TypeVar("_Record")


def _make(kind: type[_Record], values: dict[str, Any]) -> _Record:
    # Versions of ftorch-test may add fields without raising the number of the schema.
    known = {item.name for item in fields(kind)}  # type: ignore[arg-type]
    return kind(**{name: value for name, value in values.items() if name in known})
