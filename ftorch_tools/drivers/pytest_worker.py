# SPDX-License-Identifier: MIT
"""The part of the pytest plugin that runs tests: in a worker of xdist, or one test alone."""

from __future__ import annotations

import faulthandler
import json
import os
from collections.abc import Generator
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from ftorch_tools.drivers.isolated import IsolatedTest
from ftorch_tools.drivers.pytest_reports import (
    labels_of,
    number_of,
    own_timeout,
    plain,
    verdict,
)
from ftorch_tools.drivers.slots import cores, gpus
from ftorch_tools.gpus import Gpus
from ftorch_tools.selection import Choice, Selection

# How much longer than the timeout a test may hang in compiled code before its process is ended.
GRACE_SECONDS = 5.0
END_ERROR = "ftorch-test-error"


class Worker:
    """Selects tests and runs those of one xdist worker, each when cores and GPU are free."""

    def __init__(self, name: str, options: dict[str, Any]) -> None:
        self._selection = Selection(**options["selection"])
        self._slots = Path(options["slots"])
        self._timeout = float(options["timeout"])
        self._collection = Path(options["collection"])
        self._name = name
        self._dropped: list[pytest.Item] = []
        # A process that has used CUDA keeps the GPUs it saw then, so each worker has one for good.
        self._gpus = Gpus(options["gpus"]["variable"], tuple(options["gpus"]["masks"]))
        count = len(self._gpus.masks)
        self._gpu = [int("".join(filter(str.isdigit, name)) or 0) % count] if count else []
        if self._gpu:
            os.environ.update(self._gpus.mask(self._gpu))
        # Kept open: the interpreter writes here when it crashes or hangs.
        self._faults = open(Path(options["faults"]) / f"{name}.txt", "w")  # noqa: SIM115
        faulthandler.dump_traceback_later(
            self._timeout + GRACE_SECONDS, exit=True, file=self._faults
        )

    @pytest.hookimpl(trylast=True)
    def pytest_sessionstart(self) -> None:
        """Write down crashes, which pytest would print."""
        faulthandler.enable(self._faults)

    def pytest_deselected(self, items: list[pytest.Item]) -> None:
        """Note what the project's settings or other plugins leave out."""
        self._dropped += items

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> Generator[None, None, None]:
        """Keep what is selected and runs in a worker, and write down the rest."""
        yield
        names = [item.nodeid for item in [*items, *self._dropped]]
        choices = [self._selection.choose(item.nodeid, labels_of(item)) for item in items]
        selected = [item for item, c in zip(items, choices) if c is Choice.SELECTED]
        alone = {item.nodeid: isolation for item in selected if (isolation := isolation_of(item))}
        kept = [item for item in selected if item.nodeid not in alone]
        found = {
            "excluded": choices.count(Choice.EXCLUDED_AS_SLOW),
            "unmatched": self._selection.unmatched(names),
            "deselected": [
                (item.nodeid, labels)
                for item in self._dropped
                if self._selection.choose(item.nodeid, labels := labels_of(item))
                is Choice.SELECTED
            ],
            "isolated": [asdict(test) for test in alone.values()],
        }
        # Every worker finds the same, and may die later.
        part = self._collection.with_suffix(f".{self._name}")
        part.write_text(json.dumps(found), encoding="ascii")
        os.replace(part, self._collection)
        dropped = set(items) - set(kept)
        items[:] = kept
        if dropped:
            config.hook.pytest_deselected(items=list(dropped))

    def pytest_collection_finish(self) -> None:
        """End the time limit of the collection."""
        faulthandler.cancel_dump_traceback_later()

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, None, None]:
        """Wait for cores and GPU, then limit the time."""
        limit = max(self._timeout, own_timeout(item)) + GRACE_SECONDS
        with ExitStack() as held:
            if self._gpu and item.get_closest_marker("gpu"):
                held.enter_context(gpus(self._slots, self._gpu))
            held.enter_context(cores(self._slots))
            # Unlike a signal this also ends a test that hangs in compiled code.
            faulthandler.dump_traceback_later(limit, exit=True, file=self._faults)
            yield
            faulthandler.cancel_dump_traceback_later()

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, Any, None]:
        """Add the labels and the limit of time to the report."""
        outcome = yield
        report = outcome.get_result()
        report.ftorch_labels = labels_of(item)
        report.ftorch_limit = own_timeout(item) or self._timeout
        report.user_properties = plain(report.user_properties)

    @pytest.hookimpl(hookwrapper=True, trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, Any, None]:
        """Tell the controller of an error that xdist keeps to itself."""
        outcome = yield
        if outcome.excinfo is not None:
            session.config.workeroutput[END_ERROR] = repr(outcome.excinfo[1])  # type: ignore[attr-defined]


class Alone:
    """Runs the one test `id`, and writes to `results` how it ended."""

    def __init__(self, id: str, results: Path) -> None:
        self._id = id
        self._results = results
        self._reports: list[pytest.TestReport] = []

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep the test."""
        items[:] = [item for item in items if item.nodeid == self._id]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Write the verdict once the last phase is over."""
        self._reports.append(report)
        if report.when == "teardown":
            part = self._results / f"{os.uname().nodename}-{os.getpid()}.part"
            part.write_text(json.dumps(verdict(self._reports)), encoding="ascii")
            os.replace(part, part.with_suffix(".json"))


def isolation_of(item: pytest.Item) -> IsolatedTest | None:
    """Return how a test that needs a process of its own is to be started; None for others."""
    ranks = number_of(item, "mpi", "ranks", "min_size")
    devices = number_of(item, "gpu", "count")
    if ranks is None and item.get_closest_marker("isolated") is None and (devices or 1) < 2:
        return None
    return IsolatedTest(
        id=item.nodeid,
        file=str(item.path),
        labels=labels_of(item),
        ranks=ranks or 0,
        gpus=0 if devices is None else max(1, devices),
        timeout=own_timeout(item),
    )
