# SPDX-License-Identifier: MIT
"""Ends what tests leave behind, also what has moved to a session of its own."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator, Mapping
from contextlib import suppress

import psutil

# The environment variable that tells whose children, grandchildren and daemons a process is.
VARIABLE = "FTORCH_TEST_MARKS"


def new_mark() -> str:
    """Return a mark that no other run has."""
    return secrets.token_hex(8)


def marked(environment: Mapping[str, str], mark: str) -> dict[str, str]:
    """Return `environment` with `mark`, which what is started with it inherits for ever."""
    marks = [environment.get(VARIABLE, ""), mark]
    return {**environment, VARIABLE: ":".join(filter(None, marks))}


def kill_marked(mark: str) -> None:
    """Kill every process that bears `mark`."""
    # What forks while it is looked for is found the next time.
    for _ in range(10):
        found = list(_marked_processes(mark))
        for process in found:
            with suppress(psutil.Error):
                process.kill()
        if not found:
            return
        psutil.wait_procs(found, timeout=1)


def kill_orphans(driver: int, mark: str) -> None:
    """Kill processes that have left `driver`'s tests and still hold their outputs.

    ctest waits for the end of a test's output, which a daemon that inherited it holds open.
    """
    with suppress(psutil.Error):
        parent = psutil.Process(driver)
        family = {driver, *(child.pid for child in parent.children(recursive=True))}
        outputs = _pipes(driver)
        for member in family - {driver}:
            outputs -= _pipes(member)
        for process in _marked_processes(mark):
            if process.pid not in family and outputs & _pipes(process.pid):
                process.kill()


def _marked_processes(mark: str) -> Iterator[psutil.Process]:
    assert mark, "processes without a mark are not ours"
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            alive = process.status() != psutil.STATUS_ZOMBIE
            if alive and mark in process.environ().get(VARIABLE, "").split(":"):
                yield process


def _pipes(pid: int) -> set[int]:
    """Return the inodes of the pipes that a process has open; none where there is no /proc."""
    found = set()
    folder = f"/proc/{pid}/fd"
    with suppress(OSError):
        for name in os.listdir(folder):
            with suppress(OSError):
                status = os.stat(f"{folder}/{name}")
                if stat.S_ISFIFO(status.st_mode):
                    found.add(status.st_ino)
    return found
