# SPDX-License-Identifier: MIT
"""Lists and runs the tests of a CMake build with ctest."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from ftorch_tools.drivers.ctest_report import LiveLine, parse_line, read_report
from ftorch_tools.drivers.events import Ended, Planned, Started
from ftorch_tools.drivers.process import Child
from ftorch_tools.drivers.runner import OutputStore, Runner
from ftorch_tools.errors import InfrastructureError
from ftorch_tools.records.record import TestResult
from ftorch_tools.selection import Choice, Selection

# What ctest keeps of one test's output: enough for any log, too little to fill the memory.
OUTPUT_LIMIT = 16 * 1024 * 1024
_MISLEADING = (
    "CTEST_NO_TESTS_ACTION",
    "CTEST_OUTPUT_ON_FAILURE",
    "CTEST_PARALLEL_LEVEL",
    "CTEST_PROGRESS_OUTPUT",
)


@dataclass(frozen=True)
class ListedTest:
    """A test that ctest knows; `number` is ctest's own, from 1."""

    number: int
    name: str
    labels: tuple[str, ...] = ()
    processors: int = 1
    serial: bool = False


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
    ) -> None:
        super().__init__()
        self.tests: dict[int, ListedTest] = {}
        self._executable = executable
        self._folder = run_directory / "ctest"
        self._log = run_directory / "ctest.log"
        self._timeout = timeout
        self._outputs = OutputStore(run_directory, self.name)
        self._selected: list[int] = []
        self._started: set[int] = set()
        self._ended: dict[int, LiveLine] = {}
        _write_private_folder(self._folder, build, previous)

    def select(self, selection: Selection, jobs: int) -> int:
        """List the tests, choose from them and return how many will run."""
        self.tests = {test.number: test for test in self._list()}
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
        self.command = [self._executable, "-T", "Test", "--no-compress-output"]
        self.command += ["--test-output-size-passed", limit, "--test-output-size-failed", limit]
        self.command += ["--test-output-truncation", "middle", "--timeout", f"{self._timeout:g}"]
        self.command += ["-j", str(jobs), "-I", str(chosen)]
        return len(self._selected)

    @property
    def unstarted(self) -> list[ListedTest]:
        """The selected tests that have not begun."""
        return [self.tests[number] for number in self._selected if number not in self._started]

    @property
    def running(self) -> list[ListedTest]:
        """The tests that run now."""
        return [self.tests[number] for number in self._started.copy() if number not in self._ended]

    def _list(self) -> list[ListedTest]:
        # Only -N gives the numbers: the JSON leaves out tests without a command.
        lines = self._ask("-N").splitlines()
        numbered = [re.match(r" *Test +#(\d+): (.*)", line) for line in lines]
        try:
            described = json.loads(self._ask("--show-only=json-v1"))["tests"]
        except (ValueError, KeyError) as error:
            raise InfrastructureError(f"ctest gave no list of tests: {error!r}") from error
        tests = []
        position = 0
        for match in filter(None, numbered):
            number, name = int(match.group(1)), match.group(2)
            known = described[position]["name"] if position < len(described) else None
            if known is not None and name in (known, f"{known} (Disabled)"):
                tests.append(_described(number, described[position]))
                position += 1
            else:
                tests.append(ListedTest(number, name))
        if position != len(described):
            raise InfrastructureError("ctest lists its tests in two different orders")
        return tests

    def _ask(self, option: str) -> str:
        try:
            answer = subprocess.run(
                [self._executable, option],
                cwd=self._folder,
                env=_environment(),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                check=False,
            )
        except OSError as error:
            raise InfrastructureError(f"cannot run ctest: {error}") from error
        if answer.returncode != 0:
            said = answer.stderr.strip() or answer.stdout.strip()
            raise InfrastructureError(f"ctest cannot list the tests of this build:\n{said}")
        return answer.stdout

    def _launch(self) -> Child:
        self._emit(Planned(self.name, len(self._selected)))
        return Child(
            self.command,
            cwd=self._folder,
            environment=_environment(),
            log=self._log,
            on_line=self._read_line,
            on_exit=self._exited,
        )

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
            self.results = read_report(self._folder / "Testing" / tag / "Test.xml", self._outputs)
        except (OSError, IndexError, ValueError, SyntaxError) as error:
            if not self.interrupted:
                self.errors.append(
                    f"ctest ended with status {code} and left no report ({error}); see {self._log}"
                )
        reported = Counter(result.id for result in self.results)
        for number in sorted({*self._selected, *self._started}):
            test = self.tests[number]
            reported[test.name] -= 1
            if reported[test.name] < 0:
                self.results.append(self._without_report(test))

    def _without_report(self, test: ListedTest) -> TestResult:
        live = self._ended.get(test.number)
        started = test.number in self._started
        return TestResult(
            id=test.name,
            runner=self.name,
            outcome=(live and live.outcome) or self._unreported(started=started),
            labels=list(test.labels),
            seconds=live.seconds if live else None,
            reason="ctest wrote no report of this test" if started else None,
        )


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


def _described(number: int, test: dict[str, object]) -> ListedTest:
    found = test.get("properties")
    properties = {item["name"]: item["value"] for item in found} if isinstance(found, list) else {}
    return ListedTest(
        number,
        str(test["name"]),
        tuple(properties.get("LABELS", ())),
        int(properties.get("PROCESSORS", 1)),
        bool(properties.get("RUN_SERIAL", False)),
    )


def _write_private_folder(folder: Path, build: Path, previous: Path | None) -> None:
    folder.mkdir()
    quoted = f"[==[{build.as_posix()}]==]"
    (folder / "CTestTestfile.cmake").write_text(f"subdirs({quoted})\n", encoding="utf-8")
    (folder / "CTestCustom.cmake").write_text(
        f"include([==[{build.as_posix()}/CTestCustom.cmake]==] OPTIONAL)\n", encoding="utf-8"
    )
    settings = build / "DartConfiguration.tcl"
    lines = settings.read_text(encoding="utf-8").splitlines() if settings.is_file() else []
    kept = [line for line in lines if not line.startswith("BuildDirectory:")]
    text = "\n".join([*kept, f"BuildDirectory: {folder.as_posix()}", ""])
    (folder / "DartConfiguration.tcl").write_text(text, encoding="utf-8")
    # ctest starts the longest tests first when it knows their durations.
    costs = Path("Testing/Temporary/CTestCostData.txt")
    if previous is not None and (previous / "ctest" / costs).is_file():
        (folder / costs).parent.mkdir(parents=True)
        shutil.copyfile(previous / "ctest" / costs, folder / costs)
