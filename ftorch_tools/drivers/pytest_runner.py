# SPDX-License-Identifier: MIT
"""Runs a folder of Python tests with pytest under xdist."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ftorch_tools.drivers.events import Ended, Planned, Started
from ftorch_tools.drivers.isolated import Isolated, IsolatedTest, Setting
from ftorch_tools.drivers.process import Child
from ftorch_tools.drivers.pytest_paths import arguments, count_tests
from ftorch_tools.drivers.runner import OutputStore, Runner, tail
from ftorch_tools.drivers.slots import Slots
from ftorch_tools.gpus import NONE, Gpus
from ftorch_tools.records.record import Outcome, TestResult
from ftorch_tools.selection import PYTHON, Choice, Selection

# The environment variables that carry what the plugin needs.
OPTIONS = "FTORCH_TEST_PYTEST"
EVENTS = "FTORCH_TEST_EVENTS"
_DESELECTED = "deselected by the settings of pytest or a plugin"
_NO_TESTS_COLLECTED = 5
# How long pytest may do nothing: import modules, or clear up when all tests have ended.
SILENCE_SECONDS = 60.0
_DRIVER_FRAME = re.compile(r'File "(?:.*/(?:_pytest|pytest|pluggy|xdist|execnet)/|<string>)')
_FROM_AN_OUTER_RUN = re.compile(
    r"PYTEST_(XDIST_.*|CURRENT_TEST|VERSION)|FTORCH_TEST_(PYTEST|EVENTS)"
)


class Pytest(Runner):
    """Runs pytest from the project's root, with this package's plugin as its voice.

    What a test needs a process of its own for comes after, when xdist has ended.
    """

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
        gpus: Gpus = NONE,
        launcher: list[str] | None = None,
    ) -> None:
        super().__init__()
        self.slots = Slots()
        self._project = project
        self._log = run_directory / "pytest.log"
        self._folder = run_directory / "pytest"
        self._folder.mkdir()
        self._collection = self._folder / "collection.json"
        self._outputs = OutputStore(run_directory, self.name)
        self._selection = selection
        self._timeout = timeout
        self._planned: list[str] = []
        self._in_workers: list[str] = []
        self._deselected: list[tuple[str, list[str]]] = []
        self._started: set[str] = set()
        self._finished: set[str] = set()
        self._modules: set[str] = set()
        self._status: int | None = None
        self._alone = False
        self._heard = float("inf")  # when pytest did something last, while it is to do something
        options = {
            "paths": [str(path) for path in paths],
            "selection": asdict(selection),
            "slots": str(self.slots.folder),
            "faults": str(self._folder),
            "collection": str(self._collection),
            "timeout": timeout,
            "gpus": asdict(gpus),
        }
        # In a file: the environment is too small for many names.
        options_file = self._folder / "options.json"
        options_file.write_text(json.dumps(options), encoding="ascii")
        self._environment = {
            key: value
            for key, value in os.environ.items()
            if not _FROM_AN_OUTER_RUN.fullmatch(key)
        }
        self._environment[OPTIONS] = str(options_file)
        self._environment["FTORCH_BUILD_DIR"] = str(build)
        common = [sys.executable, "-m", "pytest", "-p", "ftorch_tools.drivers.pytest_plugin"]
        common += ["--timeout", f"{timeout:g}", "--color", "no", "--rootdir", str(project)]
        workers = max(1, min(jobs, count_tests(paths)))
        self.command = [*common, "-n", str(workers), "--max-worker-restart", "1000"]
        self.command += arguments(paths, project)
        self._isolated = Isolated(
            Setting(
                command=[*common, "-n", "0", "-o", f"cache_dir={self._folder / 'cache'}"],
                environment=self._environment,
                options=OPTIONS,
                cwd=project,
                folder=self._folder,
                slots=self.slots.folder,
                gpus=gpus,
                launcher=launcher,
                jobs=jobs,
                timeout=timeout,
            )
        )

    @property
    def remaining(self) -> list[str]:
        """The ids of the collected tests that have not ended."""
        return [id for id in self._planned if id not in self._finished]

    def tend(self) -> None:
        """End a pytest that does nothing: in a test its time is limited, elsewhere it is not."""
        now = time.monotonic()
        left = set(self._in_workers) - self._finished
        if left and (self._started - self._finished or not self.slots.all_open):
            self._heard = now
        done = bool(self._in_workers) and not left
        limit = SILENCE_SECONDS + (0.0 if done else self._timeout)
        if now - self._heard > limit and not self._alone and not self.interrupted:
            self._heard = float("inf")
            what = "does not end" if done else "begins no test"
            self.errors.append(f"pytest hangs: it {what} for {limit:g} s; see {self._log}")
            self._signal(signal.SIGKILL, group=True)

    def _launch(self) -> Child:
        self._heard = time.monotonic()
        return Child(
            self.command,
            cwd=self._project,
            environment=self._environment,
            log=self._log,
            on_line=self._read_line,
            on_exit=self._exited,
            events_variable=EVENTS,
        )

    def _interrupt(self) -> None:
        # As a terminal does it: the workers stop their tests, the controller reports.
        self._signal(signal.SIGINT, group=True)
        self._isolated.signal(signal.SIGTERM)
        if self._alone:
            self.slots.remove()

    def kill(self) -> None:
        """End pytest and its tests at once."""
        super().kill()
        self._isolated.signal(signal.SIGKILL)

    def _read_line(self, line: str) -> None:
        self._heard = time.monotonic()
        try:
            event = json.loads(line)
        except ValueError:
            self.errors.append(f"pytest: unreadable event {line[:80]!r}")
            return
        getattr(self, f"_on_{event.pop('event')}")(**event)

    def _on_planned(self, ids: list[str]) -> None:
        self._in_workers = ids
        self._planned = [*ids, *(test.id for test in self._read_collection())]
        self._emit(Planned(self.name, len(self._planned)))

    def _on_started(self, id: str) -> None:
        self._started.add(id)
        self._emit(Started(self.name, id))

    def _on_finished(
        self,
        id: str,
        outcome: str,
        output: str,
        worker: str | None = None,
        limit: float | None = None,
        **values: Any,
    ) -> None:
        verdict = Outcome(outcome)
        if verdict is Outcome.CRASHED:
            fault = self._fault(worker)
            output = f"{output}\n{fault}"
            # faulthandler says so; the thread of pytest-timeout just ends the process.
            late = (values.get("seconds") or 0.0) >= (limit or self._timeout)
            if fault.startswith("Timeout (") or (late and values.get("exit_code") == 1):
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

    def _on_session_finished(self, status: int, died: dict[str, str]) -> None:
        self._status = status
        for worker, error in () if self.interrupted else died.items():
            last = error.strip().splitlines()[-1]
            self.errors.append(f"pytest: worker {worker} broke between tests: {last}")

    def _read_collection(self) -> list[IsolatedTest]:
        """Take in what the workers found, and return the tests to run alone."""
        try:
            text = self._collection.read_text(encoding="ascii")
        except OSError:
            return []
        found = json.loads(text)
        self.excluded = found["excluded"]
        self._deselected = found["deselected"]
        names = (name for name in found["unmatched"])
        self.unmatched = {n for n in names if n.partition("::")[0] not in self._modules}
        return [IsolatedTest(**test) for test in found["isolated"]]

    def _fault(self, worker: str | None) -> str:
        """What the interpreter of a worker wrote when it crashed, without the drivers' frames."""
        try:
            text = (self._folder / f"{worker}.txt").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""
        return "\n".join(line for line in text.splitlines() if not _DRIVER_FRAME.search(line))

    def _collect(self, code: int) -> None:
        alone = self._read_collection()
        self._alone = True
        if alone and not self.interrupted:
            self._isolated.run(alone, self._on_started, self._on_finished)
        for id in dict.fromkeys([*self._planned, *(test.id for test in alone)]):
            if id not in self._finished:
                outcome = self._unreported(started=id in self._started)
                self.results.append(TestResult(id, self.name, outcome, labels=[PYTHON]))
        for id, labels in self._deselected:
            skipped = TestResult(id, self.name, Outcome.SKIPPED, reason=_DESELECTED, labels=labels)
            self.results.append(skipped)
            self._emit(Ended(self.name, id, skipped.outcome))
        broke = self._status not in (0, 1, _NO_TESTS_COLLECTED)
        # Workers may end as if nothing was wrong before they have looked for tests.
        broke = broke or not self._collection.exists()
        if broke and not self.interrupted and not self.errors:
            self.errors.append(
                f"pytest ended with status {code} before it had finished; see {self._log}\n"
                + "\n".join(tail(self._log).splitlines()[-15:])
            )
