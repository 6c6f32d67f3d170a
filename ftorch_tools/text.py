# SPDX-License-Identifier: MIT
"""Makes what tests print fit to be shown."""

from __future__ import annotations

import re
from pathlib import Path

# Escape sequences of terminals: CSI, OSC, and those of two characters.
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~])")
_CONTROLS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


def plain(text: str) -> str:
    """Return `text` without escape sequences; other control characters are replaced."""
    text = _ESCAPES.sub("", text.replace("\r\n", "\n"))
    return _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", text)


def one_line(text: str) -> str:
    """Return `text`, plain and on one line."""
    return plain(text).replace("\n", " ").replace("\t", " ")


def read_end(file: Path, most: int) -> tuple[str, int]:
    """Return the last `most` bytes of `file` as text, and how many bytes stand before them."""
    with file.open("rb") as stream:
        size = stream.seek(0, 2)
        left_out = max(0, size - most)
        stream.seek(left_out)
        return stream.read().decode("utf-8", "replace"), left_out


def is_text(name: str) -> bool:
    """Return whether `name` is free of bytes that are not UTF-8."""
    return not re.search("[\ud800-\udfff]", name)


def decode(raw: bytes) -> str:
    """Return what a program printed or a file holds, with any byte that is not UTF-8 kept.

    It is what Python makes of paths and arguments, so that names compare equal wherever they
    come from.
    """
    return raw.decode("utf-8", "surrogateescape")


def encode(text: str) -> bytes:
    """Return the bytes that `decode` made `text` of."""
    return text.encode("utf-8", "surrogateescape")


def lines_of(text: str) -> list[str]:
    """Return the lines of what a program printed: a line feed ends them, and nothing else."""
    lines = text.split("\n")
    return lines[:-1] if lines[-1] == "" else lines


def duration(seconds: float) -> str:
    """Return a duration as people read it."""
    if seconds < 0.0995:
        return f"{1000 * seconds:.2g} ms"
    if seconds < 100:
        return f"{seconds:.2f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min {rest} s"
