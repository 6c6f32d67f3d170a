# SPDX-License-Identifier: MIT
"""Makes what tests print fit to be shown."""

from __future__ import annotations

import re
from pathlib import Path

# Escape sequences of terminals: CSI, OSC, and those of two characters.
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~])")
_CONTROLS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
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
