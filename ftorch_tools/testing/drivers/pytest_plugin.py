# SPDX-License-Identifier: MIT
"""pytest plugin: selects tests, waits for a free core, and reports as JSON lines."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from ftorch_tools.testing.drivers.process import describe_status
from ftorch_tools.testing.drivers.pytest_attempts import Attempts, tells_of_a_crash
from ftorch_tools.testing.drivers.pytest_capture import CaptureLimit
from ftorch_tools.testing.drivers.pytest_command import EVENTS, OPTIONS
from ftorch_tools.testing.drivers.pytest_options import run_all
from ftorch_tools.testing.drivers.pytest_paths import OtherPaths
from ftorch_tools.testing.drivers.pytest_reports import crash, exit_status, module, verdict
from ftorch_tools.testing.drivers.pytest_worker import END_ERROR, SingleTestPlugin, Worker

_MOST_STILLBORN = 3
# What is slow to end execnet interrupts after five seconds, and ends after ten.
_PATIENCE_SECONDS = 4.5
_BY_EXECNET = (1, 130, -signal.SIGINT, -signal.SIGTERM, -signal.SIGKILL)
# The options of pytest that were taken back.
_ignored: list[str] = []


@pytest.hookimpl(tryfirst=True, hookwrapper=True)
def pytest_cmdline_main(config: pytest.Config) -> Generator[None, None, None]:
    """Let pytest run tests, whatever else its settings ask of it."""
    _ignored.extend(run_all(config))
    yield


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Register the part for this process: a worker of xdist, its controller, or one test's."""
    config.addinivalue_line("markers", "isolated: runs in a process of its own")
    options = json.loads(Path(os.environ[OPTIONS]).read_text(encoding="ascii"))
    config.pluginmanager.register(OtherPaths(options["paths"]), "ftorch-test-paths")
    worker = getattr(config, "workerinput", None)
    if worker is None and "alone" not in options:
        controller = _Controller()
        config.pluginmanager.register(controller, "ftorch-test-controller")
        if _ignored:
            controller.send("ignored", options=_ignored)
        if config.option.numprocesses:
            return
        # Without workers this one looks for the tests, none of which it runs.
        worker = {"workerid": "main"}
    config.pluginmanager.register(CaptureLimit(), "ftorch-test-capture")
    if worker is None:
        part: object = SingleTestPlugin(options["alone"], Path(options["results"]))
    else:
        part = Worker(worker["workerid"], options)
    config.pluginmanager.register(part, "ftorch-test-worker")


class _Controller:
    """Reports what the workers do."""

    def __init__(self) -> None:
        descriptor = int(os.environ.pop(EVENTS))
        os.set_inheritable(descriptor, False)
        self._stream = os.fdopen(descriptor, "w", encoding="ascii", buffering=1)
        self._planned = False
        self._nodes: list[Any] = []
        self._ready: set[Any] = set()
        self._stillborn = 0
        self._died: dict[str, str] = {}
        self._explained: set[str] = set()
        self._attempts = Attempts()
        self._start: dict[str, float] = {}

    def send(self, event: str, **values: Any) -> None:
        """Tell the runner."""
        self._stream.write(json.dumps({"event": event, **values}) + "\n")

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodeready(self, node: Any) -> None:
        self._nodes.append(node)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any, ids: list[str]) -> None:
        self._ready.add(node)
        if not self._planned:
            self._planned = True
            self.send("planned", ids=list(ids))

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object | None) -> None:
        problem = error or getattr(node, "workeroutput", {}).get(END_ERROR)
        if error is not None:
            self._explained.add(node.gateway.id)
        if problem is not None and node in self._ready:
            self._died[node.gateway.id] = str(problem)
        self._stillborn += error is not None and node not in self._ready
        if self._stillborn == _MOST_STILLBORN:
            # xdist would replace them for ever.
            pytest.exit("the workers end before they have collected the tests", returncode=3)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed or report.skipped:
            self.send("module", **module(report))

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._start[nodeid] = time.monotonic()
        self.send("started", id=nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        for phases in self._attempts.completed_by(report):
            crashed = tells_of_a_crash(phases[-1])
            started = self._start.pop(report.nodeid, None)
            values = crash(phases[-1], phases) if crashed else verdict(phases)
            self._died.pop(str(values.get("worker")), None)
            if crashed and started is not None:
                values["seconds"] = time.monotonic() - started
            self.send("finished", id=report.nodeid, **values)
            if phases[-1] is not report:
                self.send("started", id=report.nodeid)

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, None, None]:
        begin = time.monotonic()
        yield
        waited = time.monotonic() - begin >= _PATIENCE_SECONDS
        late = []
        for node in self._nodes:
            id = node.gateway.id
            code = None if id in self._explained else exit_status(node)
            if waited and code in _BY_EXECNET:
                late.append(id)
            elif code:
                self._died.setdefault(id, f"it ended with {describe_status(code)}")
        # Those that no test took along.
        status = int(session.exitstatus)
        self.send("session_finished", status=status, died=self._died, late=late)
