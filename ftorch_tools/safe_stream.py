# SPDX-License-Identifier: MIT
"""Standard output and error that may go away: a reader ends, a terminal closes, a disk fills."""

from __future__ import annotations

import errno
import io
import os
import stat
import sys
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Any, cast

from ftorch_tools.errors import InfrastructureError

if TYPE_CHECKING:
    from rich.console import Console


class SafeStream:
    """A stream that drops what comes once it cannot be written.

    The first error is raised as `InfrastructureError`, unless nobody reads the stream, or it is
    `dispensable`.
    """

    def __init__(self, stream: IO[str] | SafeStream, *, dispensable: bool) -> None:
        self._stream: IO[str] = stream._stream if isinstance(stream, SafeStream) else stream
        self._dispensable = dispensable
        # What comes is dropped.
        self.gave_up = False

    def write(self, text: str) -> int:
        """Write `text`."""
        try:
            return self._stream.write(text)
        except OSError as error:
            self._give_up(error)
            return len(text)

    def flush(self) -> None:
        """Write out what is held back."""
        try:
            self._stream.flush()
        except OSError as error:
            self._give_up(error)

    def __getattr__(self, name: str) -> Any:
        """Be the stream in all else."""
        return getattr(self._stream, name)

    def _give_up(self, error: OSError) -> None:
        reported = not self._dispensable and not self._is_unread(error)
        self.gave_up = True
        with suppress(OSError):
            # What the stream still holds back goes there too, when the program ends.
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)
        if reported:
            message = f"cannot write the output: {error.strerror or error}"
            raise InfrastructureError(message) from error

    def _is_unread(self, error: OSError) -> bool:
        if error.errno == errno.EIO:  # a terminal that is closed, unlike a disk that is broken
            return stat.S_ISCHR(os.fstat(self._stream.fileno()).st_mode)
        return error.errno == errno.EPIPE


def guard_standard_streams() -> None:
    """Put outlets in place of `sys.stdout` and `sys.stderr`, which escape what has no code."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
            setattr(sys, name, SafeStream(stream, dispensable=name == "stderr"))


def make_console(*, stderr: bool = False, dispensable: bool = False) -> Console:
    """Return a console that shows texts as they are; for `dispensable` see `SafeStream`."""
    from rich.console import Console  # slow to import

    stream = sys.stderr if stderr else sys.stdout
    file = cast(IO[str], SafeStream(stream, dispensable=True)) if dispensable and stream else None
    return Console(stderr=stderr, file=file, highlight=False, markup=False, emoji=False)
