# SPDX-License-Identifier: MIT
"""How the processes of pytest ended: what they left behind, and which status the tests explain."""

from __future__ import annotations

import re
from pathlib import Path

_TESTS_FAILED = 1
_NO_TESTS_COLLECTED = 5
_DRIVER_FRAME = re.compile(
    r'File "(?:.*/(?:site|dist)-packages/(?:_pytest|pytest|pluggy|xdist|execnet)/|<string>)'
)


def read_fault(folder: Path, worker: str | None) -> str:
    """Return what the interpreter of a worker wrote when it crashed, without drivers' frames."""
    try:
        text = (folder / f"{worker}.txt").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return "\n".join(line for line in text.splitlines() if not _DRIVER_FRAME.search(line))


def read_end_notes(folder: Path) -> list[tuple[str, str]]:
    """Return each worker that noted why it broke, with the note."""
    return [
        (file.stem, file.read_text(encoding="utf-8", errors="replace"))
        for file in sorted(folder.glob("*.end"))
    ]


def explained_statuses(*, failed: bool, empty: bool) -> set[int | None]:
    """Return the statuses that fit tests of which some have `failed`, or of which there are none.

    A session that a plugin says is good in spite of failures is believed: they count.
    """
    explained: set[int | None] = {0}
    if failed:
        explained.add(_TESTS_FAILED)
    if empty:
        explained.add(_NO_TESTS_COLLECTED)
    return explained
