# SPDX-License-Identifier: MIT
"""pytest plugin: selects tests, waits for a free core, and reports as JSON lines."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from ftorch_tools.drivers.pytest_capture import CaptureLimit
from ftorch_tools.drivers.pytest_options import select_all
from ftorch_tools.drivers.pytest_paths import OtherPaths
from ftorch_tools.drivers.pytest_reports import crash, skip_reason, verdict
from ftorch_tools.drivers.pytest_runner import EVENTS, OPTIONS
from ftorch_tools.drivers.pytest_worker import END_ERROR, Alone, Worker

_MOST_STILLBORN = 3


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Register the part for this process: a worker of xdist, its controller, or one test's."""
    config.addinivalue_line("markers", "isolated: runs in a process of its own")
    options = json.loads(Path(os.environ[OPTIONS]).read_text(encoding="ascii"))
    select_all(config)
    config.pluginmanager.register(OtherPaths(options["paths"]), "ftorch-test-paths")
    worker = getattr(config, "workerinput", None)
    if worker is None and "alone" not in options:
        config.pluginmanager.register(_Controller(), "ftorch-test-controller")
        return
    config.pluginmanager.register(CaptureLimit(), "ftorch-test-capture")
    if worker is None:
        part: object = Alone(options["alone"], Path(options["results"]))
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
        self._ready: set[Any] = set()
        self._stillborn = 0
        self._died: dict[str, str] = {}
        self._phases: dict[str, list[pytest.TestReport]] = {}
        self._start: dict[str, float] = {}

    def _send(self, event: str, **values: Any) -> None:
        self._stream.write(json.dumps({"event": event, **values}) + "\n")

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any, ids: list[str]) -> None:
        self._ready.add(node)
        if not self._planned:
            self._planned = True
            self._send("planned", ids=list(ids))

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object | None) -> None:
        problem = error or getattr(node, "workeroutput", {}).get(END_ERROR)
        if problem is not None and node in self._ready:
            self._died[node.gateway.id] = str(problem)
        self._stillborn += error is not None and node not in self._ready
        if self._stillborn == _MOST_STILLBORN:
            # xdist would replace them for ever.
            pytest.exit("the workers end before they have collected the tests", returncode=3)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed or report.skipped:
            text = report.longreprtext
            reason = skip_reason(report) if report.skipped else None
            self._send("module", id=report.nodeid, output=text, reason=reason)

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._start[nodeid] = time.monotonic()
        self._send("started", id=nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        phases = self._phases.setdefault(report.nodeid, [])
        phases.append(report)
        crashed = report.when not in ("setup", "call", "teardown")
        if crashed or report.when == "teardown":
            del self._phases[report.nodeid]
            started = self._start.pop(report.nodeid, None)
            values = crash(report, phases) if crashed else verdict(phases)
            self._died.pop(str(values.get("worker")), None)
            if crashed and started is not None:
                values["seconds"] = time.monotonic() - started
            self._send("finished", id=report.nodeid, **values)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, exitstatus: int) -> None:
        # Those that no test took along.
        self._send("session_finished", status=int(exitstatus), died=self._died)
