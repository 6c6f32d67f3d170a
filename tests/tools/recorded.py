# SPDX-License-Identifier: MIT
"""Records of runs that nobody ran, and the check of JSON against its schema."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
from referencing import Registry, Resource
from typer.testing import CliRunner
from typer.testing import Result as Answer

from ftorch_tools.testing.cli import app
from ftorch_tools.testing.records.load import SCHEMAS
from ftorch_tools.testing.records.record import RunRecord, Status, TestResult
from ftorch_tools.testing.records.store import Store


@dataclass
class Runs:
    """Records of a project's runs that nobody ran, and the commands that read them."""

    root: Path

    @property
    def store(self) -> Store:
        """Where the records are."""
        return Store(self.root)

    def add(self, *tests: TestResult, **values: Any) -> RunRecord:
        """Add a run with `tests`, newer than those before; `values` replace what it has."""
        number = len(self.store.ids())
        minutes, seconds = divmod(number, 60)
        id = f"20260102T03{minutes:02d}{seconds:02d}-{number:04x}"
        record = RunRecord(
            id=id,
            start=f"2026-01-02T03:{minutes:02d}:{seconds:02d}+00:00",
            host="host",
            pid=1,
            project=str(self.root),
            build=str(self.root / "build"),
            directory=str(self.root / "build/ftorch-test" / id),
            command=["ftorch-test", "run"],
            cores=2,
            jobs=2,
            timeout=600.0,
            status=Status.COMPLETE,
            seconds=1.0,
            exit_code=0,
            tests=list(tests),
        )
        for name, value in values.items():
            setattr(record, name, value)
        directory = Path(record.directory)
        directory.mkdir(parents=True, exist_ok=True)
        record.write(directory / "run.json")
        self.store.save(record)
        return record

    def command(self, *arguments: str) -> Answer:
        """Run `ftorch-test` in this process."""
        return CliRunner().invoke(app, list(arguments), env={"COLUMNS": "200"})

    def json(self, *arguments: str) -> Any:
        """Return what a command prints with `--json`, which fulfils its schema."""
        values = json.loads(self.command(*arguments, "--json").stdout)
        check_schema(values)
        return values


def check_schema(values: Any) -> None:
    """Check `values` against the schema that they name."""
    schemas = [json.loads(file.read_text()) for file in SCHEMAS.glob("*.json")]
    registry = Registry().with_resources(
        (schema["$id"], Resource.from_contents(schema)) for schema in schemas
    )
    (schema,) = [s for s in schemas if s["properties"]["schema"]["const"] == values["schema"]]
    jsonschema.Draft7Validator(schema, registry=registry).validate(values)
