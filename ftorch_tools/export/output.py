# SPDX-License-Identifier: MIT
"""The file that is written: in its place only when it is right."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ftorch_tools.errors import UsageError


def check_output(file: Path, read: Iterable[Path | None]) -> None:
    """Fail unless `file` can be written; `read` are files that it must not take the place of."""
    if not file.name or file.is_dir():
        raise UsageError(f"--output '{file}': expected the name of a file")
    if file.exists() and not file.is_file():
        raise UsageError(f"--output {file}: it is no regular file")
    if not file.resolve().parent.is_dir():
        raise UsageError(f"--output {file}: there is no folder {file.resolve().parent}")
    if file.exists() and any(
        one is not None and one.exists() and one.samefile(file) for one in read
    ):
        raise UsageError(f"--output {file}: the file that is read would be written")


@contextmanager
def drafted(file: Path) -> Iterator[Path]:
    """Give a file to write, which takes the place of `file` unless the block fails.

    Of a symbolic link the target is written.
    """
    target = file.resolve()
    # In a folder: an archive holds the file's name.
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{file.stem}-") as folder:
        draft = Path(folder) / file.name
        yield draft
        draft.replace(target)
