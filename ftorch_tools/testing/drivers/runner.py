# SPDX-License-Identifier: MIT
"""What ctest and pytest have in common when they are run."""

from __future__ import annotations

import math
import re
import signal
import threading
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path

from ftorch_tools.testing.drivers.process import Child
from ftorch_tools.testing.records.events import Closed, Emit
from ftorch_tools.testing.records.record import INTERRUPTED, Outcome, TestResult

# What is kept of one test's output: enough for any log, too little to fill the memory.
OUTPUT_LIMIT = 16 * 1024 * 1024
# In seconds: timers take no number that is much larger.
LONGEST_TIMEOUT = 1e7
_NO_TEXT = re.compile("[\udc80-\udcff]")
_SKIP_REASON = re.compile(r"^\s*SKIP(?:PED)?:\s*(\S.*?)\s*$", re.MULTILINE)


def printed_skip_reason(output: str) -> str | None:
    """Return the text of the first line `SKIP: reason` of a test's output."""
    found = _SKIP_REASON.search(output)
    return found.group(1) if found else None


def finite(value: object) -> float | None:
    """Return a measured value as a number; None for one that is not finite or no number."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _readable(text: str) -> str:
    """Return `text` with a mark for each byte that was no text."""
    return _NO_TEXT.sub("\N{REPLACEMENT CHARACTER}", text)


def cut_notice(count: int) -> str:
    """Return the line that stands for what was cut from an output."""
    return f"\n[ftorch-test: {count} bytes left out]\n"


def tail(log: Path, limit: int = 64 * 1024) -> str:
    """Return the end of a log file; empty when there is none."""
    try:
        with log.open("rb") as stream:
            stream.seek(max(0, log.stat().st_size - limit))
            return stream.read().decode("utf-8", "replace")
    except OSError:
        return ""


class OutputStore:
    """Keeps the output of each test in a file of its own below the run directory.

    `problem` is the first error in doing so; the run goes on without the output.
    """

    def __init__(self, run_directory: Path, runner: str) -> None:
        self._root = run_directory
        self._folder = run_directory / "output"
        self._runner = runner
        self._count = 0
        self._lock = threading.Lock()
        self.problem: OSError | None = None

    def keep(self, name: str, text: str) -> str | None:
        """Write `text` and return its path relative to the run directory; None when empty."""
        if not text.strip():
            return None
        if len(text) > OUTPUT_LIMIT:
            half = OUTPUT_LIMIT // 2
            text = text[:half] + cut_notice(len(text) - 2 * half) + text[-half:]
        with self._lock:
            self._count += 1
            number = self._count
        readable = re.sub(r"[^A-Za-z0-9._-]+", "_", name)[-80:]
        file = self._folder / f"{self._runner}-{number:04d}-{readable}.txt"
        try:
            self._folder.mkdir(exist_ok=True)
            file.write_text(_readable(text), encoding="utf-8", errors="backslashreplace")
        except OSError as error:
            self.problem = self.problem or error
            with suppress(OSError):
                file.unlink()
            return None
        return file.relative_to(self._root).as_posix()


class Runner(ABC):
    """One test driver and what it found.

    `results`, `errors`, `warnings`, `excluded` (tests left out only because they are slow) and
    `unmatched` (tests asked for by name that the driver does not have) are complete when `Closed`
    has been emitted.
    """

    name: str
    _outputs: OutputStore

    def __init__(self) -> None:
        self.command: list[str] = []
        self.results: list[TestResult] = []
        self.errors: list[str] = []
        self.warnings: list[str] = []
        self.excluded = 0
        self.unmatched: set[str] = set()
        self.interrupted = False
        self._child: Child | None = None
        self._emit: Emit = lambda event: None

    def __str__(self) -> str:
        return self.name

    def start(self, emit: Emit) -> None:
        """Start the driver; `emit` is called from another thread."""
        self._emit = emit
        try:
            self._child = self._launch()
        except OSError as error:
            self.errors.append(f"cannot start {self.name}: {error}")
            emit(Closed(self.name))

    def interrupt(self) -> None:
        """Ask the driver and its tests to stop."""
        self.interrupted = True
        self._interrupt()

    def kill(self) -> None:
        """End the driver and its tests at once."""
        self.interrupted = True
        self._signal(signal.SIGKILL, group=True)

    def _signal(self, number: signal.Signals, *, group: bool) -> None:
        if self._child is not None:
            self._child.signal(number, group=group)

    def _exited(self, code: int) -> None:
        try:
            self._collect(code)
        except Exception as error:  # a report that cannot be read must not hang the run
            self.errors.append(f"{self.name}: cannot read its report: {error!r}")
        problems = [self._child and self._child.problem, self._outputs.problem]
        what = [f"{self.name}: cannot follow it", "outputs of tests are missing"]
        self.errors += [f"{text}: {error}" for text, error in zip(what, problems) if error]
        self._emit(Closed(self.name))

    def _unreported(self, id: str, *, started: bool, labels: list[str]) -> TestResult:
        """Return the result of a test without a report: not run if the user stopped it first."""
        outcome = Outcome.NOT_RUN if self.interrupted and not started else Outcome.LOST
        reason = INTERRUPTED if self.interrupted else None
        return TestResult(id, self.name, outcome, labels=labels, reason=reason)

    @property
    @abstractmethod
    def remaining(self) -> list[str]:
        """The names of the tests that are known to be wanted and have not ended."""

    def supervise(self) -> None:  # noqa: B027 (nothing to do for most)
        """Do what the driver needs from time to time; to be called about once a second."""

    @abstractmethod
    def _launch(self) -> Child: ...

    @abstractmethod
    def _interrupt(self) -> None: ...

    @abstractmethod
    def _collect(self, code: int) -> None: ...
