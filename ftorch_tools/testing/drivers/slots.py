# SPDX-License-Identifier: MIT
"""Shares cores and GPUs between ctest and pytest: pytest takes what ctest leaves idle."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from ftorch_tools.testing.drivers.ctest_list import ListedTest

_POLL_SECONDS = 0.05
_ALLOWED = "allowed"


class Free(NamedTuple):
    """What ctest leaves to others: a number of cores, and its GPUs or none of them."""

    cores: int
    gpus: bool


def free(cores: int, running: Sequence[ListedTest], unstarted: Sequence[ListedTest]) -> Free:
    """Return what is free now of so many cores: nothing while a serial test may begin."""
    tests = [*running, *unstarted]
    if any(test.serial for test in tests):
        return Free(0, False)
    used = sum(test.processors for test in running)
    return Free(max(0, cores - used), not any(test.gpus for test in tests))


class Slots:
    """How many pytest tests may run at once, in a folder that its workers look at before each.

    The folder lies on this machine, where locks work, and not with the build.
    """

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="ftorch-test-"))
        self._open = Free(-1, False)
        self._seen = 0

    @property
    def all_open(self) -> bool:
        """Whether no test of pytest has to wait for ctest."""
        return self._open.cores > 0 and self._open.gpus

    def offer(self, offered: Free) -> None:
        """Publish `offered`; a rise counts only when offered twice running.

        Between the end of a test and the start of the next ctest looks idle for a moment.
        """
        cores = min(offered.cores, max(self._seen, self._open.cores))
        self._seen = offered.cores
        self.open(offered._replace(cores=cores))

    def open(self, offered: Free) -> None:
        """Publish `offered`."""
        if offered != self._open:
            self._open = offered
            part = self.folder / "part"
            with suppress(FileNotFoundError):  # removed because the run is stopped
                part.write_text(f"{os.getpid()} {offered.cores} {offered.gpus:d}", "ascii")
                os.replace(part, self.folder / _ALLOWED)

    def remove(self) -> None:
        """Let every worker run that still waits."""
        shutil.rmtree(self.folder, ignore_errors=True)


@contextmanager
def hold_cores(folder: Path, count: int = 1) -> Iterator[None]:
    """Hold `count` of the free cores, or none when `folder` is gone or its owner is."""
    with _held(folder, "core", None, count):
        yield


@contextmanager
def hold_gpus(folder: Path, numbers: Iterable[int], count: int = 1) -> Iterator[list[int]]:
    """Hold `count` of the GPUs with these numbers, and give which."""
    with _held(folder, "gpu", list(numbers), count) as held:
        yield held


@contextmanager
def _held(folder: Path, kind: str, numbers: list[int] | None, count: int) -> Iterator[list[int]]:
    # Each is a lock, so that a worker that dies gives back what it held.
    while True:
        allowed = _allowed(folder)
        if allowed is None:
            locks = dict.fromkeys((numbers or [])[:count], -1)
            break
        candidates = range(allowed.cores) if numbers is None else numbers if allowed.gpus else []
        locks = _lock(folder, kind, candidates, count)
        if len(locks) == count:
            break
        _release(locks)
        time.sleep(_POLL_SECONDS)
    try:
        yield list(locks)
    finally:
        _release(locks)


def _allowed(folder: Path) -> Free | None:
    try:
        text = (folder / _ALLOWED).read_text(encoding="ascii")
        owner, cores, gpus = map(int, text.split())
        os.kill(owner, 0)
        return Free(cores, bool(gpus))
    except (OSError, ValueError):
        return None


def _lock(folder: Path, kind: str, candidates: Iterable[int], count: int) -> dict[int, int]:
    locks: dict[int, int] = {}
    for number in candidates:
        if len(locks) == count:
            break
        try:
            file = os.open(folder / f"{kind}-{number}", os.O_RDWR | os.O_CREAT)
        except OSError:  # the folder is gone: the next look at it tells
            break
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            locks[number] = file
        except BlockingIOError:
            os.close(file)
    return locks


def _release(locks: dict[int, int]) -> None:
    for file in locks.values():
        if file >= 0:
            os.close(file)
