# SPDX-License-Identifier: MIT
"""Lists Python tests without running them; also the pytest plugin that tells of them."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Generator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import pytest

from ftorch_tools.command import CommandError, call
from ftorch_tools.errors import InfrastructureError
from ftorch_tools.testing.drivers.pytest_options import run_all
from ftorch_tools.testing.drivers.pytest_paths import OtherPaths, arguments
from ftorch_tools.testing.drivers.pytest_reports import labels_of
from ftorch_tools.testing.drivers.runner import tail
from ftorch_tools.testing.interrupts import interruptible
from ftorch_tools.testing.project import has_ctest
from ftorch_tools.testing.selection import PYTHON
from ftorch_tools.text import lines_of

_FOLDER = "FTORCH_TEST_COLLECT"
# An internal error, and wrong usage.
_PYTEST_ERRORS = (3, 4)
_LAST_LINES = 15
_INTERRUPTED = "interrupted while pytest listed its tests"
_FROM_AN_OUTER_RUN = ("PYTEST_XDIST", "PYTEST_CURRENT_TEST", "FTORCH_TEST_")


@dataclass
class Collection:
    """Node id and labels of each test; ids of the modules that cannot be collected, and why.

    A module that skips itself as a whole counts as one test, as it does in a run.
    """

    tests: list[tuple[str, list[str]]] = field(default_factory=list)
    broken: dict[str, str] = field(default_factory=dict)


def collect(paths: list[Path], project: Path, build: Path, seconds: float = 600.0) -> Collection:
    """Return what is below `paths`; raise an InfrastructureError if it takes more `seconds`."""
    if not paths:
        return Collection()
    command = [sys.executable, "-m", "pytest", "-p", __name__, "--collect-only", "-q"]
    command += ["-p", "xdist", "-n", "0", "--color", "no", "--rootdir", str(project)]
    command += arguments(paths, project)
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(_FROM_AN_OUTER_RUN)}
    with tempfile.TemporaryDirectory(prefix="ftorch-test-") as name:
        folder = Path(name)
        (folder / "paths.json").write_text(json.dumps([str(path) for path in paths]))
        environment = {**inherited, _FOLDER: name}
        if has_ctest(build):
            environment["FTORCH_BUILD_DIR"] = str(build)
        with (folder / "log").open("w") as log, interruptible(_INTERRUPTED):
            try:
                answer = call(
                    *command, timeout=seconds, cwd=project, environment=environment, log=log
                )
            except CommandError as error:
                raise InfrastructureError(f"pytest cannot collect the tests: {error}") from error
        last_lines = "\n".join(lines_of(tail(folder / "log"))[-_LAST_LINES:])
        listed = folder / "tests.json"
        found = listed.read_text(encoding="ascii") if listed.exists() else ""
    # Another status is a plugin's or conftest's: what it means, the run of the tests tells.
    if answer.code < 0 or answer.code in _PYTEST_ERRORS or not found:
        raise InfrastructureError(
            f"pytest cannot collect the tests, status {answer.code}:\n{last_lines}"
        )
    values = json.loads(found)
    return Collection([(id, labels) for id, labels in values["tests"]], values["broken"])


@pytest.hookimpl(tryfirst=True, hookwrapper=True)
def pytest_cmdline_main(config: pytest.Config) -> Generator[None, None, None]:
    """Let pytest collect all tests, whatever else its settings ask of it."""
    run_all(config)
    config.option.collectonly = True
    yield


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Register what listens to the collection."""
    folder = Path(os.environ[_FOLDER])
    paths = json.loads((folder / "paths.json").read_text())
    config.pluginmanager.register(OtherPaths(paths), "ftorch-test-paths")
    config.pluginmanager.register(_Listener(folder / "tests.json"), "ftorch-test-listener")


class _Listener:
    def __init__(self, answer: Path) -> None:
        self._answer = answer
        self._found = Collection()
        self._skipped: list[str] = []
        self._items: dict[pytest.Item, str] = {}

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.skipped:
            self._skipped.append(report.nodeid)
        elif report.failed:
            self._found.broken[report.nodeid] = report.longreprtext

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        """Note each test, also one that the project's settings or a plugin leave out."""
        self._items.setdefault(item, item.nodeid)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        for item in session.items:
            self._items.setdefault(item, item.nodeid)
        tests = [(name, labels_of(item)) for item, name in self._items.items()]
        self._found.tests = [*dict(tests).items(), *((id, [PYTHON]) for id in self._skipped)]
        self._answer.write_text(json.dumps(asdict(self._found)), encoding="ascii")
