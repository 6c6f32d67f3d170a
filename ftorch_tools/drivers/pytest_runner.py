# SPDX-License-Identifier: MIT
"""Runs a folder of Python tests with pytest under xdist."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ftorch_tools.drivers.events import Ended, Planned, Started
from ftorch_tools.drivers.process import Child
from ftorch_tools.drivers.runner import OutputStore, Runner
from ftorch_tools.drivers.slots import Slots
from ftorch_tools.records.record import Outcome, TestResult
from ftorch_tools.selection import PYTHON, Choice, Selection

# The environment variables that carry what the plugin needs.
OPTIONS = "FTORCH_TEST_PYTEST"
EVENTS = "FTORCH_TEST_EVENTS"
_NO_TESTS_COLLECTED = 5
_DRIVER_FRAME = re.compile(r'File "(?:.*/(?:_pytest|pytest|pluggy|xdist|execnet)/|<string>)')
_FROM_AN_OUTER_RUN = re.compile(r"PYTEST_(XDIST_.*|CURRENT_TEST|VERSION)|FTORCH_TEST_.*")


class Pytest(Runner):
    """Runs pytest from the project's root, with this package's plugin as its voice."""

    name = "pytest"

    def __init__(
        self,
        paths: list[Path],
        *,
        project: Path,
        build: Path,
        run_directory: Path,
        selection: Selection,
        jobs: int,
        timeout: float,
    ) -> None:
        super().__init__()
        self.slots = Slots()
        self._project = project
        self._build = build
        self._log = run_directory / "pytest.log"
        self._faults = run_directory / "faults"
        self._faults.mkdir()
        self._outputs = OutputStore(run_directory, self.name)
        self._selection = selection
        self._timeout = timeout
        self._planned: list[str] = []
        self._started: set[str] = set()
        self._finished: set[str] = set()
        self._modules: set[str] = set()
        self._status: int | None = None
        self._options = {
            "selection": asdict(selection),
            "slots": str(self.slots.folder),
            "faults": str(self._faults),
            "timeout": timeout,
        }
        workers = max(1, min(jobs, _count_tests(paths)))
        self.command = [sys.executable, "-m", "pytest", "-p", "ftorch_tools.drivers.pytest_plugin"]
        self.command += ["-n", str(workers), "--max-worker-restart", "1000"]
        self.command += ["--timeout", f"{timeout:g}", "--color", "no", "--rootdir", str(project)]
        self.command += [str(path) for path in paths]

    def _launch(self) -> Child:
        environment = {
            key: value
            for key, value in os.environ.items()
            if not _FROM_AN_OUTER_RUN.fullmatch(key)
        }
        environment[OPTIONS] = json.dumps(self._options)
        environment["FTORCH_BUILD_DIR"] = str(self._build)
        return Child(
            self.command,
            cwd=self._project,
            environment=environment,
            log=self._log,
            on_line=self._read_line,
            on_exit=self._exited,
            events_variable=EVENTS,
        )

    def _interrupt(self) -> None:
        # As a terminal does it: the workers stop their tests, the controller reports.
        self._signal(signal.SIGINT, group=True)

    def _read_line(self, line: str) -> None:
        try:
            event = json.loads(line)
        except ValueError:
            self.errors.append(f"pytest: unreadable event {line[:80]!r}")
            return
        getattr(self, f"_on_{event.pop('event')}")(**event)

    def _on_planned(self, ids: list[str]) -> None:
        self._planned = ids
        self._emit(Planned(self.name, len(ids)))

    def _on_excluded(self, count: int) -> None:
        # Every worker collects everything.
        self.excluded = max(self.excluded, count)

    def _on_unmatched(self, names: list[str]) -> None:
        modules = self._modules
        self.unmatched.update(n for n in names if n.partition("::")[0] not in modules)

    def _on_started(self, id: str) -> None:
        self._started.add(id)
        self._emit(Started(self.name, id))

    def _on_finished(
        self, id: str, outcome: str, output: str, worker: str | None = None, **values: Any
    ) -> None:
        verdict = Outcome(outcome)
        if verdict is Outcome.CRASHED:
            output = f"{output}\n{self._fault(worker)}"
            if (values.get("seconds") or 0.0) >= self._timeout:
                verdict = Outcome.TIMEOUT
                values["signal"] = values["exit_code"] = None
        kept = self._outputs.keep(id, output)
        self._finished.add(id)
        self.results.append(TestResult(id, self.name, verdict, output=kept, **values))
        self._emit(Ended(self.name, id, verdict))

    def _on_module(self, id: str, output: str, reason: str | None) -> None:
        """A module that was skipped, or (without a reason) cannot be collected."""
        if id in self._modules:
            return
        self._modules.add(id)
        if reason and self._selection.choose(id, [PYTHON]) is not Choice.SELECTED:
            return
        outcome = Outcome.NOT_RUN if reason is None else Outcome.SKIPPED
        if reason is None:
            self.errors.append(f"pytest cannot collect {id}; see {self._log}")
            reason = "collection error"
        kept = self._outputs.keep(id, output)
        self.results.append(
            TestResult(id, self.name, outcome, reason=reason, output=kept, labels=[PYTHON])
        )
        self._emit(Ended(self.name, id, outcome))

    def _on_session_finished(self, status: int) -> None:
        self._status = status

    def _fault(self, worker: str | None) -> str:
        """What the interpreter of a worker wrote when it crashed, without the drivers' frames."""
        try:
            text = (self._faults / f"{worker}.txt").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""
        return "\n".join(line for line in text.splitlines() if not _DRIVER_FRAME.search(line))

    def _collect(self, code: int) -> None:
        for id in self._planned:
            if id not in self._finished:
                outcome = self._unreported(started=id in self._started)
                self.results.append(TestResult(id, self.name, outcome, labels=[PYTHON]))
        broke = self._status not in (0, 1, _NO_TESTS_COLLECTED)
        if broke and not self.interrupted and not self.errors:
            self.errors.append(
                f"pytest ended with status {code} before it had finished; see {self._log}\n"
                + _tail(self._log)
            )


def has_tests(folder: Path) -> bool:
    """Return whether `folder` holds a file that pytest would collect."""
    return next(_test_files(folder), None) is not None


def narrow(paths: list[Path], project: Path, selection: Selection) -> list[Path]:
    """Return what of `paths` holds the tests that `selection` names; all when it names none."""
    if selection.tests is None:
        return paths
    named = dict.fromkeys(project / test.partition("::")[0] for test in selection.tests)
    kept = []
    for file in filter(Path.exists, named):
        place = file.resolve()
        if any(path == place or path in place.parents or place in path.parents for path in paths):
            kept.append(place)
    return kept


def _test_files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
    for pattern in ("test_*.py", "*_test.py"):
        yield from path.rglob(pattern)


def _count_tests(paths: list[Path]) -> int:
    """Count test functions roughly: no more workers than that are of use."""
    count = 0
    for path in paths:
        for file in _test_files(Path(str(path).partition("::")[0])):
            text = file.read_text(encoding="utf-8", errors="replace")
            count += len(re.findall(r"^\s*(?:async )?def test", text, re.MULTILINE))
    return count


def _tail(log: Path, lines: int = 15) -> str:
    text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
    return "\n".join(text.splitlines()[-lines:])
