# SPDX-License-Identifier: MIT
"""Disk space held back, so that a run can write its record when the disk is full."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

_BYTES = 4 * 1024 * 1024


class Reserve:
    """A file of some MiB in `directory` that is there to be given up."""

    def __init__(self, directory: Path) -> None:
        self._file = directory / "reserve"
        # Written out, because some file systems keep no room for a file that is all holes.
        self._file.write_bytes(b"-" * _BYTES)

    def release(self) -> None:
        """Give the space back."""
        with suppress(OSError):
            self._file.unlink()
