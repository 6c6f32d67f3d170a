# SPDX-License-Identifier: MIT
"""Shares the cores between ctest and pytest: pytest's workers fill what ctest leaves idle."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ftorch_tools.drivers.ctest import ListedTest

_POLL_SECONDS = 0.05
_ALLOWED = "allowed"


def free_cores(cores: int, running: Sequence[ListedTest], unstarted: Sequence[ListedTest]) -> int:
    """Return how many cores ctest leaves to others now; none while a serial test may begin."""
    if any(test.serial for test in [*running, *unstarted]):
        return 0
    return max(0, cores - sum(test.processors for test in running))


class Slots:
    """How many pytest tests may run at once, in a folder that its workers look at before each.

    The folder lies on this machine, where locks work, and not with the build.
    """

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="ftorch-test-"))
        self._open = -1
        self._seen = 0

    def offer(self, free: int) -> None:
        """Publish `free`; a rise counts only when offered twice running.

        Between the end of a test and the start of the next ctest looks idle for a moment.
        """
        allowed = min(free, max(self._seen, self._open))
        self._seen = free
        if allowed != self._open:
            self._open = allowed
            part = self.folder / "part"
            part.write_text(f"{os.getpid()} {allowed}", encoding="ascii")
            os.replace(part, self.folder / _ALLOWED)

    def lift(self) -> None:
        """Let every worker run."""
        shutil.rmtree(self.folder, ignore_errors=True)


@contextmanager
def slot(folder: Path) -> Iterator[None]:
    """Hold one of the free slots, or none when `folder` is gone or its owner is.

    A slot is a lock, so that a worker that dies gives its slot back.
    """
    held = _wait(folder)
    try:
        yield
    finally:
        if held is not None:
            os.close(held)


def _wait(folder: Path) -> int | None:
    while True:
        try:
            owner, allowed = map(int, (folder / _ALLOWED).read_text(encoding="ascii").split())
            os.kill(owner, 0)
            for number in range(allowed):
                lock = os.open(folder / f"slot-{number}", os.O_RDWR | os.O_CREAT)
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    return lock
                except BlockingIOError:
                    os.close(lock)
        except (OSError, ValueError):
            return None
        time.sleep(_POLL_SECONDS)
