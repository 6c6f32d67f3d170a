# SPDX-License-Identifier: MIT
"""Runs Python tests each in a pytest process of its own, under MPI's launcher where they ask."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from ftorch_tools.testing.drivers.isolated_verdict import (
    Values,
    judge,
    lost,
    read_ranks,
    values_of,
)
from ftorch_tools.testing.drivers.launcher import RANKS
from ftorch_tools.testing.drivers.process import Child
from ftorch_tools.testing.drivers.pytest_command import NO_CACHE
from ftorch_tools.testing.drivers.pytest_paths import arguments
from ftorch_tools.testing.drivers.runner import tail
from ftorch_tools.testing.drivers.slots import hold_cores, hold_gpus
from ftorch_tools.testing.gpus import Gpus
from ftorch_tools.text import is_text

# How much longer than its limit a process may take to say that the limit has passed.
_GRACE_SECONDS = 5.0


@dataclass(frozen=True)
class IsolatedTest:
    """A test to run alone: `ranks` MPI processes, or 0 without launcher, on `gpus` GPUs.

    `timeout` is its own limit in seconds, 0 if it sets none.
    """

    id: str
    file: str
    labels: list[str] = field(default_factory=list)
    ranks: int = 0
    gpus: int = 0
    timeout: float = 0.0


@dataclass(frozen=True)
class IsolationSettings:
    """What all processes have in common; `options` names the environment variable of a file."""

    command: list[str]
    environment: Mapping[str, str]
    options: str
    cwd: Path
    folder: Path
    slots: Path
    gpus: Gpus
    launcher: list[str] | None
    jobs: int
    timeout: float


class IsolatedRunner:
    """Runs tests that need a process of their own; `run` returns when all have ended."""

    def __init__(self, settings: IsolationSettings) -> None:
        self._settings = settings
        self._children: dict[str, Child] = {}
        self._stopped = False
        self._lock = threading.Lock()

    def run(
        self,
        tests: list[IsolatedTest],
        started: Callable[[str], None],
        finished: Callable[..., None],
    ) -> None:
        """Run `tests`, the widest first; the functions are called from other threads."""
        self._settings.folder.mkdir(exist_ok=True)
        order = sorted(enumerate(tests), key=lambda pair: -max(pair[1].ranks, pair[1].gpus))
        with ThreadPoolExecutor(self._settings.jobs) as pool:
            runs = [pool.submit(self._run, n, test, started, finished) for n, test in order]
        for run in runs:
            run.result()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to all that runs, and start nothing more."""
        with self._lock:
            self._stopped = True
            for child in self._children.values():
                child.signal(number, group=True)

    def _run(
        self,
        number: int,
        test: IsolatedTest,
        started: Callable[[str], None],
        finished: Callable[..., None],
    ) -> None:
        settings = self._settings
        environment = dict(settings.environment)
        known = settings.gpus.masks
        refusal = self._refusal(test)
        if refusal is not None:
            finished(test.id, labels=test.labels, **refusal)
            return
        with ExitStack() as held:
            if test.gpus and known:
                numbers = held.enter_context(
                    hold_gpus(settings.slots, range(len(known)), test.gpus)
                )
                environment.update(settings.gpus.mask(numbers))
            held.enter_context(hold_cores(settings.slots, min(max(1, test.ranks), settings.jobs)))
            if not self._stopped:
                started(test.id)
                finished(test.id, labels=test.labels, **self._execute(number, test, environment))

    def _refusal(self, test: IsolatedTest) -> Values | None:
        if test.ranks and self._settings.launcher is None:
            return values_of("not_run", reason="no MPI launcher: mpiexec is not on PATH")
        count = len(self._settings.gpus.masks)
        if test.gpus > count > 0:
            return values_of("skipped", reason=f"needs {test.gpus} GPUs, and may use {count}")
        return None

    def _execute(self, number: int, test: IsolatedTest, environment: dict[str, str]) -> Values:
        settings = self._settings
        results = settings.folder / f"{number:04d}"
        results.mkdir()
        log = results / "log"
        options = results / "options"
        values = {"alone": test.id, "results": str(results), "paths": [test.file]}
        options.write_text(json.dumps(values), "ascii")
        environment[settings.options] = str(options)
        launcher = settings.launcher if test.ranks and settings.launcher else []
        launch = [str(test.ranks) if word == RANKS else word for word in launcher]
        if launch:
            # A launcher may end well although one of its processes did not.
            launch += ["/bin/sh", str(Path(__file__).with_name("rank.sh")), str(results)]
        quirks = [] if is_text(test.id) else NO_CACHE
        exits: list[int] = []
        gone = threading.Event()

        def exited(code: int) -> None:
            exits.append(code)
            gone.set()

        began, begin = time.time(), time.monotonic()
        with self._lock:
            if self._stopped:
                return lost(None, "")
            child = self._children[test.id] = Child(
                [*launch, *settings.command, *quirks, *arguments([Path(test.file)], settings.cwd)],
                cwd=settings.cwd,
                environment=environment,
                log=log,
                on_line=lambda line: None,
                on_exit=exited,
            )
        limit = max(settings.timeout, test.timeout)
        in_time = gone.wait(limit + _GRACE_SECONDS)
        child.signal(signal.SIGKILL, group=True)
        gone.wait()
        del self._children[test.id]
        seconds = time.monotonic() - begin
        ranks = read_ranks(results, test.ranks)
        if self._stopped and not ranks.complete:
            return lost(seconds, tail(log))
        result = judge(ranks, exits[0] if in_time else None, seconds, tail(log))
        return {**result, "began": began}
