# SPDX-License-Identifier: MIT
"""Runs ctest and pytest side by side and keeps the record of the run."""

from __future__ import annotations

import os
import queue
import socket
import sys
import time
import traceback
from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

from rich.console import Console
from rich.text import Text

from ftorch_tools import project
from ftorch_tools.cores import usable_cores
from ftorch_tools.display import Display
from ftorch_tools.drivers.ctest import CTest, find_ctest
from ftorch_tools.drivers.events import Closed, Event
from ftorch_tools.drivers.launcher import mpi_launcher
from ftorch_tools.drivers.pytest_paths import find_paths
from ftorch_tools.drivers.pytest_runner import Pytest
from ftorch_tools.drivers.runner import Runner
from ftorch_tools.drivers.slots import Free, free
from ftorch_tools.errors import ExitCode, InfrastructureError
from ftorch_tools.estimate import read_durations
from ftorch_tools.gpus import device_names, silence, usable_gpus
from ftorch_tools.installed import ftorch_of
from ftorch_tools.interrupts import Signals, Stop
from ftorch_tools.records.keeper import Keeper
from ftorch_tools.records.record import Outcome, RunRecord, Status, TestResult
from ftorch_tools.selection import Selection

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
        root = options.output or options.build / "ftorch-test"
        latest = root / "latest"
        self._previous = latest.resolve() if latest.is_dir() else None
        self._durations = read_durations(root)
        start = datetime.now(timezone.utc)
        self.directory = _new_directory(root, start)
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
            selection=asdict(options.selection),
        )
        self.record.warnings += silence()
        self._keeper = Keeper(self.record)
        self._events: queue.Queue[Event] = queue.Queue()
        self._runners: dict[str, Runner] = {}
        self._unmatched: set[str] = set()

    def execute(self) -> int:
        """Run the tests and return the exit code; the record is on disk from the first moment.

        Raise OSError when the record cannot be written, even with the space held back for it.
        """
        started = time.monotonic()
        self._keeper.save()
        with Signals() as signals:
            try:
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
        ctest = CTest(
            find_ctest(self._cache),
            options.build,
            self.directory,
            self._previous,
            options.timeout,
            gpus,
            options.build_config,
        )
        selected = ctest.select(options.selection, self.record.jobs)
        self.record.excluded = ctest.excluded
        self._unmatched = ctest.unmatched
        pytest = None
        paths = find_paths(options.pytest_paths, self._project, options.selection)
        if paths:
            pytest = Pytest(
                paths,
                project=self._project,
                build=options.build,
                run_directory=self.directory,
                selection=options.selection,
                jobs=self.record.jobs,
                timeout=options.timeout,
                gpus=gpus,
                launcher=mpi_launcher(self._cache),
            )
        return (ctest if selected else None), pytest

    def _run(self, ctest: CTest | None, pytest: Pytest | None, signals: Signals) -> None:
        self._runners = {runner.name: runner for runner in (ctest, pytest) if runner is not None}
        self.record.commands = {name: runner.command for name, runner in self._runners.items()}
        self._keeper.save()
        with Display(self._console) as display:
            drivers = " and ".join(map(str, self._runners.values())) or "nothing"
            display.say(Text(f"running {drivers} on {self.record.jobs} cores", style="dim"))
            self._share(ctest, pytest)
            for runner in self._runners.values():
                runner.start(self._events.put)
            self._follow(ctest, pytest, signals, display)
        if pytest is not None:
            pytest.slots.remove()

    def _follow(
        self,
        ctest: CTest | None,
        pytest: Pytest | None,
        signals: Signals,
        display: Display,
    ) -> None:
        alive = set(self._runners)
        stop = Stop(list(self._runners.values()), signals)
        next_share = next_look = 0.0
        while alive:
            try:
                event = self._events.get(timeout=_TICK_SECONDS)
                display.apply(event)
                self._keeper.note(event)
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
                    runner.tend()
                    remaining += runner.remaining
                elapsed = display.elapsed()
                display.left = self._durations.left(remaining, elapsed, self.record.jobs)
            display.tick()
            self._keeper.tick()
            stop.advance()

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
        record.excluded += sum(
            runner.excluded for name, runner in self._runners.items() if name != "ctest"
        )
        record.seconds = round(seconds, 3)
        if signals.count:
            record.status, record.exit_code = Status.INTERRUPTED, 128 + signals.number
        elif record.errors:
            record.status, record.exit_code = Status.BROKEN, ExitCode.INFRASTRUCTURE
        else:
            record.status = Status.COMPLETE
            nothing = ExitCode.OK if record.tests else ExitCode.NOTHING_SELECTED
            pytest = self._runners.get("pytest")
            python = pytest.unmatched if pytest else self._unmatched
            self._record_missing(self._unmatched & python)
            failed = record.failures and nothing is ExitCode.OK
            record.exit_code = ExitCode.TESTS_FAILED if failed else nothing
        self._keeper.publish()

    def _record_missing(self, names: Collection[str]) -> None:
        """Record the tests that were asked for by name, and that no driver has."""
        if self._options.selection.lenient:
            self.record.warnings += [f"no such test any more: {name}" for name in sorted(names)]
            return
        for name in sorted(names):
            runner = "pytest" if ".py" in name else "ctest"
            outcome, reason = Outcome.NOT_RUN, "no such test"
            self.record.tests.append(TestResult(name, runner, outcome, reason=reason))


def _new_directory(root: Path, start: datetime) -> Path:
    # What follows the dash, in steps of 16 microseconds, orders the runs of one second.
    while True:
        directory = root / f"{start:%Y%m%dT%H%M%S}-{start.microsecond // 16:04x}"
        try:
            directory.mkdir(parents=True)
            return directory
        except FileExistsError:
            start += timedelta(microseconds=16)
