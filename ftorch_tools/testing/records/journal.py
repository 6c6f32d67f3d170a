# SPDX-License-Identifier: MIT
"""The files of events: JSON lines, appended and never changed, each file by one process."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any


class Journal:
    """Appends to `file`, and reads what another process has appended."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._read = 0
        self._lock = threading.Lock()

    def append(self, event: str, **values: Any) -> None:
        """Append one line; other machines see it when this returns."""
        line = json.dumps({"time": round(time.time(), 3), "event": event, **values}) + "\n"
        # Closing is what makes a network file system send it.
        with self._lock, self._file.open("ab", buffering=0) as stream:
            stream.write(line.encode("ascii"))

    def news(self) -> list[dict[str, Any]]:
        """Return the whole lines written since the last call; a damaged one is left out."""
        try:
            with self._file.open("rb") as stream:
                stream.seek(self._read)
                text = stream.read()
        except OSError:
            return []
        whole = text[: text.rfind(b"\n") + 1]
        self._read += len(whole)
        return [entry for line in whole.splitlines() if (entry := _parsed(line)) is not None]


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) and "event" in entry else None
