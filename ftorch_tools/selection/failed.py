# SPDX-License-Identifier: MIT
"""The tests that failed in an earlier run."""

from __future__ import annotations

import json
from pathlib import Path

from ftorch_tools.errors import UsageError
from ftorch_tools.records.record import Outcome


def failed_tests(root: Path, run: str) -> list[str]:
    """Return the names of the tests that neither passed nor were skipped in `run`.

    `run` is `latest`, the id of a run below `root`, or a run directory.
    """
    places = [root / run, Path(run)]
    file = next((place / "run.json" for place in places if (place / "run.json").is_file()), None)
    if file is None:
        raise UsageError(f"no run {run!r} in {root}")
    try:
        tests = json.loads(file.read_text(encoding="utf-8"))["tests"]
        return [test["id"] for test in tests if Outcome(test["outcome"]).is_failure]
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{file} is no record of a run: {error!r}") from error
