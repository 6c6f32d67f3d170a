# SPDX-License-Identifier: MIT
"""A lock on a folder, held until the process ends: shared by its users, exclusive to a builder."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Callable
from pathlib import Path

from ftorch_tools.errors import InfrastructureError

_TICK_SECONDS = 0.2
_held: list[object] = []


class FolderLock:
    """A lock that lies beside `folder`, in a file of its name that ends in `.lock`."""

    # filelock has no lock that is shared first and then owned, as this one is.

    def __init__(self, folder: Path) -> None:
        folder.parent.mkdir(parents=True, exist_ok=True)
        self._stream = folder.with_name(folder.name + ".lock").open("a")
        _held.append(self._stream)  # a lock ends with its open file

    def share(self, timeout: float, on_wait: Callable[[], None]) -> None:
        """Hold the lock together with others; `timeout` and `on_wait` as in `own`."""
        self._hold(fcntl.LOCK_SH, timeout, on_wait)

    def own(self, timeout: float, on_wait: Callable[[], None]) -> None:
        """Hold the lock alone; call `on_wait` once when others hold it.

        Raise `InfrastructureError` when they still do after `timeout` seconds.
        """
        self._hold(fcntl.LOCK_EX, timeout, on_wait)

    def _hold(self, kind: int, timeout: float, on_wait: Callable[[], None]) -> None:
        deadline = time.monotonic() + timeout
        waiting = False
        while True:
            try:
                fcntl.flock(self._stream, kind | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                pass
            if time.monotonic() > deadline:
                message = f"{self._stream.name} is still held by another run after {timeout:g} s"
                raise InfrastructureError(message)
            if not waiting:
                on_wait()
                waiting = True
            time.sleep(_TICK_SECONDS)
