# SPDX-License-Identifier: MIT
"""Lists Python tests without running them; also the pytest plugin that tells of them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ftorch_tools.drivers.pytest_options import select_all
from ftorch_tools.drivers.pytest_paths import OtherPaths, arguments
from ftorch_tools.drivers.pytest_reports import labels_of
from ftorch_tools.drivers.runner import tail
from ftorch_tools.errors import InfrastructureError
from ftorch_tools.selection import PYTHON

_FOLDER = "FTORCH_TEST_COLLECT"
_NO_TESTS_COLLECTED = 5
_SOME_BROKEN = 2
_LAST_LINES = 15
_POLL_SECONDS = 0.2
_FROM_AN_OUTER_RUN = ("PYTEST_XDIST", "PYTEST_CURRENT_TEST", "FTORCH_TEST_")
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass
class Collection:
    """Node id and labels of each test; ids of the modules that cannot be collected, and why.

    A module that skips itself as a whole counts as one test, as it does in a run.
    """

    tests: list[tuple[str, list[str]]] = field(default_factory=list)
    broken: dict[str, str] = field(default_factory=dict)


def collect(paths: list[Path], project: Path, build: Path, seconds: float = 600.0) -> Collection:
    """Return what is below `paths`; raise an InfrastructureError if it takes more `seconds`."""
    command = [sys.executable, "-m", "pytest", "-p", __name__, "--collect-only", "-q"]
    command += ["-n", "0", "--color", "no", "--rootdir", str(project)]
    command += arguments(paths, project)
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(_FROM_AN_OUTER_RUN)}
    with tempfile.TemporaryDirectory(prefix="ftorch-test-") as name:
        folder = Path(name)
        (folder / "paths.json").write_text(json.dumps([str(path) for path in paths]))
        environment = {**inherited, _FOLDER: name, "FTORCH_BUILD_DIR": str(build)}
        problem, interrupt = _run(command, project, environment, folder / "log", seconds)
        said = "\n".join(tail(folder / "log").splitlines()[-_LAST_LINES:])
        answer = folder / "tests.json"
        found = answer.read_text(encoding="ascii") if answer.exists() else ""
    if interrupt:
        signal.raise_signal(interrupt)
    if problem or not found:
        raise InfrastructureError(f"pytest cannot collect the tests{problem}:\n{said}")
    values = json.loads(found)
    return Collection([(id, labels) for id, labels in values["tests"]], values["broken"])


def _run(
    command: list[str], cwd: Path, environment: dict[str, str], log: Path, seconds: float
) -> tuple[str, int]:
    """Return what went wrong, and the signal that ended it, if any: the child ends with this."""
    signals: list[int] = []
    before = {
        number: signal.signal(number, lambda number, frame: signals.append(number))
        for number in _SIGNALS
    }
    try:
        with log.open("wb") as stream:
            process = subprocess.Popen(
                command,
                cwd=cwd,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        end = time.monotonic() + seconds
        while process.poll() is None and not signals and time.monotonic() < end:
            with suppress(subprocess.TimeoutExpired):
                process.wait(_POLL_SECONDS)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return (", interrupted", signals[0]) if signals else (f" in {seconds:g} s", 0)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if process.returncode in (0, _NO_TESTS_COLLECTED, _SOME_BROKEN):
        return "", 0
    return f", status {process.returncode}", 0


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Register what listens to the collection."""
    select_all(config)
    folder = Path(os.environ[_FOLDER])
    paths = json.loads((folder / "paths.json").read_text())
    config.pluginmanager.register(OtherPaths(paths), "ftorch-test-paths")
    config.pluginmanager.register(_Listener(folder / "tests.json"), "ftorch-test-listener")


class _Listener:
    def __init__(self, answer: Path) -> None:
        self._answer = answer
        self._found = Collection()
        self._skipped: list[str] = []

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.skipped:
            self._skipped.append(report.nodeid)
        elif report.failed:
            self._found.broken[report.nodeid] = report.longreprtext

    def pytest_deselected(self, items: list[pytest.Item]) -> None:
        self._found.tests += [(item.nodeid, labels_of(item)) for item in items]

    def pytest_collection_finish(self, session: Any) -> None:
        self._found.tests += [(item.nodeid, labels_of(item)) for item in session.items]
        self._found.tests += [(id, [PYTHON]) for id in self._skipped]
        self._answer.write_text(json.dumps(asdict(self._found)), encoding="ascii")
