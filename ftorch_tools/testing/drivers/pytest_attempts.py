# SPDX-License-Identifier: MIT
"""Cuts the reports of a pytest session into attempts: plugins may run a test several times."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

_PHASES = ("setup", "call", "teardown")


def tells_of_a_crash(report: pytest.TestReport) -> bool:
    """Return whether `report` is what xdist makes of a test that took its worker along."""
    return report.when not in _PHASES


def is_subtest(report: pytest.TestReport) -> bool:
    """Return whether `report` tells of a part of a test."""
    return hasattr(report, "context")


def _is_call(report: pytest.TestReport) -> bool:
    return report.when == "call" and not is_subtest(report)


class Attempts:
    """The reports of tests, of which an attempt has not ended."""

    def __init__(self) -> None:
        # By name and worker: where a name stands for two tests, both may run at once.
        self._open: dict[tuple[str, object], list[pytest.TestReport]] = {}

    @property
    def open(self) -> bool:
        """Whether an attempt has begun and has not ended."""
        return bool(self._open)

    def begin(self, id: str) -> None:
        """Take in that a test begins."""
        self._open.setdefault((id, None), [])

    def completed_by(self, report: pytest.TestReport) -> Iterator[list[pytest.TestReport]]:
        """Yield the reports of each attempt that `report` ends: its own, or the one before.

        A plugin that repeats a test may keep the last phases of an attempt to itself.
        """
        key = (report.nodeid, getattr(report, "node", None))
        phases = self._open.setdefault(key, [])
        own = [phase for phase in phases if not is_subtest(phase)]  # parts may come before all
        if own and (report.when == "setup" or (_is_call(report) and any(map(_is_call, own)))):
            yield phases
            phases = self._open[key] = []
        phases.append(report)
        if report.when == "teardown" or tells_of_a_crash(report):
            yield self._open.pop(key)


def is_final(phases: list[pytest.TestReport]) -> bool:
    """Return whether an attempt failed for good: plugins have other words for what they repeat."""
    return any(report.outcome == "failed" and not is_subtest(report) for report in phases)
