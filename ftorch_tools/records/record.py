# SPDX-License-Identifier: MIT
"""The record of one run: what `run.json` holds."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

SCHEMA = "ftorch-test/run/1"


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
    def words(self) -> str:
        """The outcome as people read it."""
        return self.value.replace("_", " ")


class Status(str, Enum):
    """How far a run came."""

    RUNNING = "running"
    COMPLETE = "complete"
    INTERRUPTED = "interrupted"
    BROKEN = "broken"


@dataclass
class TestResult:
    """One test: `output` is the path of its output, relative to the run directory."""

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

    @property
    def description(self) -> str:
        """The outcome with what is known of its cause, in a few words."""
        details = []
        if self.exit_code is not None and self.outcome in (Outcome.FAILED, Outcome.CRASHED):
            details.append(f"exit code {self.exit_code}")
        if self.signal is not None:
            details.append(self.signal)
        if self.outcome is Outcome.TIMEOUT and self.seconds is not None:
            details.append(f"after {self.seconds:.1f} s")
        if self.reason:
            details.append(self.reason)
        return f"{self.outcome.words} ({', '.join(details)})" if details else self.outcome.words


@dataclass
class Compiler:
    """A compiler as the build's CMake recorded it."""

    path: str
    id: str | None = None
    version: str | None = None


@dataclass
class RunRecord:
    """One run. Times are ISO 8601 in UTC, durations in seconds."""

    id: str
    start: str
    host: str
    project: str
    build: str
    command: list[str]
    cores: int
    jobs: int
    timeout: float
    status: Status = Status.RUNNING
    seconds: float | None = None
    exit_code: int | None = None
    commit: str | None = None
    dirty: bool | None = None
    libtorch: str | None = None
    cmake: str | None = None
    compilers: dict[str, Compiler] = field(default_factory=dict)
    commands: dict[str, list[str]] = field(default_factory=dict)
    selection: dict[str, Any] = field(default_factory=dict)
    excluded: int = 0
    errors: list[str] = field(default_factory=list)
    tests: list[TestResult] = field(default_factory=list)

    def count(self, *outcomes: Outcome) -> int:
        """Return how many tests ended with one of `outcomes`."""
        return sum(test.outcome in outcomes for test in self.tests)

    @property
    def failures(self) -> list[TestResult]:
        """The tests that neither passed nor were skipped."""
        return [test for test in self.tests if test.outcome.is_failure]

    def to_json(self) -> str:
        """Return the record as JSON text; characters outside ASCII are escaped."""
        return json.dumps({"schema": SCHEMA, **asdict(self)}, indent=2) + "\n"

    def write(self, file: Path) -> None:
        """Write the record so that a reader sees either the old one or the new one, whole."""
        part = file.with_suffix(".part")
        part.write_text(self.to_json(), encoding="ascii")
        os.replace(part, file)
