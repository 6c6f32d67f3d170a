# SPDX-License-Identifier: MIT
"""The files through which the parts of a scheduled run, on any node, know of each other.

All are made before the job begins and then changed in place: a network file system may hide a new
file, or a renamed one, for a minute, while opening a known one shows what is in it.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ftorch_tools.errors import InfrastructureError

_SCHEMA = "ftorch-test/plan/1"


@dataclass
class Shard:
    """The tests of one worker: names of ctest tests, node ids of pytest tests."""

    ctest: list[str] = field(default_factory=list)
    pytest: list[str] = field(default_factory=list)

    @property
    def tests(self) -> list[tuple[str, str]]:
        """Runner and id of each test."""
        return [("ctest", id) for id in self.ctest] + [("pytest", id) for id in self.pytest]


@dataclass
class Plan:
    """What the run in `directory` consists of, as `plan.json` holds it. Times are seconds."""

    directory: Path
    scheduler: str
    build: str
    project: str
    pytest_paths: list[str]
    timeout: float
    jobs: int | None
    lost_after: float
    merged_by_worker: bool
    merged_by_steps: bool
    shards: list[Shard]
    job: str | None = None
    build_config: str | None = None

    def write(self) -> None:
        """Write the plan and, the first time, the files that the workers change."""
        values = {key: value for key, value in asdict(self).items() if key != "directory"}
        part = self.directory / "plan.part"
        part.write_text(json.dumps({"schema": _SCHEMA, **values}, indent=1), encoding="ascii")
        os.replace(part, self.directory / "plan.json")
        self.control.touch()
        for number in range(len(self.shards)):
            self.folder(number).mkdir(parents=True, exist_ok=True)
            self.journal(number).touch()

    @classmethod
    def read(cls, directory: Path) -> Plan:
        """Read the plan of the run in `directory`."""
        try:
            values = json.loads((directory / "plan.json").read_text(encoding="ascii"))
            if values.pop("schema") != _SCHEMA:
                raise ValueError(f"not {_SCHEMA}")
            shards = [Shard(**shard) for shard in values.pop("shards")]
            return cls(directory=directory, shards=shards, **values)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InfrastructureError(f"{directory} holds no plan of a run: {error}") from error

    @property
    def log(self) -> Path:
        """What the job prints."""
        return self.directory / "job.log"

    @property
    def control(self) -> Path:
        """Empty while the workers are to work."""
        return self.directory / "control"

    def folder(self, number: int) -> Path:
        """The folder of one shard."""
        return self.directory / "shards" / str(number)

    def journal(self, number: int) -> Path:
        """The file of one worker's events and heartbeats, which `records.live` reads too."""
        return self.directory / f"events-{number}.jsonl"

    def stop(self) -> None:
        """Ask the workers to stop their tests and to end."""
        self.control.write_text("stop\n", encoding="ascii")

    @property
    def stopped(self) -> bool:
        """Whether the workers are asked to stop."""
        try:
            return bool(self.control.read_text(encoding="ascii"))
        except OSError:
            return False
