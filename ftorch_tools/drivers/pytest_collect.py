# SPDX-License-Identifier: MIT
"""Lists Python tests without running them; also the pytest plugin that tells of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from ftorch_tools.drivers.pytest_reports import labels_of
from ftorch_tools.errors import InfrastructureError
from ftorch_tools.selection import PYTHON

_ANSWER = "FTORCH_TEST_COLLECT"
_NO_TESTS_COLLECTED = 5
_LAST_LINES = 15
_FROM_AN_OUTER_RUN = ("PYTEST_XDIST", "PYTEST_CURRENT_TEST", "FTORCH_TEST_")


def collect(paths: list[Path], project: Path, build: Path) -> list[tuple[str, list[str]]]:
    """Return the node id and the labels of each test below `paths`.

    A module that skips itself as a whole counts as one test, as it does in a run.
    """
    command = [sys.executable, "-m", "pytest", "-p", __name__, "--collect-only", "-q"]
    command += ["-n", "0", "--color", "no", "--rootdir", str(project), *map(str, paths)]
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(_FROM_AN_OUTER_RUN)}
    with tempfile.TemporaryDirectory(prefix="ftorch-test-") as folder:
        answer = Path(folder) / "tests.json"
        process = subprocess.run(
            command,
            cwd=project,
            env={**inherited, _ANSWER: str(answer), "FTORCH_BUILD_DIR": str(build)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
        if process.returncode not in (0, _NO_TESTS_COLLECTED) or not answer.exists():
            said = "\n".join(process.stdout.splitlines()[-_LAST_LINES:])
            raise InfrastructureError(f"pytest cannot collect the tests:\n{said}")
        return [tuple(item) for item in json.loads(answer.read_text(encoding="ascii"))]


def pytest_configure(config: pytest.Config) -> None:
    """Register what listens to the collection."""
    config.pluginmanager.register(_Listener(Path(os.environ[_ANSWER])), "ftorch-test-listener")


class _Listener:
    def __init__(self, answer: Path) -> None:
        self._answer = answer
        self._skipped: list[str] = []

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.skipped:
            self._skipped.append(report.nodeid)

    def pytest_collection_finish(self, session: Any) -> None:
        tests = [(item.nodeid, labels_of(item)) for item in session.items]
        tests += [(id, [PYTHON]) for id in self._skipped]
        self._answer.write_text(json.dumps(tests), encoding="ascii")
