# SPDX-License-Identifier: MIT
"""pytest plugin: selects tests, waits for a free core, and reports as JSON lines."""

from __future__ import annotations

import faulthandler
import json
import numbers
import os
import signal
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from ftorch_tools.drivers.pytest_runner import EVENTS, OPTIONS
from ftorch_tools.drivers.runner import finite
from ftorch_tools.drivers.slots import slot
from ftorch_tools.selection import PYTHON, Choice, Selection

# How much longer than the timeout a test may hang in compiled code before its worker is ended.
GRACE_SECONDS = 5.0
_MOST_STILLBORN = 3
_NOT_LABELS = {
    "filterwarnings",
    "parametrize",
    "skip",
    "skipif",
    "timeout",
    "usefixtures",
    "xdist_group",
    "xfail",
}


def pytest_configure(config: pytest.Config) -> None:
    """Register the part for this process: a worker of xdist or its controller."""
    options = json.loads(os.environ[OPTIONS])
    if hasattr(config, "workerinput"):
        config.pluginmanager.register(_Worker(config, options), "ftorch-test-worker")
    else:
        config.pluginmanager.register(_Controller(), "ftorch-test-controller")


def labels_of(item: pytest.Item) -> list[str]:
    """Return the names of an item's markers, without pytest's own, and the label python."""
    return sorted({mark.name for mark in item.iter_markers()} - _NOT_LABELS | {PYTHON})


class _Worker:
    """Runs the tests of one xdist worker."""

    def __init__(self, config: Any, options: dict[str, Any]) -> None:
        self._output = config.workeroutput
        self._selection = Selection(**options["selection"])
        self._slots = Path(options["slots"])
        self._timeout = float(options["timeout"])
        name = config.workerinput["workerid"]
        # Kept open: the interpreter writes here when it crashes or hangs.
        self._faults = open(Path(options["faults"]) / f"{name}.txt", "w")  # noqa: SIM115
        faulthandler.dump_traceback_later(
            self._timeout + GRACE_SECONDS, exit=True, file=self._faults
        )

    @pytest.hookimpl(trylast=True)
    def pytest_sessionstart(self) -> None:
        faulthandler.enable(self._faults)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        choices = [self._selection.choose(item.nodeid, labels_of(item)) for item in items]
        self._output["ftorch_excluded"] = choices.count(Choice.EXCLUDED_AS_SLOW)
        names = [item.nodeid for item in items]
        self._output["ftorch_unmatched"] = self._selection.unmatched(names)
        dropped = [item for item, c in zip(items, choices) if c is not Choice.SELECTED]
        items[:] = [item for item, c in zip(items, choices) if c is Choice.SELECTED]
        if dropped:
            config.hook.pytest_deselected(items=dropped)

    def pytest_collection_finish(self) -> None:
        faulthandler.cancel_dump_traceback_later()

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, None, None]:
        limit = max(self._timeout, _own_timeout(item)) + GRACE_SECONDS
        with slot(self._slots):
            # Unlike a signal this also ends a test that hangs in compiled code.
            faulthandler.dump_traceback_later(limit, exit=True, file=self._faults)
            yield
            faulthandler.cancel_dump_traceback_later()

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, Any, None]:
        outcome = yield
        outcome.get_result().ftorch_labels = labels_of(item)


def _own_timeout(item: pytest.Item) -> float:
    marker = item.get_closest_marker("timeout")
    values = [*marker.args, marker.kwargs.get("timeout")] if marker else []
    return float(values[0] or 0) if values else 0.0


class _Controller:
    """Reports what the workers do."""

    def __init__(self) -> None:
        descriptor = int(os.environ.pop(EVENTS))
        os.set_inheritable(descriptor, False)
        self._stream = os.fdopen(descriptor, "w", encoding="ascii", buffering=1)
        self._planned = False
        self._ready: set[Any] = set()
        self._stillborn = 0
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
        self._stillborn += error is not None and node not in self._ready
        if self._stillborn == _MOST_STILLBORN:
            # xdist would replace them for ever.
            pytest.exit("the workers end before they have collected the tests", returncode=3)
        output = getattr(node, "workeroutput", None) or {}
        if "ftorch_excluded" in output:
            self._send("excluded", count=output["ftorch_excluded"])
            self._send("unmatched", names=output["ftorch_unmatched"])

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed or report.skipped:
            text = report.longreprtext
            reason = _skip_reason(report) if report.skipped else None
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
            values = _crash(report, phases) if crashed else _verdict(phases)
            if crashed and started is not None:
                values["seconds"] = time.monotonic() - started
            self._send("finished", id=report.nodeid, **values)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, exitstatus: int) -> None:
        self._send("session_finished", status=int(exitstatus))


def _verdict(phases: list[pytest.TestReport]) -> dict[str, Any]:
    bad = [report for report in phases if report.failed]
    skipped = [report for report in phases if report.skipped]
    outcome = "failed" if bad else "skipped" if skipped else "passed"
    if any("from pytest-timeout" in report.longreprtext[-2000:] for report in bad):
        outcome = "timeout"
    # Each phase repeats the sections of those before it.
    sections = [f"----- {title} -----\n{text}" for title, text in phases[-1].sections]
    sections += [report.longreprtext for report in bad]
    return {
        "outcome": outcome,
        "labels": getattr(phases[-1], "ftorch_labels", []),
        "seconds": sum(report.duration for report in phases),
        "reason": _skip_reason(skipped[0]) if skipped and not bad else None,
        "output": "\n".join(sections),
        "measurements": {
            str(name): finite(value)
            for name, value in phases[-1].user_properties
            if isinstance(value, numbers.Real) and not isinstance(value, bool)
        },
    }


def _skip_reason(report: Any) -> str:
    if hasattr(report, "wasxfail"):
        return f"expected failure: {report.wasxfail}".rstrip(": ")
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longreprtext
    return str(text).removeprefix("Skipped: ")


def _crash(report: Any, phases: list[pytest.TestReport]) -> dict[str, Any]:
    node = getattr(report, "node", None)
    code = _exit_status(node)
    return {
        "outcome": "crashed",
        "labels": getattr(phases[0], "ftorch_labels", [PYTHON]),
        "worker": node.gateway.id if node is not None else None,
        "signal": signal.Signals(-code).name if code is not None and code < 0 else None,
        "exit_code": code if code is not None and code >= 0 else None,
        "output": report.longreprtext,
    }


def _exit_status(node: Any) -> int | None:
    # xdist does not tell how a worker ended; its process does.
    try:
        return int(node.gateway._io.popen.wait(timeout=2))
    except Exception:
        return None
