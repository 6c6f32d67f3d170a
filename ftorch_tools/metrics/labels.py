# SPDX-License-Identifier: MIT
"""Short names of files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path


def label_files(files: Sequence[Path]) -> list[str]:
    """Return what tells each of `files`, all different, from the others: few parts of its path."""
    paths = [Path(os.path.abspath(file)) for file in files]
    stems = [path.stem or "root" for path in paths]
    if len(set(stems)) == len(paths):
        return stems
    # Without the root, so that a label is never an absolute path.
    parts = [path.parts[1:] or ("root",) for path in paths]
    shortest = min(map(len, parts))
    # Something is left of each, also where one path is the beginning or the end of another.
    head = min(_count_common(parts), shortest - 1)
    tail = min(_count_common([part[::-1] for part in parts]), shortest - 1 - head)
    return [os.path.join(*part[head : len(part) - tail]) for part in parts]


def _count_common(parts: Sequence[Sequence[str]]) -> int:
    """Return how many parts all have in common at the beginning."""
    count = 0
    for column in zip(*parts):
        if len(set(column)) > 1:
            break
        count += 1
    return count
