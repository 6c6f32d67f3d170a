# SPDX-License-Identifier: MIT
"""Runs ctest and pytest side by side and keeps the record of the run."""

from __future__ import annotations

import os
import queue
import secrets
import signal
import socket
import sys
import time
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from types import FrameType, TracebackType

from rich.console import Console
from rich.text import Text

from ftorch_tools import project
from ftorch_tools.cores import usable_cores
from ftorch_tools.display import Display
from ftorch_tools.drivers.ctest import CTest, find_ctest
from ftorch_tools.drivers.events import Closed, Event
from ftorch_tools.drivers.pytest_runner import Pytest, has_tests, narrow
from ftorch_tools.drivers.runner import Runner
from ftorch_tools.drivers.slots import free_cores
from ftorch_tools.errors import ExitCode, InfrastructureError
from ftorch_tools.records.junit import write_junit
from ftorch_tools.records.keeper import Keeper
from ftorch_tools.records.record import Outcome, RunRecord, Status, TestResult
from ftorch_tools.selection import Selection

_TICK_SECONDS = 0.1
# How long the drivers may take to stop their tests after an interrupt.
_STOP_SECONDS = 5.0


@dataclass(frozen=True)
class Options:
    """What a run is asked to do."""

    build: Path
    selection: Selection
    timeout: float
    jobs: int | None = None
    output: Path | None = None
    pytest_paths: tuple[Path, ...] = ()


class Signals:
    """Counts interrupts while it is entered, in place of being ended by them."""

    _watched = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def __init__(self) -> None:
        self.count = 0
        self.number = 0

    def __enter__(self) -> Signals:
        self._before = [signal.signal(number, self._note) for number in self._watched]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number, handler in zip(self._watched, self._before):
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.count += 1
        self.number = self.number or number


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
        start = datetime.now(timezone.utc)
        self.directory = _new_directory(root, start)
        cores = usable_cores()
        commit, dirty = project.commit(self._project)
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
            libtorch=project.libtorch_version(cache),
            cmake=project.cmake_version(cache),
            compilers=project.compilers(options.build, cache),
            devices=project.devices(),
            selection=asdict(options.selection),
        )
        self._keeper = Keeper(self.record)
        self._events: queue.Queue[Event] = queue.Queue()
        self._runners: dict[str, Runner] = {}
        self._unmatched: set[str] = set()

    def execute(self) -> int:
        """Run the tests and return the exit code; the record is on disk from the first moment."""
        started = time.monotonic()
        self._keeper.save()
        with Signals() as signals:
            try:
                ctest, pytest = self._prepare()
                self._run(ctest, pytest, signals)
            except InfrastructureError as error:
                self.record.errors.append(str(error))
            self._conclude(signals, time.monotonic() - started)
        assert self.record.exit_code is not None
        return self.record.exit_code

    def _prepare(self) -> tuple[CTest | None, Pytest | None]:
        options = self._options
        ctest = CTest(
            find_ctest(self._cache),
            options.build,
            self.directory,
            self._previous,
            options.timeout,
        )
        selected = ctest.select(options.selection, self.record.jobs)
        self.record.excluded = ctest.excluded
        self._unmatched = ctest.unmatched
        pytest = None
        default = self._project / "tests"
        paths = list(options.pytest_paths) or ([default] if has_tests(default) else [])
        paths = narrow(paths, self._project, options.selection)
        if paths:
            pytest = Pytest(
                paths,
                project=self._project,
                build=options.build,
                run_directory=self.directory,
                selection=options.selection,
                jobs=self.record.jobs,
                timeout=options.timeout,
            )
        return (ctest if selected else None), pytest

    def _run(self, ctest: CTest | None, pytest: Pytest | None, signals: Signals) -> None:
        self._runners = {runner.name: runner for runner in (ctest, pytest) if runner is not None}
        self.record.commands = {name: runner.command for name, runner in self._runners.items()}
        self._keeper.save()
        with Display(self._console) as display:
            drivers = " and ".join(self._runners) or "nothing"
            display.say(Text(f"running {drivers} on {self.record.jobs} cores", style="dim"))
            self._share(ctest, pytest)
            for runner in self._runners.values():
                runner.start(self._events.put)
            self._follow(ctest, pytest, signals, display)
        self._share(None, pytest)

    def _follow(
        self,
        ctest: CTest | None,
        pytest: Pytest | None,
        signals: Signals,
        display: Display,
    ) -> None:
        alive = set(self._runners)
        stop = _Stop(list(self._runners.values()), signals)
        next_share = 0.0
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
            display.tick()
            self._keeper.tick()
            stop.advance()

    def _share(self, ctest: CTest | None, pytest: Pytest | None) -> None:
        if pytest is None:
            return
        if ctest is None:
            pytest.slots.lift()
        else:
            pytest.slots.offer(free_cores(self.record.jobs, ctest.running, ctest.unstarted))

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
            self._name_unmatched()
            failed = record.failures and nothing is ExitCode.OK
            record.exit_code = ExitCode.TESTS_FAILED if failed else nothing
        self._keeper.finish()
        write_junit(record, self.directory, self.directory / "junit.xml")
        _point(self.directory.parent / "latest", self.directory.name)

    def _name_unmatched(self) -> None:
        """Record the tests that were asked for by name, and that no driver has."""
        pytest = self._runners.get("pytest")
        missing = self._unmatched & pytest.unmatched if pytest else self._unmatched
        for name in sorted(missing):
            runner = "pytest" if ".py" in name else "ctest"
            outcome, reason = Outcome.NOT_RUN, "no such test"
            self.record.tests.append(TestResult(name, runner, outcome, reason=reason))


class _Stop:
    """Turns interrupts into the end of the drivers: politely first, then at once."""

    def __init__(self, runners: list[Runner], signals: Signals) -> None:
        self._runners = runners
        self._signals = signals
        self._asked = False
        self._deadline = float("inf")

    def advance(self) -> None:
        """Do what is due now."""
        if self._signals.count and not self._asked:
            self._asked = True
            self._deadline = time.monotonic() + _STOP_SECONDS
            for runner in self._runners:
                runner.interrupt()
        if self._signals.count > 1 or time.monotonic() > self._deadline:
            for runner in self._runners:
                runner.kill()


def _new_directory(root: Path, start: datetime) -> Path:
    # The random part keeps two runs of one second apart.
    directory = root / f"{start:%Y%m%dT%H%M%S}-{secrets.token_hex(2)}"
    directory.mkdir(parents=True)
    return directory


def _point(link: Path, target: str) -> None:
    part = link.with_name(f"{link.name}.{target}")
    part.symlink_to(target)
    os.replace(part, link)
