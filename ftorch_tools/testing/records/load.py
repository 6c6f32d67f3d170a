# SPDX-License-Identifier: MIT
"""Reads records, and says of a file that holds none what is wrong with it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from ftorch_tools.errors import RecordError
from ftorch_tools.testing.records.record import SCHEMA, RunRecord, record_from_dict

SCHEMAS = Path(__file__).with_name("schema")


def load(file: Path) -> RunRecord:
    """Return the record in `file`; raise `RecordError` when it cannot be read or trusted."""
    try:
        values = json.loads(file.read_text(encoding="utf-8"), parse_constant=_refuse)
    except OSError as error:
        raise RecordError(f"cannot read {file}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise RecordError(f"{file} is damaged: {error}") from error
    schema = values.get("schema") if isinstance(values, dict) else None
    if schema != SCHEMA:
        raise RecordError(f"{file} {_strange(schema)}")
    try:
        _validator()(values)
        datetime.fromisoformat(values["start"]).timestamp()
    except (ValueError, OverflowError) as error:
        raise RecordError(f"{file} is damaged: {error}") from error
    return record_from_dict(values)


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number of JSON")


def _strange(schema: object) -> str:
    if isinstance(schema, str) and re.fullmatch(r"ftorch-test/run/\d+", schema):
        return f"is {schema}, which this version of ftorch-test cannot read; it reads {SCHEMA}"
    return "is no record of a run of ftorch-test"


@lru_cache(maxsize=1)
def _validator() -> Callable[[Any], Any]:
    import fastjsonschema  # slow to import, and of no use to a run

    schema = json.loads((SCHEMAS / "run-2.json").read_text(encoding="utf-8"))
    validator: Callable[[Any], Any] = fastjsonschema.compile(schema)
    return validator
