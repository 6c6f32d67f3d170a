# SPDX-License-Identifier: MIT
"""Reads the log that ctest writes test by test, for runs that end before its report."""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ftorch_tools.testing.drivers.runner import OUTPUT_LIMIT, cut_notice
from ftorch_tools.text import decode

_BEGIN = re.compile(rb"^\d+/\d+ Testing: (.*)\n\d+/\d+ Test: \1\n", re.MULTILINE)
_OUTPUT = b"\nOutput:\n" + b"-" * 58 + b"\n"
_END = re.compile(
    rb"<end of output>\nTest time = +(?P<seconds>[\d.]+) sec\n-+\n"
    rb"(?:Test Fail Reason:\n(?P<reason>[^\0]*?)\n\")?"
)
# Room for the line that says what was cut.
_HALF = OUTPUT_LIMIT // 2 - 100


@dataclass(frozen=True)
class Logged:
    """A test that ended; `reason` is why a text that it printed or not made it fail."""

    name: str
    output: str
    seconds: float
    reason: str | None


def find_logs(folder: Path) -> list[Path]:
    """Return the logs of the run in `folder`: one, or none before its first test."""
    return sorted((folder / "Testing/Temporary").glob("LastTest[_.]*log*"))


def read_log(file: Path) -> Iterator[Logged]:
    """Yield the tests that ended, as far as the log goes; one output at a time is in memory."""
    if file.stat().st_size == 0:
        return
    with file.open("rb") as stream, _mapped(stream) as text:
        place = 0
        while begin := _BEGIN.search(text, place):
            first = text.find(_OUTPUT, begin.end() - 1) + len(_OUTPUT)
            end = _END.search(text, first) if first >= len(_OUTPUT) else None
            if end is None:
                return
            reason = end["reason"]
            yield Logged(
                decode(begin[1]),
                decode(_cut(text, first, end.start())),
                float(end["seconds"]),
                decode(reason) if reason else None,
            )
            place = end.end()


def _mapped(stream: BinaryIO) -> mmap.mmap:
    return mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)


def _cut(text: mmap.mmap, first: int, last: int) -> bytes:
    if last - first <= OUTPUT_LIMIT:
        return text[first:last]
    notice = cut_notice(last - first - 2 * _HALF).encode()
    return text[first : first + _HALF] + notice + text[last - _HALF : last]
