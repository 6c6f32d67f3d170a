# SPDX-License-Identifier: MIT
"""Runs a folder of Python tests with pytest under xdist."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from ftorch_tools.testing.drivers.attempts import Results
from ftorch_tools.testing.drivers.isolated import IsolatedRunner, IsolatedTest, IsolationSettings
from ftorch_tools.testing.drivers.process import Child
from ftorch_tools.testing.drivers.pytest_command import EVENTS, OPTIONS, commands, environment_for
from ftorch_tools.testing.drivers.pytest_end import explained_statuses, read_end_notes, read_fault
from ftorch_tools.testing.drivers.runner import OutputStore, Runner, tail
from ftorch_tools.testing.drivers.slots import Slots
from ftorch_tools.testing.gpus import NONE, Gpus
from ftorch_tools.testing.records.events import Planned, Started
from ftorch_tools.testing.records.record import Outcome, TestResult
from ftorch_tools.testing.selection import PYTHON, Choice, Selection, reached_by
from ftorch_tools.text import lines_of

_REMOVED = "deselected or removed by the settings of pytest, a conftest.py or a plugin"
_BROKEN = "collection error"
# How long pytest may do nothing: import modules, or clear up when all tests have ended.
SILENCE_SECONDS = 60.0


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
        build: Path | None,
        run_directory: Path,
        selection: Selection,
        jobs: int,
        timeout: float,
        gpus: Gpus = NONE,
        launcher: list[str] | None = None,
        epoch: float | None = None,
    ) -> None:
        super().__init__()
        self._epoch = time.time() if epoch is None else epoch
        self.slots = Slots()
        self._project = project
        self._log = run_directory / "pytest.log"
        self._folder = run_directory / "pytest"
        self._folder.mkdir()
        self._collection = self._folder / "collection.json"
        self._outputs = OutputStore(run_directory, self.name)
        self._selection = selection
        # Until pytest has collected its tests.
        self.unmatched = {name for runner, name in selection.tests or [] if runner == self.name}
        self._timeout = timeout
        self._planned: list[str] = []
        self._in_workers: list[str] = []
        self._removed: list[tuple[str, list[str]]] = []
        self._names: dict[str, str] = {}
        self._gathered = Results(self.results)
        self._started: set[str] = set()
        self._running: set[str] = set()
        self._finished: set[str] = set()
        self._modules: dict[str, TestResult] = {}
        self._status: int | None = None
        self._alone = False
        # When pytest did something last, while it is to do something.
        self._last_activity = float("inf")
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
        self._environment = environment_for(options_file, build)
        self.command, alone = commands(paths, project, timeout, jobs, self._folder / "cache")
        self._isolated = IsolatedRunner(
            IsolationSettings(
                command=alone,
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

    def supervise(self) -> None:
        """End a pytest that does nothing: in a test its time is limited, elsewhere it is not."""
        now = time.monotonic()
        left = set(self._in_workers) - self._finished
        if left and (self._started - self._finished or not self.slots.all_open):
            self._last_activity = now
        done = bool(self._in_workers) and not left
        limit = SILENCE_SECONDS + (0.0 if done else self._timeout)
        if now - self._last_activity > limit and not self._alone and not self.interrupted:
            self._last_activity = float("inf")
            what = "does not end" if done else "begins no test"
            self.errors.append(f"pytest hangs: it {what} for {limit:g} s; see {self._log}")
            self._signal(signal.SIGKILL, group=True)

    def _launch(self) -> Child:
        self._last_activity = time.monotonic()
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
        self._last_activity = time.monotonic()
        try:
            event = json.loads(line)
        except ValueError:
            self.errors.append(f"pytest: unreadable event {line[:80]!r}")
            return
        getattr(self, f"_on_{event.pop('event')}")(**event)

    def _on_planned(self, ids: list[str]) -> None:
        alone = self._read_collection()
        self._in_workers = [self._name_of(id) for id in ids]
        self._planned = [*self._in_workers, *(test.id for test in alone)]
        self._emit(Planned(self.name, len(self._planned)))

    def _name_of(self, id: str) -> str:
        """Return the name that a test had before plugins changed it."""
        return self._names.get(id, id)

    def _on_ignored(self, options: list[str]) -> None:
        self.warnings.append(f"pytest: {', '.join(options)} of the settings has no effect")

    def _on_started(self, id: str) -> None:
        id = self._name_of(id)
        self._started.add(id)
        self._running.add(id)
        self._emit(Started(self.name, id))

    def _on_finished(
        self,
        id: str,
        outcome: str,
        output: str,
        worker: str | None = None,
        limit: float | None = None,
        began: float | None = None,
        final: bool = False,
        earlier: Sequence[dict[str, Any]] = (),
        **values: Any,
    ) -> None:
        id = self._name_of(id)
        for attempt in earlier:
            self._on_finished(id, **attempt)
        verdict = Outcome(outcome)
        if verdict is Outcome.CRASHED:
            fault = read_fault(self._folder, worker)
            output = f"{output}\n{fault}"
            # faulthandler says so; the thread of pytest-timeout just ends the process.
            late = (values.get("seconds") or 0.0) >= (limit or self._timeout)
            if fault.startswith("Timeout (") or (late and values.get("exit_code") == 1):
                verdict = Outcome.TIMEOUT
                values["signal"] = values["exit_code"] = None
        kept = self._outputs.keep(id, output)
        self._finished.add(id)
        self._running.discard(id)
        if began is not None:
            values["start"] = round(began - self._epoch, 3)
        self._add(TestResult(id, self.name, verdict, output=kept, **values), final=final)

    def _add(self, result: TestResult, *, final: bool = False) -> None:
        self._emit(self._gathered.add(result, final=final))

    def _on_module(self, id: str, output: str, reason: str | None) -> None:
        """A module that was skipped, or (without a reason) cannot be collected."""
        if id in self._modules:
            return
        outcome = Outcome.NOT_RUN if reason is None else Outcome.SKIPPED
        result = TestResult(
            id, self.name, outcome, reason=reason or _BROKEN, labels=[PYTHON], output=None
        )
        self._modules[id] = result
        if reason and self._selection.choose(self.name, id, [PYTHON]) is not Choice.SELECTED:
            return
        if reason is None:
            self.errors.append(f"pytest cannot collect {id}; see {self._log}")
        result.output = self._outputs.keep(id, output)
        self._add(result)

    def _on_session_finished(self, status: int, died: dict[str, str], late: list[str]) -> None:
        self._status = status
        if late and not self.interrupted:
            self.warnings.append(f"pytest: {', '.join(late)} did not end in time, and was ended")
        for worker, error in () if self.interrupted else died.items():
            last = lines_of(error.strip())[-1]
            self.errors.append(f"pytest: worker {worker} broke between tests: {last}")

    def _read_collection(self) -> list[IsolatedTest]:
        """Take in what the workers found, and return the tests to run alone."""
        try:
            text = self._collection.read_text(encoding="ascii")
        except OSError:
            return []
        found = json.loads(text)
        self.excluded = found["excluded"]
        self._removed = found["removed"]
        self._names = found["names"]
        self.unmatched = set(found["unmatched"])
        for values in found["modules"]:
            self._on_module(**values)
        return [IsolatedTest(**test) for test in found["isolated"]]

    def _collect(self, code: int) -> None:
        alone = self._read_collection()
        self._alone = True
        self._check(code)
        if alone and not self.interrupted:
            self._isolated.run(alone, self._on_started, self._on_finished)
        for id in dict.fromkeys([*self._planned, *(test.id for test in alone)]):
            # Also one that has a result, and had begun again.
            if id not in self._finished or id in self._running:
                self._add(self._unreported(id, started=id in self._started, labels=[PYTHON]))
        for id, labels in self._removed:
            skipped = TestResult(id, self.name, Outcome.SKIPPED, reason=_REMOVED, labels=labels)
            self._add(skipped)
        self._tell_of_modules()

    def _tell_of_modules(self) -> None:
        """Record the tests asked for in modules that are skipped or broken."""
        for name in sorted(self.unmatched):
            holders = (self._modules.get(holder) for holder in reached_by(self.name, name))
            module = next(filter(None, holders), None)
            if module is not None:
                self.unmatched.discard(name)
                if name != module.id:
                    self._add(replace(module, id=name))

    def _check(self, code: int) -> None:
        """Compare the status of pytest with the verdicts: what they do not explain is an error."""
        # Workers break alike: one tells enough.
        for worker, note in () if self.interrupted else read_end_notes(self._folder)[:1]:
            self.errors.append(f"pytest: worker {worker} broke {note}; see {self._log}")
        # Workers may end as if nothing was wrong before they have looked for tests.
        finished = self._status is not None and self._collection.exists()
        failed = any(test.outcome.is_failure for test in self.results)
        explained = explained_statuses(failed=failed, empty=not self._in_workers)
        if finished and {self._status, code} <= explained:
            return
        if not self.interrupted and not self.errors:
            when = "although no test explains it" if finished else "before it had finished"
            self.errors.append(
                f"pytest ended with status {code} {when}; see {self._log}\n"
                + "\n".join(lines_of(tail(self._log))[-15:])
            )
