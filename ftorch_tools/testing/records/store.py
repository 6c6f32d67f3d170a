# SPDX-License-Identifier: MIT
"""The records of a project's runs, in the user's state folder."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import platformdirs

from ftorch_tools.errors import InfrastructureError, RecordError, UsageError
from ftorch_tools.testing.project import RUNS_FOLDERS, read_cache
from ftorch_tools.testing.records.live import in_progress
from ftorch_tools.testing.records.load import load
from ftorch_tools.testing.records.record import RunRecord, Status

# How many runs of a project are kept, besides those pinned or in progress.
KEPT = 100
_SUFFIX = ".json"

OnProblem = Callable[[str], None]


def _ignore(problem: str) -> None:
    """Take no note of what is wrong."""


class Store:
    """The records of the runs of the project at `project`.

    They outlive the build folder, where the outputs lie. Each is a file of its own, so that runs
    at once do not disturb each other.
    """

    def __init__(self, project: Path) -> None:
        project = project.resolve()  # a project has one store, whatever links lead to it
        digest = hashlib.sha256(os.fsencode(project)).hexdigest()[:12]
        name = re.sub(r"[^A-Za-z0-9._-]+", "_", project.name) or "root"
        self.project = project
        self.folder = _state_folder() / f"{name}-{digest}"

    def save(self, record: RunRecord) -> None:
        """Keep a copy of `record`."""
        self.folder.mkdir(parents=True, exist_ok=True)
        record.write(self._file(record.id))

    def drop(self, id: str) -> None:
        """Keep the record of the run `id` no longer; its run directory stays."""
        self._file(id).unlink(missing_ok=True)

    def ids(self) -> list[str]:
        """Return the ids of all runs, oldest first."""
        try:
            names = os.listdir(self.folder)
        except FileNotFoundError:
            return []
        except OSError as error:
            message = f"cannot read the state folder {self.folder}: {error.strerror}"
            raise InfrastructureError(message) from error
        return sorted(name[: -len(_SUFFIX)] for name in names if name.endswith(_SUFFIX))

    def load(self, id: str) -> RunRecord:
        """Return the record of the run `id`."""
        return load(self._file(id))

    def load_all(self, on_problem: OnProblem) -> list[RunRecord]:
        """Return the records, oldest first; what cannot be read goes to `on_problem`."""
        return list(self._readable(self.ids(), on_problem))

    def resolve(self, text: str, on_problem: OnProblem = _ignore) -> RunRecord:
        """Return the run that `text` names.

        That is `latest`, the newest run that has ended; `latest~N`, the Nth before it; an id or
        its unique beginning, or what stands behind its dash. Records that are passed over, as
        they cannot be read, go to `on_problem`.
        """
        number = re.fullmatch(r"latest(?:~(\d+))?", text)
        if number:
            return self._ended(int(number.group(1) or 0), on_problem)
        ids = self.ids()
        found = [id for id in ids if id.startswith(text) or id.rpartition("-")[2] == text]
        if text in ids:
            found = [text]
        if len(found) > 1:
            raise UsageError(f"{text!r} is the beginning of several runs: {', '.join(found[-5:])}")
        if not found:
            raise UsageError(f"no run {text!r} of {self.project}; `ftorch-test status` shows some")
        return self.load(found[0])

    def pin(self, id: str, *, pinned: bool) -> None:
        """Say whether the run `id` is kept for ever."""
        mark = self._pin(id)
        if pinned:
            mark.touch()
        else:
            mark.unlink(missing_ok=True)

    def rotate(self, kept: int = KEPT) -> None:
        """Remove all but the newest `kept` runs and those that are pinned or in progress.

        The run directory goes with its record, unless its place was chosen with `--output`.
        """
        ids = self.ids()
        for id in ids[: max(0, len(ids) - kept)]:
            if self._pin(id).exists():
                continue
            try:
                record = self.load(id)
            except RecordError:
                continue  # perhaps a newer version is at work
            if not in_progress(record):
                self._remove(record)

    def _remove(self, record: RunRecord) -> None:
        directory = Path(record.directory)
        if directory in (Path(record.build) / name / record.id for name in RUNS_FOLDERS):
            shutil.rmtree(directory, ignore_errors=True)
        self.drop(record.id)

    def _readable(self, ids: Iterable[str], on_problem: OnProblem) -> Iterator[RunRecord]:
        for id in ids:
            try:
                yield self.load(id)
            except RecordError as error:
                on_problem(str(error))

    def _ended(self, back: int, on_problem: OnProblem) -> RunRecord:
        for record in self._readable(reversed(self.ids()), on_problem):
            if record.status is not Status.RUNNING:
                if back == 0:
                    return record
                back -= 1
        raise UsageError(f"{self.project} has no such run that has ended")

    def _file(self, id: str) -> Path:
        return self.folder / f"{id}{_SUFFIX}"

    def _pin(self, id: str) -> Path:
        return self.folder / f"{id}.pinned"


def find_store(start: Path) -> Store:
    """Return the store of the project that `start` belongs to: a source or build folder's part."""
    start = start.resolve()
    folders = [start, *start.parents]
    built = [read_cache(folder).get("CMAKE_HOME_DIRECTORY") for folder in folders]
    for folder in [*folders, *(Path(project) for project in built if project)]:
        store = Store(folder)
        if store.ids():
            return store
    raise UsageError(
        f"no run of a project in {start} or above it is recorded in {_state_folder()}.\n"
        "Start one with `ftorch-test run`, or name the folder of the project with --project."
    )


def find_run(text: str, start: Path, on_problem: OnProblem = _ignore) -> RunRecord:
    """Return the run that `text` names: a run directory or record, or see `Store.resolve`."""
    if os.sep not in text and not text.endswith(_SUFFIX) and text not in (".", ".."):
        return find_store(start).resolve(text, on_problem)
    file = Path(text)
    if file.is_dir():
        file = file / "run.json"
    if not file.is_file():
        raise UsageError(f"{text} is no run directory and no record")
    record = load(file)
    if file.name == "run.json":
        record.directory = str(file.resolve().parent)
    return record


def find_ended_run(text: str, start: Path, on_problem: OnProblem = _ignore) -> RunRecord:
    """Return the run that `text` names, as `find_run`, and refuse one without results."""
    record = find_run(text, start, on_problem)
    if record.status is Status.RUNNING:
        raise UsageError(f"the run {record.id} has not ended; `ftorch-test status` shows it")
    return record


def _state_folder() -> Path:
    with suppress(RuntimeError):
        folder = platformdirs.user_state_path("ftorch-test", appauthor=False)
        if folder.is_absolute():
            return folder
    raise InfrastructureError(
        "there is no state folder: set XDG_STATE_HOME or HOME to an absolute path"
    )
