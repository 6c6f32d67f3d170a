# SPDX-License-Identifier: MIT
"""The directories of runs."""

from __future__ import annotations

import errno
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

_MOST_TRIES = 1000


def new_directory(root: Path, start: datetime) -> Path:
    """Make the directory below `root` of a run that starts now, and return it."""
    # Of a folder that cannot be, as at the end of a dangling link, this tells.
    root.mkdir(parents=True, exist_ok=True)
    # What follows the dash, in steps of 16 microseconds, orders the runs of one second.
    for _ in range(_MOST_TRIES):
        directory = root / f"{start:%Y%m%dT%H%M%S}-{start.microsecond // 16:04x}"
        with suppress(FileExistsError):
            directory.mkdir()
            return directory
        start += timedelta(microseconds=16)
    raise FileExistsError(errno.EEXIST, "no new name is left for a run", str(root))
