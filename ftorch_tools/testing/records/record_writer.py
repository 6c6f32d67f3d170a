# SPDX-License-Identifier: MIT
"""Keeps the record of a run that goes on, in its directory and in the user's state folder."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from ftorch_tools.errors import ExitCode, InfrastructureError
from ftorch_tools.testing.records.event_log import EventLog
from ftorch_tools.testing.records.events import Closed, Event, to_entry
from ftorch_tools.testing.records.journal import Journal
from ftorch_tools.testing.records.junit import write_junit
from ftorch_tools.testing.records.record import RunRecord
from ftorch_tools.testing.records.reserve import Reserve
from ftorch_tools.testing.records.store import Store
from ftorch_tools.testing.records.verdict import decide


class RecordWriter:
    """Keeps `record`; call `save` whenever it has changed, and `publish` once at the end.

    The user's history has it unless `in_history` is false. Events go to `journal` too.
    """

    def __init__(
        self, record: RunRecord, *, in_history: bool = True, journal: Journal | None = None
    ) -> None:
        self._record = record
        self._directory = Path(record.directory)
        self._log = EventLog(self._directory / "events.jsonl")
        self._reserve = Reserve(self._directory)
        self._journal = journal
        self._store: Store | None = None
        try:
            self._store = Store(Path(record.project)) if in_history else None
        except InfrastructureError as error:
            self._warn(error)

    def note(self, event: Event) -> None:
        """Take in an event."""
        self._log.write(event)
        if self._journal is not None and not isinstance(event, Closed):
            self._journal.append(**to_entry(event))

    def tick(self) -> None:
        """Show others that the run is alive; to be called often."""
        self._log.tick()

    def save(self) -> None:
        """Write the record; raise OSError when the run directory has no place for it.

        A state folder that cannot be written costs a warning.
        """
        self._write()
        try:
            if self._store is not None:
                self._store.save(self._record)
        except OSError as error:
            self._store = None
            self._warn(f"cannot write the state folder: {error}")
            self._write()

    def finish(self) -> None:
        """Write the record of a run that has ended, and remove the oldest ones."""
        self._log.date(self._record.tests)
        if self._log.problem is not None:
            self._record.warnings.append(f"events.jsonl is incomplete: {self._log.problem}")
        try:
            if self._store is not None:
                self._store.rotate()
        except (OSError, InfrastructureError) as error:
            self._record.warnings.append(f"old runs are not removed: {error}")
        self.save()
        self._reserve.release()

    def publish(self, *, signal: int = 0, nothing_selected: bool = False) -> None:
        """Decide, and write what stays of the run: the record first, which matters most.

        For the arguments see `decide`.
        """
        decide(self._record, signal=signal, nothing_selected=nothing_selected)
        empty = self._record.exit_code == ExitCode.NOTHING_SELECTED
        if empty:
            self._leave_history()
        latest = self._directory.parent / "latest"
        in_the_way = latest.exists() and not latest.is_symlink()
        if in_the_way:
            self._record.warnings.append(f"{latest} is no link to the last run: remove it")
        self.finish()
        junit = self._directory / "junit.xml"
        try:
            write_junit(self._record, self._directory, junit)
            if not empty and not in_the_way:
                _point(latest, self._directory.name)
        except OSError as error:
            with suppress(OSError):
                junit.unlink()
            self._record.errors.append(f"the record is kept, but not all beside it: {error}")
            decide(self._record, signal=signal, nothing_selected=nothing_selected)
            self.save()

    def _leave_history(self) -> None:
        """Keep the record in the run directory alone."""
        store, self._store = self._store, None
        if store is not None:
            with suppress(OSError):
                store.drop(self._record.id)

    def _warn(self, cause: object) -> None:
        self._record.warnings.append(f"the run is in no history: {cause}")

    def _write(self) -> None:
        file = self._directory / "run.json"
        try:
            self._record.write(file)
        except OSError:
            self._reserve.release()
            self._record.write(file)


def _point(link: Path, target: str) -> None:
    """Let the symbolic link `link` lead to `target`, at once."""
    part = link.with_name(f"{link.name}.{target}")
    part.symlink_to(target)
    os.replace(part, link)
