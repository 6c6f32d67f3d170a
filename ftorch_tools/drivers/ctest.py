# SPDX-License-Identifier: MIT
"""Lists and runs the tests of a CMake build with ctest."""

from __future__ import annotations

import os
import shutil
import signal
from collections import Counter
from pathlib import Path

from ftorch_tools.command import CommandError, call
from ftorch_tools.drivers.ctest_folder import (
    configurations,
    give_gpus,
    limit_time,
    remove_bulk,
    write_folder,
)
from ftorch_tools.drivers.ctest_list import ListedTest, is_built, list_tests
from ftorch_tools.drivers.ctest_log import Logged, find_logs, read_log
from ftorch_tools.drivers.ctest_report import LiveLine, add_logged, parse_line, read_report
from ftorch_tools.drivers.events import Ended, Planned, Started
from ftorch_tools.drivers.process import Child
from ftorch_tools.drivers.runner import OUTPUT_LIMIT, OutputStore, Runner
from ftorch_tools.errors import InfrastructureError
from ftorch_tools.gpus import NONE, Gpus
from ftorch_tools.interrupts import interruptible
from ftorch_tools.records.record import TestResult
from ftorch_tools.selection import Choice, Selection

_LIST_SECONDS = 300
# Looks in a row that find a test without a process before its output's holders are ended.
_IDLE_LOOKS = 3
_MISLEADING = (
    "CTEST_NO_TESTS_ACTION",
    "CTEST_OUTPUT_ON_FAILURE",
    "CTEST_PARALLEL_LEVEL",
    "CTEST_PROGRESS_OUTPUT",
)


class CTest(Runner):
    """Runs ctest from a private folder that takes in the build folder's tests.

    So each run has its own report, and two runs in one build folder cannot mix theirs.
    """

    name = "ctest"

    def __init__(
        self,
        executable: str,
        build: Path,
        run_directory: Path,
        previous: Path | None,
        timeout: float,
        gpus: Gpus = NONE,
        configuration: str | None = None,
    ) -> None:
        super().__init__()
        self.tests: dict[int, ListedTest] = {}
        self._executable = executable
        self._folder = run_directory / "ctest"
        self._log = run_directory / "ctest.log"
        self._build = build
        self._timeout = timeout
        self._gpus = gpus
        self.configuration = configuration
        self._gpu_environment: dict[str, str] = {}
        self._idle = 0
        self._outputs = OutputStore(run_directory, self.name)
        self._selected: list[int] = []
        self._started: set[int] = set()
        self._ended: dict[int, LiveLine] = {}
        write_folder(self._folder, build, previous)

    def __str__(self) -> str:
        return f"{self.name} ({self.configuration})" if self.configuration else self.name

    def select(self, selection: Selection, jobs: int) -> int:
        """List the tests, choose from them and return how many will run."""
        self._choose_configuration()
        self.tests = {test.number: test for test in list_tests(self._ask)}
        for number, test in self.tests.items():
            choice = selection.choose(test.name, test.labels)
            if choice is Choice.SELECTED:
                self._selected.append(number)
            self.excluded += choice is Choice.EXCLUDED_AS_SLOW
        self.unmatched.update(selection.unmatched([test.name for test in self.tests.values()]))
        chosen = self._folder / "selected"
        numbers = ",".join(map(str, [0, 0, 0, *self._selected]))
        chosen.write_text(f"{numbers}\n", encoding="ascii")
        limit = str(OUTPUT_LIMIT)
        self.command = [*self._ctest, "-T", "Test", "--no-compress-output"]
        self.command += ["--test-output-size-passed", limit, "--test-output-size-failed", limit]
        self.command += ["--test-output-truncation", "middle", "--timeout", f"{self._timeout:g}"]
        self.command += ["-j", str(jobs), "-I", str(chosen)]
        tests = list(self.tests.values())
        options, self._gpu_environment = give_gpus(self._folder, self._build, tests, self._gpus)
        self.command += options
        limit_time(self._folder, tests, self._timeout)
        return len(self._selected)

    @property
    def _ctest(self) -> list[str]:
        chosen = ["-C", self.configuration] if self.configuration else []
        return [self._executable, *chosen]

    def _choose_configuration(self) -> None:
        """Choose the first that is built, if the build has several and none is given."""
        if self.configuration is not None:
            return
        names = configurations(self._build)
        for self.configuration in names:
            if is_built(self._ask, self._build):
                return
        self.configuration = names[0] if names else None

    @property
    def remaining(self) -> list[str]:
        """The names of the selected tests that have not ended."""
        return [self.tests[number].name for number in self._selected if number not in self._ended]

    @property
    def unstarted(self) -> list[ListedTest]:
        """The selected tests that have not begun."""
        return [self.tests[number] for number in self._selected if number not in self._started]

    @property
    def running(self) -> list[ListedTest]:
        """The tests that run now."""
        return [self.tests[number] for number in self._started.copy() if number not in self._ended]

    def _ask(self, option: str) -> str:
        with interruptible("interrupted while ctest listed its tests"):
            try:
                answer = call(
                    *self._ctest,
                    option,
                    timeout=_LIST_SECONDS,
                    cwd=self._folder,
                    environment=_environment(),
                )
            except CommandError as error:
                raise InfrastructureError(f"cannot run ctest: {error}") from error
        if answer.code != 0:
            said = answer.err.strip() or answer.out.strip()
            raise InfrastructureError(f"ctest cannot list the tests of this build:\n{said}")
        return answer.out

    def _launch(self) -> Child:
        self._emit(Planned(self.name, len(self._selected)))
        return Child(
            self.command,
            cwd=self._folder,
            environment={**_environment(), **self._gpu_environment},
            log=self._log,
            on_line=self._read_line,
            on_exit=self._exited,
        )

    def tend(self) -> None:
        """End daemons that a test has left, for the end of whose output ctest waits."""
        if self._child is None:
            return
        waits = self._child.children() < len(self.running)
        self._idle = self._idle + 1 if waits else 0
        if self._idle >= _IDLE_LOOKS:
            self._idle = 0
            self._child.end_strays()

    def _interrupt(self) -> None:
        # The whole group: ctest alone would leave its tests running.
        self._signal(signal.SIGTERM, group=True)

    def _read_line(self, line: str) -> None:
        live = parse_line(line)
        if live is None or live.number not in self.tests:
            return
        name = self.tests[live.number].name
        self._started.add(live.number)
        if live.outcome is None:
            self._emit(Started(self.name, name))
        else:
            self._ended[live.number] = live
            self._emit(Ended(self.name, name, live.outcome))

    def _collect(self, code: int) -> None:
        try:
            tag = (self._folder / "Testing/TAG").read_text(encoding="utf-8").split()[0]
            report = self._folder / "Testing" / tag / "Test.xml"
            for result in read_report(report, self._outputs):
                self.results.append(result)
        except (OSError, IndexError, ValueError, SyntaxError) as error:
            if not self.interrupted:
                self.errors.append(
                    f"ctest ended with status {code} and left no report ({error}); see {self._log}"
                )
        reported = Counter(result.id for result in self.results)
        missing = []
        for number in sorted({*self._selected, *self._started}):
            test = self.tests[number]
            reported[test.name] -= 1
            if reported[test.name] < 0:
                missing.append(test)
        self._add_unreported(missing)
        remove_bulk(self._folder)

    def _add_unreported(self, tests: list[ListedTest]) -> None:
        """Add results of `tests` by what ctest told and logged while it ran."""
        left = {test.number: test for test in tests}
        for file in find_logs(self._folder) if left else ():
            for logged in read_log(file):
                for test in left.values():
                    if test.name == logged.name:
                        self.results.append(self._without_report(test, logged))
                        del left[test.number]
                        break
        self.results += [self._without_report(test, None) for test in left.values()]

    def _without_report(self, test: ListedTest, logged: Logged | None) -> TestResult:
        live = self._ended.get(test.number)
        started = test.number in self._started
        result = TestResult(
            id=test.name,
            runner=self.name,
            outcome=(live and live.outcome) or self._unreported(started=started),
            labels=list(test.labels),
            seconds=live.seconds if live else None,
            reason="ctest wrote no report of this test" if started else None,
        )
        return result if logged is None else add_logged(result, logged, self._outputs)


def find_ctest(cache: dict[str, str]) -> str:
    """Return the ctest of the CMake that made the build, or else the one on PATH."""
    recorded = cache.get("CMAKE_CTEST_COMMAND", "")
    if recorded and os.access(recorded, os.X_OK):
        return recorded
    found = shutil.which("ctest")
    if found is None:
        raise InfrastructureError("ctest not found: install CMake or put ctest on PATH")
    return found


def _environment() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if key not in _MISLEADING}
