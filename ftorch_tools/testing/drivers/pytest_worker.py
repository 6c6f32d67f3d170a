# SPDX-License-Identifier: MIT
"""The part of the pytest plugin that runs tests: in a worker of xdist, or one test alone."""

from __future__ import annotations

import faulthandler
import json
import os
from collections.abc import Generator
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from ftorch_tools.testing.drivers.isolated import IsolatedTest
from ftorch_tools.testing.drivers.pytest_attempts import Attempts
from ftorch_tools.testing.drivers.pytest_reports import (
    labels_of,
    module,
    number_of,
    own_timeout,
    plain,
    verdict,
)
from ftorch_tools.testing.drivers.slots import hold_cores, hold_gpus
from ftorch_tools.testing.gpus import Gpus
from ftorch_tools.testing.selection import PYTEST, Choice, Selection
from ftorch_tools.text import is_text

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
        self._names: dict[pytest.Item, str] = {}
        self._modules: list[dict[str, Any]] = []
        # A process that has used CUDA keeps the GPUs it saw then, so each worker has one for good.
        self._gpus = Gpus(options["gpus"]["variable"], tuple(options["gpus"]["masks"]))
        count = len(self._gpus.masks)
        self._gpu = [int("".join(filter(str.isdigit, name)) or 0) % count] if count else []
        if self._gpu:
            os.environ.update(self._gpus.mask(self._gpu))
        self._end = Path(options["faults"]) / f"{name}.end"
        # Kept open: the interpreter writes here when it crashes or hangs.
        self._faults = open(Path(options["faults"]) / f"{name}.txt", "w")  # noqa: SIM115
        faulthandler.dump_traceback_later(
            self._timeout + GRACE_SECONDS, exit=True, file=self._faults
        )

    @pytest.hookimpl(trylast=True)
    def pytest_sessionstart(self) -> None:
        """Write down crashes, which pytest would print."""
        faulthandler.enable(self._faults)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note modules that are skipped or broken: xdist passes on one of those that say alike."""
        if report.failed or report.skipped:
            self._modules.append(module(report))

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        """Note each test, and its name before plugins change it."""
        self._names.setdefault(item, item.nodeid)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Keep what is selected and runs in a worker, write down the rest, end the time limit."""
        items = list(dict.fromkeys(session.items))
        removed = [item for item in self._names if item not in set(items)]
        choices = {item: self._choose(item) for item in items}
        selected = [item for item, c in choices.items() if c is Choice.SELECTED]
        alone = {item: isolation for item in selected if (isolation := isolation_of(item))}
        session.items[:] = [item for item in selected if item not in alone]
        names = [self._names.get(item, item.nodeid) for item in [*items, *removed]]
        found = {
            "excluded": list(choices.values()).count(Choice.EXCLUDED_AS_SLOW),
            "unmatched": self._selection.unmatched(PYTEST, names),
            "removed": [
                (self._names[item], labels_of(item))
                for item in removed
                if self._choose(item) is Choice.SELECTED
            ],
            "isolated": [
                asdict(replace(test, id=self._names.get(item, test.id)))
                for item, test in alone.items()
            ],
            "modules": self._modules,
            "names": {
                item.nodeid: name for item, name in self._names.items() if item.nodeid != name
            },
        }
        # Every worker finds the same, and may die later.
        part = self._collection.with_suffix(f".{self._name}")
        part.write_text(json.dumps(found), encoding="ascii")
        os.replace(part, self._collection)
        faulthandler.cancel_dump_traceback_later()

    def _choose(self, item: pytest.Item) -> Choice:
        name = self._names.get(item, item.nodeid)
        return self._selection.choose(PYTEST, name, labels_of(item))

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, None, None]:
        """Wait for cores and GPU, then limit the time."""
        limit = max(self._timeout, own_timeout(item)) + GRACE_SECONDS
        with ExitStack() as held:
            if self._gpu and item.get_closest_marker("gpu"):
                held.enter_context(hold_gpus(self._slots, self._gpu))
            held.enter_context(hold_cores(self._slots))
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
        if outcome.excinfo is not None and hasattr(session.config, "workeroutput"):
            session.config.workeroutput[END_ERROR] = repr(outcome.excinfo[1])

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_collection(self) -> Generator[None, Any, None]:
        """Write down why there was an end before the tests were known."""
        outcome = yield
        self._note("before it had collected its tests", outcome)

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_unconfigure(self) -> Generator[None, Any, None]:
        """Write down an error that comes when the controller listens no more."""
        outcome = yield
        self._note("at its end", outcome)

    def _note(self, when: str, outcome: Any) -> None:
        # What is slow to end is interrupted, which is no error of the tests.
        if outcome.excinfo is not None and outcome.excinfo[0] is not KeyboardInterrupt:
            text = f"{when}: {outcome.excinfo[1]!r}"
            self._end.write_text(text, encoding="utf-8", errors="replace")


class SingleTestPlugin:
    """Runs the one test `id`, and writes to `results` how it ended, as far as it came."""

    def __init__(self, id: str, results: Path) -> None:
        self._id = id
        self._file = results / f"{os.uname().nodename}-{os.getpid()}.json"
        self._attempts = Attempts()
        self._verdicts: list[dict[str, Any]] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Keep the test."""
        session.items[:] = [item for item in session.items if item.nodeid == self._id][:1]

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Tell that an attempt begins."""
        self._attempts.begin(nodeid)
        self._write()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Tell how an attempt ended."""
        self._verdicts += [verdict(phases) for phases in self._attempts.completed_by(report)]
        self._write()

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_sessionfinish(self) -> Generator[None, None, None]:
        """Tell that pytest has come to its end."""
        yield
        self._write(finished=True)

    def _write(self, *, finished: bool = False) -> None:
        part = self._file.with_suffix(".part")
        values = {"attempts": self._verdicts, "open": self._attempts.open, "finished": finished}
        part.write_text(json.dumps(values), encoding="ascii")
        os.replace(part, self._file)


def isolation_of(item: pytest.Item) -> IsolatedTest | None:
    """Return how a test that needs a process of its own is to be started; None for others."""
    ranks = number_of(item, "mpi", "ranks", "min_size")
    devices = number_of(item, "gpu", "count")
    # xdist cannot send a name that is no text.
    isolated = item.get_closest_marker("isolated") or not is_text(f"{item.path}{item.nodeid}")
    if ranks is None and not isolated and (devices or 1) < 2:
        return None
    return IsolatedTest(
        id=item.nodeid,
        file=str(item.path),
        labels=labels_of(item),
        ranks=ranks or 0,
        gpus=0 if devices is None else max(1, devices),
        timeout=own_timeout(item),
    )
