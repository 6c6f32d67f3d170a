# SPDX-License-Identifier: MIT
"""Runs ctest and pytest side by side and keeps the record of the run."""

from __future__ import annotations

import os
import queue
import socket
import sys
import time
import traceback
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from rich.console import Console
from rich.text import Text

from ftorch_tools.errors import InfrastructureError
from ftorch_tools.testing import project
from ftorch_tools.testing.cores import usable_cores
from ftorch_tools.testing.display import Display
from ftorch_tools.testing.drivers.ctest import CTest, find_ctest
from ftorch_tools.testing.drivers.launcher import mpi_launcher
from ftorch_tools.testing.drivers.pytest_paths import find_paths
from ftorch_tools.testing.drivers.pytest_runner import Pytest
from ftorch_tools.testing.drivers.runner import Runner
from ftorch_tools.testing.drivers.shutdown import Shutdown
from ftorch_tools.testing.drivers.slots import Free, free
from ftorch_tools.testing.estimate import read_durations
from ftorch_tools.testing.gpus import Gpus, device_names, nvidia_smi_warnings, usable_gpus
from ftorch_tools.testing.guard import Guard
from ftorch_tools.testing.installed import ftorch_of
from ftorch_tools.testing.interrupts import Signals
from ftorch_tools.testing.records.directory import new_directory
from ftorch_tools.testing.records.events import Closed, Event
from ftorch_tools.testing.records.missing import record_missing, warn_of_missing
from ftorch_tools.testing.records.record import RunRecord
from ftorch_tools.testing.records.record_writer import RecordWriter
from ftorch_tools.testing.selection import PYTEST, Selection
from ftorch_tools.testing.selection.names import to_id

_TICK_SECONDS = 0.1
# How often the whole state of the machine is looked at.
_SLOW_TICK_SECONDS = 1.0


@dataclass(frozen=True)
class Options:
    """What a run is asked to do."""

    build: Path
    selection: Selection
    timeout: float
    jobs: int | None = None
    output: Path | None = None
    pytest_paths: tuple[Path, ...] = ()
    build_config: str | None = None


class Run:
    """One run: `execute` it, then read `record`; its files lie in `directory`."""

    def __init__(self, options: Options, console: Console) -> None:
        self._options = options
        self._console = console
        cache = project.read_cache(options.build)
        self._cache = cache
        self._project = project.find_project(options.build, cache)
        root = options.output or project.runs_folder(options.build)
        latest = root / "latest"
        self._previous = latest.resolve() if latest.is_dir() else None
        self._durations = read_durations(root)
        start = datetime.now(timezone.utc)
        self._epoch = start.timestamp()
        self.directory = new_directory(root, start)
        cores = usable_cores()
        ftorch, prefix = ftorch_of(cache)
        # The suite of a prefix inside a work tree is no part of its commits.
        commit, dirty = (None, None) if prefix else project.commit(self._project)
        self.record = RunRecord(
            id=self.directory.name,
            start=start.isoformat(timespec="seconds"),
            host=socket.gethostname(),
            pid=os.getpid(),
            project=str(self._project),
            build=str(options.build),
            directory=str(self.directory),
            command=list(sys.argv),
            cores=cores,
            jobs=options.jobs or cores,
            timeout=options.timeout,
            commit=commit,
            dirty=dirty,
            ftorch=ftorch,
            prefix=prefix,
            libtorch=project.libtorch_version(cache),
            cmake=project.cmake_version(cache),
            compilers=project.compilers(options.build, cache),
            devices=device_names(),
            selection=options.selection.to_record(),
        )
        self.record.warnings += nvidia_smi_warnings()
        self._writer = self._make_writer()
        self._events: queue.Queue[Event] = queue.Queue()
        self._runners: dict[str, Runner] = {}
        self._unmatched: set[tuple[str, str]] = set()

    def _make_writer(self) -> RecordWriter:
        return RecordWriter(self.record)

    def execute(self, signals: Signals) -> int:
        """Run the tests and return the exit code; the record is on disk from the first moment.

        Raise OSError when the record cannot be written, even with the space held back for it.
        """
        started = time.monotonic()
        self._writer.save()
        with Guard():
            try:
                if not signals.count:
                    ctest, pytest = self._prepare()
                    self._run(ctest, pytest, signals)
            except (InfrastructureError, OSError) as error:
                self.record.errors.append(str(error))
            except Exception:
                self.record.errors.append(f"error in ftorch-test: {traceback.format_exc()}")
            finally:
                for runner in self._runners.values():
                    runner.kill()
            self._conclude(signals, time.monotonic() - started)
        assert self.record.exit_code is not None
        return self.record.exit_code

    def _prepare(self) -> tuple[CTest | None, Pytest | None]:
        options = self._options
        gpus = usable_gpus()
        selection, ctest = self._resolve(gpus)
        selected = 0
        if ctest is not None:
            selected = ctest.select(selection, self.record.jobs)
            self.record.excluded = ctest.excluded
            self._unmatched = {(ctest.name, name) for name in ctest.unmatched}
        pytest = None
        paths = find_paths(options.pytest_paths, self._project, selection)
        if paths:
            pytest = Pytest(
                paths,
                project=self._project,
                build=options.build if ctest else None,
                run_directory=self.directory,
                selection=selection,
                jobs=self.record.jobs,
                timeout=options.timeout,
                gpus=gpus,
                launcher=mpi_launcher(self._cache),
                epoch=self._epoch,
            )
        else:
            self._unmatched |= {(PYTEST, name) for name in selection.unmatched(PYTEST, [])}
        return (ctest if selected else None), pytest

    def _resolve(self, gpus: Gpus) -> tuple[Selection, CTest | None]:
        """Return the selection, with a runner for each test that is named, and ctest if it is."""
        options, ctest, names = self._options, None, []
        if project.has_ctest(options.build):
            ctest = CTest(
                find_ctest(self._cache),
                options.build,
                self.directory,
                self._previous,
                options.timeout,
                gpus,
                options.build_config,
                self._epoch,
            )
            names = [test.name for test in ctest.list_all()]
        selection = options.selection.resolved(names, lambda name: to_id(name, self._project))
        return selection, ctest

    def _run(self, ctest: CTest | None, pytest: Pytest | None, signals: Signals) -> None:
        self._runners = {runner.name: runner for runner in (ctest, pytest) if runner is not None}
        self.record.commands = {name: runner.command for name, runner in self._runners.items()}
        self._writer.save()
        with Display(self._console) as display:
            drivers = " and ".join(map(str, self._runners.values())) or "nothing"
            display.say(Text(f"running {drivers} on {self.record.jobs} cores", style="dim"))
            self._share(ctest, pytest)
            for runner in self._runners.values():
                runner.start(self._events.put)
            self._process_events(ctest, pytest, signals, display)
        if pytest is not None:
            pytest.slots.remove()

    def _process_events(
        self,
        ctest: CTest | None,
        pytest: Pytest | None,
        signals: Signals,
        display: Display,
    ) -> None:
        alive = set(self._runners)
        shutdown = Shutdown(list(self._runners.values()), signals)
        next_share = next_look = 0.0
        while alive:
            try:
                event = self._events.get(timeout=_TICK_SECONDS)
                display.apply(event)
                self._writer.note(event)
                if isinstance(event, Closed):
                    alive.discard(event.runner)
            except queue.Empty:
                pass
            if time.monotonic() >= next_share:
                next_share = time.monotonic() + _TICK_SECONDS
                self._share(ctest if "ctest" in alive else None, pytest)
            if time.monotonic() >= next_look:
                next_look = time.monotonic() + _SLOW_TICK_SECONDS
                remaining = []
                for runner in self._runners.values():
                    runner.supervise()
                    remaining += [(runner.name, id) for id in runner.remaining]
                elapsed = display.elapsed()
                display.left = self._durations.left(remaining, elapsed, self.record.jobs)
            display.tick()
            self._writer.tick()
            shutdown.advance()

    def _share(self, ctest: CTest | None, pytest: Pytest | None) -> None:
        if pytest is None:
            return
        if ctest is None:
            pytest.slots.open(Free(self.record.jobs, True))
        else:
            pytest.slots.offer(free(self.record.jobs, ctest.running, ctest.unstarted))

    def _conclude(self, signals: Signals, seconds: float) -> None:
        record = self.record
        for runner in self._runners.values():
            record.tests += runner.results
            record.errors += runner.errors
            record.warnings += runner.warnings
        record.excluded += sum(
            runner.excluded for name, runner in self._runners.items() if name != "ctest"
        )
        record.seconds = round(seconds, 3)
        if "pytest" in self._runners:
            self._unmatched |= {(PYTEST, name) for name in self._runners["pytest"].unmatched}
        nothing = not record.tests
        if self._options.selection.ignore_missing:
            warn_of_missing(record, self._unmatched)
        else:
            known = not (signals.count or record.errors)
            record_missing(record, self._unmatched, known=known)
        self._writer.publish(signal=signals.number, nothing_selected=nothing)
