# SPDX-License-Identifier: MIT
"""Ends the tests of a run whose program is killed: a process of its own waits for that."""

from __future__ import annotations

import os
import signal
from contextlib import suppress

from ftorch_tools.testing.drivers.orphans import VARIABLE, kill_marked, marked, new_mark


class Guard:
    """Watches over what is started while it is entered; enter it before any thread is started.

    The guard is a copy of this process that holds one end of a pipe. When the other end closes
    although the guard was not left, nobody is there any more to end the tests.
    """

    def __enter__(self) -> Guard:
        mark = new_mark()
        self._before = os.environ.get(VARIABLE)
        os.environ[VARIABLE] = marked(os.environ, mark)[VARIABLE]
        read_end, self._write_end = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            _watch(read_end, mark)
        os.close(read_end)
        return self

    def __exit__(self, *unused: object) -> None:
        with suppress(OSError):
            os.write(self._write_end, b".")
        os.close(self._write_end)
        with suppress(ChildProcessError):
            os.waitpid(self._pid, 0)
        if self._before is None:
            del os.environ[VARIABLE]
        else:
            os.environ[VARIABLE] = self._before


def _watch(read_end: int, mark: str) -> None:
    """Wait for the end of the other process, and never return."""
    try:
        # What ends a run, from a terminal or a scheduler, must not end this first.
        os.setsid()
        for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
            with suppress(OSError, ValueError):
                signal.signal(number, signal.SIG_IGN)
        # Whoever reads the program's output is to see its end.
        nothing = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(nothing, descriptor)
        os.dup2(read_end, 3)
        os.closerange(4, 65536)
        # This process was started before the mark came into its own environment.
        if os.read(3, 1) == b"":
            kill_marked(mark)
    finally:
        os._exit(0)
