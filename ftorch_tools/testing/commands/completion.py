# SPDX-License-Identifier: MIT
"""What a shell may complete: runs and tests, from the records."""

from __future__ import annotations

from pathlib import Path

from ftorch_tools.testing.records.store import Store, find_store

_NEWEST = 20


def complete_run(incomplete: str) -> list[tuple[str, str]]:
    """Return the runs whose name begins so, each with what is known of it."""
    store = _store()
    if store is None:
        return []
    ids = reversed(store.ids()[-_NEWEST:])
    named = [("latest", "the newest run that has ended"), *((id, "") for id in ids)]
    return [item for item in named if item[0].startswith(incomplete)]


def complete_test(incomplete: str) -> list[str]:
    """Return the tests of the latest run whose name begins so."""
    store = _store()
    try:
        record = store.resolve("latest") if store else None
    except Exception:  # nobody reads a message in the middle of a line
        return []
    return [test.id for test in record.tests if test.id.startswith(incomplete)] if record else []


def _store() -> Store | None:
    try:
        return find_store(Path())
    except Exception:
        return None
