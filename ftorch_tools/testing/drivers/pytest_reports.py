# SPDX-License-Identifier: MIT
"""What pytest's items and reports say, in the words of a record."""

from __future__ import annotations

import numbers
from typing import Any

import pytest

from ftorch_tools.testing.drivers.process import exit_or_signal
from ftorch_tools.testing.drivers.pytest_attempts import is_final, is_subtest
from ftorch_tools.testing.drivers.runner import LONGEST_TIMEOUT, finite
from ftorch_tools.testing.selection import PYTHON

_NOT_CALLED = "pytest did not call the test"
_NOT_LABELS = {
    "flaky",
    "filterwarnings",
    "parametrize",
    "skip",
    "skipif",
    "timeout",
    "usefixtures",
    "xdist_group",
    "xfail",
}


def labels_of(item: pytest.Item) -> list[str]:
    """Return the names of an item's markers, without pytest's own, and the label python."""
    return sorted({mark.name for mark in item.iter_markers()} - _NOT_LABELS | {PYTHON})


def own_timeout(item: pytest.Item) -> float:
    """Return the limit that a marker gives an item, in seconds; 0 without one."""
    marker = item.get_closest_marker("timeout")
    values = [*marker.args, marker.kwargs.get("timeout")] if marker else []
    limit = finite(values[0]) if values else None
    return min(limit or 0.0, LONGEST_TIMEOUT)


def number_of(item: pytest.Item, marker_name: str, *keywords: str) -> int | None:
    """Return the number that a marker of an item carries, 0 without one; None without marker."""
    marker = item.get_closest_marker(marker_name)
    if marker is None:
        return None
    values = [*marker.args, *(marker.kwargs[key] for key in keywords if key in marker.kwargs)]
    return int((finite(values[0]) if values else None) or 0)


def plain(properties: list[tuple[str, object]]) -> list[tuple[str, object]]:
    """Return what a test has recorded with numbers and strings that a worker can send."""
    return [(str(name), _plain(value)) for name, value in properties]


def _plain(value: object) -> object:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, numbers.Integral):
        return int(value)
    return float(value) if isinstance(value, numbers.Real) else str(value)


def verdict(phases: list[pytest.TestReport]) -> dict[str, Any]:
    """Return the outcome that the reports of an attempt's phases amount to.

    A phase says `passed` or `skipped`, or else it is bad: plugins have words of their own for
    what they are to repeat. Only what was called has passed.
    """
    bad = [report for report in phases if report.outcome not in ("passed", "skipped")]
    skips = _skips(phases)
    called = any(report.when == "call" and report.passed for report in phases)
    outcome = "failed" if bad else "skipped" if skips else "passed" if called else "not_run"
    if any("from pytest-timeout" in report.longreprtext[-2000:] for report in bad):
        outcome = "timeout"
    # Each phase repeats the sections of those before it.
    sections = [f"----- {title} -----\n{text}" for title, text in phases[-1].sections]
    sections += [report.longreprtext for report in bad]
    reasons = {"skipped": skip_reason(skips[0]) if skips else None, "not_run": _NOT_CALLED}
    return {
        "outcome": outcome,
        "labels": getattr(phases[-1], "ftorch_labels", []),
        "began": min((getattr(report, "start", 0.0) for report in phases), default=0.0) or None,
        "seconds": sum(report.duration for report in phases),
        "reason": reasons.get(outcome),
        "final": is_final(phases),
        "output": "\n".join(sections),
        "measurements": {
            str(name): finite(value)
            for name, value in phases[-1].user_properties
            if isinstance(value, numbers.Real) and not isinstance(value, bool)
        },
    }


def _skips(phases: list[pytest.TestReport]) -> list[pytest.TestReport]:
    """Return the reports that make a test skipped: its own, or those of all its parts."""
    parts = [report for report in phases if is_subtest(report)]
    own = [report for report in phases if report.skipped and not is_subtest(report)]
    return own or (parts if all(report.skipped for report in parts) else [])


def skip_reason(report: Any) -> str:
    """Return why a test or module was skipped."""
    if hasattr(report, "wasxfail"):
        return f"expected failure: {report.wasxfail}".rstrip(": ")
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longreprtext
    return str(text).removeprefix("Skipped: ")


def crash(report: Any, phases: list[pytest.TestReport]) -> dict[str, Any]:
    """Return the outcome of a test that took its worker along."""
    node = getattr(report, "node", None)
    code = None if node is None else exit_status(node)
    return {
        "outcome": "crashed",
        "labels": getattr(phases[0], "ftorch_labels", [PYTHON]),
        "limit": getattr(phases[0], "ftorch_limit", None),
        "worker": node.gateway.id if node is not None else None,
        "final": is_final([report]),
        **exit_or_signal(code),
        "output": report.longreprtext,
    }


def exit_status(node: Any) -> int | None:
    """Return how the process of a worker ended, negative for a signal; None if it has not."""
    # xdist does not tell; its process does.
    try:
        return int(node.gateway._io.popen.wait(timeout=2))
    except Exception:
        return None


def module(report: pytest.CollectReport) -> dict[str, Any]:
    """Return what is to be told of a module, or another part, that was skipped or is broken."""
    reason = skip_reason(report) if report.skipped else None
    return {"id": report.nodeid, "output": report.longreprtext, "reason": reason}
