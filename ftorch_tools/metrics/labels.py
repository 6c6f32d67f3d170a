# SPDX-License-Identifier: MIT
"""Short names of files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path


def label_files(files: Sequence[Path]) -> list[str]:
    """Return what tells each of `files` from the others, as short as parts of paths allow."""
    paths = [Path(os.path.abspath(file)) for file in files]
    stems = [path.stem for path in paths]
    if len(set(stems)) == len(paths):
        return stems
    parts = [path.parts for path in paths]
    head = _count_common(parts)
    tail = _count_common([part[::-1] for part in parts])
    # Something is left of each, also where one path is the end of another.
    while any(head + tail >= len(part) for part in parts) and tail:
        tail -= 1
    labels = [os.path.join(*part[head : len(part) - tail]) for part in parts]
    if len(set(labels)) < len(paths):
        labels = [str(path) for path in paths]
    return labels


def _count_common(parts: Sequence[Sequence[str]]) -> int:
    """Return how many parts all have in common at the beginning."""
    count = 0
    for column in zip(*parts):
        if len(set(column)) > 1:
            break
        count += 1
    return count
