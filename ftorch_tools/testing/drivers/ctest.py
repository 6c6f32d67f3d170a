# SPDX-License-Identifier: MIT
"""Lists and runs the tests of a CMake build with ctest."""

from __future__ import annotations

import os
import re
import shutil
import signal
from pathlib import Path

from ftorch_tools.command import CommandError, call
from ftorch_tools.errors import InfrastructureError
from ftorch_tools.testing.drivers.ctest_folder import (
    LISTING,
    configurations,
    give_gpus,
    limit_time,
    remove_bulk,
    write_folder,
)
from ftorch_tools.testing.drivers.ctest_list import ListedTest, is_built, list_tests, places
from ftorch_tools.testing.drivers.ctest_log import Logged, find_logs, read_log
from ftorch_tools.testing.drivers.ctest_report import (
    LiveLine,
    add_logged,
    parse_line,
    plain_name,
    read_report,
)
from ftorch_tools.testing.drivers.process import Child
from ftorch_tools.testing.drivers.runner import OUTPUT_LIMIT, OutputStore, Runner, tail
from ftorch_tools.testing.gpus import NONE, Gpus
from ftorch_tools.testing.interrupts import interruptible
from ftorch_tools.testing.records.events import Ended, Planned, Started
from ftorch_tools.testing.records.record import TestResult
from ftorch_tools.testing.selection import Choice, Selection
from ftorch_tools.text import lines_of

_LIST_SECONDS = 300
# The status of ctest when tests failed.
_TESTS_FAILED = 8
_MOST_COMPLAINTS = 5
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
        epoch: float = 0.0,
    ) -> None:
        super().__init__()
        self._epoch = epoch
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
        self._places: dict[int, str] = {}
        self._started: set[int] = set()
        # In the order in which they ended, which is that of the report.
        self._ended: dict[int, LiveLine] = {}
        write_folder(self._folder, build, previous)

    def __str__(self) -> str:
        return f"{self.name} ({self.configuration})" if self.configuration else self.name

    def list_all(self) -> list[ListedTest]:
        """Return the tests of the build."""
        if not self.tests:
            self._choose_configuration()
            self.tests = {test.number: test for test in list_tests(self._run_listing)}
        return list(self.tests.values())

    def select(self, selection: Selection, jobs: int) -> int:
        """Choose from the tests and return how many will run."""
        self.list_all()
        for number, test in self.tests.items():
            choice = selection.choose(self.name, test.name, test.labels)
            if choice is Choice.SELECTED:
                self._selected.append(number)
            self.excluded += choice is Choice.EXCLUDED_AS_SLOW
        names = [test.name for test in self.tests.values()]
        self.unmatched.update(selection.unmatched(self.name, names))
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
        self._places = places(tests, self._build)
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
            if is_built(self._run_listing, self._build):
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

    def _run_listing(self, option: str) -> str:
        with interruptible("interrupted while ctest listed its tests"):
            try:
                answer = call(
                    *self._ctest,
                    option,
                    timeout=_LIST_SECONDS,
                    cwd=self._folder,
                    environment={**_environment(), LISTING: "1"},
                )
            except CommandError as error:
                raise InfrastructureError(f"cannot run ctest: {error}") from error
        if answer.code != 0:
            message = answer.err.strip() or answer.out.strip()
            raise InfrastructureError(f"ctest cannot list the tests of this build:\n{message}")
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

    def supervise(self) -> None:
        """End daemons that a test has left, for the end of whose output ctest waits."""
        if self._child is None:
            return
        waits = self._child.children() < len(self.running)
        self._idle = self._idle + 1 if waits else 0
        if self._idle >= _IDLE_LOOKS:
            self._idle = 0
            self._child.kill_orphans()

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
        elif not (self.interrupted and live.outcome.is_failure):
            # What the signal that ends all has ended has no result of its own.
            self._ended[live.number] = live
            self._emit(Ended(self.name, name, live.outcome))

    def _collect(self, code: int) -> None:
        found: list[TestResult] = []
        broken = None
        try:
            tag = (self._folder / "Testing/TAG").read_text(encoding="utf-8").split()[0]
            report = self._folder / "Testing" / tag / "Test.xml"
            found += read_report(report, self._outputs, self._epoch)
        except (OSError, IndexError, ValueError, SyntaxError) as error:
            broken = f"ctest ended with status {code} and left no report ({error})"
        numbers = self._numbers(found)
        missing = [n for n in sorted({*self._selected, *self._started}) if n not in numbers]
        results = dict(zip(numbers, found))
        results |= self._unreported_ones([self.tests[number] for number in missing])
        for number, result in sorted(results.items()):
            if number in self.tests:
                result.id = self.tests[number].name
                result.place = self._places.get(number)
            self.results.append(result)
        bad = any(result.outcome.is_failure for result in self.results)
        if broken is None and (missing or code not in (0, _TESTS_FAILED if bad else 0)):
            left = f" and did not run {len(missing)} of its tests" if missing else ""
            broken = f"ctest ended with status {code}{left}{self._complaint()}"
        if broken is not None and not self.interrupted:
            self.errors.append(f"{broken}; see {self._log}")
        remove_bulk(self._folder)

    def _numbers(self, found: list[TestResult]) -> list[int]:
        """Return ctest's number of each result of the report, which has but their names.

        Of tests of one name, the report has them in the order in which they ended.
        """
        left: dict[str, list[int]] = {}
        for number in dict.fromkeys([*self._ended, *self._selected, *self.tests]):
            left.setdefault(plain_name(self.tests[number].name), []).append(number)
        unknown = iter(range(-1, -len(found) - 1, -1))
        return [
            numbers.pop(0) if (numbers := left.get(plain_name(test.id))) else next(unknown)
            for test in found
        ]

    def _complaint(self) -> str:
        """Return the errors that ctest has printed itself."""
        complaints = [
            line for line in lines_of(tail(self._log)) if re.match(" *(CMake )?Error", line)
        ]
        return "".join(f"\n  {line.strip()}" for line in complaints[:_MOST_COMPLAINTS])

    def _unreported_ones(self, tests: list[ListedTest]) -> dict[int, TestResult]:
        """Return results of `tests` by what ctest told and logged while it ran."""
        left = {test.number: test for test in tests}
        results = {}
        for file in find_logs(self._folder) if left else ():
            for logged in read_log(file):
                for test in left.values():
                    if test.name == logged.name:
                        results[test.number] = self._without_report(test, logged)
                        del left[test.number]
                        break
        return {**results, **{n: self._without_report(test, None) for n, test in left.items()}}

    def _without_report(self, test: ListedTest, logged: Logged | None) -> TestResult:
        live = self._ended.get(test.number)
        started = test.number in self._started
        result = self._unreported(test.name, started=started, labels=list(test.labels))
        if live is not None and live.outcome is not None:
            result.outcome, result.seconds, result.reason = live.outcome, live.seconds, None
        if started:
            result.reason = result.reason or "ctest wrote no report of this test"
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
