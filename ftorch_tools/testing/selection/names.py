# SPDX-License-Identifier: MIT
"""The names of Python tests as people and shells write them."""

from __future__ import annotations

import os
from pathlib import Path


def to_id(name: str, project: Path) -> str:
    """Return `name` with the path in it, if it is one, made relative to `project`, as in ids.

    The path of an existing file or folder may be absolute, relative to the project or relative
    to the current folder, which comes first where it begins with a dot. A bare word stays: it may
    be the name of a test of ctest.
    """
    path, colons, inner = name.partition("::")
    if os.sep not in path and not path.endswith(".py") and path not in (os.curdir, os.pardir):
        return name
    places = [project / path, Path.cwd() / path]
    for place in reversed(places) if path.startswith(os.curdir) else places:
        if os.path.exists(place):
            return _relative(place, project) + colons + inner
    return name


def _relative(place: Path, project: Path) -> str:
    plain = os.path.relpath(place, project)
    # The project is known without the symbolic links that may lead to it.
    return os.path.relpath(place.resolve(), project) if plain.startswith(os.pardir) else plain
