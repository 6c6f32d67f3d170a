# SPDX-License-Identifier: MIT
"""The time that a run still takes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from ftorch_tools.testing.estimate import Durations, read_durations


def of_ctest(values):
    """Return what `values`, by name, say of tests of ctest."""
    return {("ctest", name): value for name, value in values.items()}


KNOWN = Durations(of_ctest({"a": 10.0, "b": 20.0, "c": 60.0}))


@pytest.mark.parametrize(
    ("remaining", "elapsed", "jobs", "expected"),
    [
        ([], {}, 1, None),
        (["unknown"], {}, 1, None),
        (["a", "b"], {}, 1, 30.0),
        (["a", "b"], {}, 2, 20.0),
        (["a", "b", "c"], {}, 2, 60.0),
        (["a", "b", "c"], {"c": 50.0}, 2, 20.0),
        (["a"], {"a": 15.0}, 1, 0.0),
        # An unknown one counts as the median of the known ones.
        (["a", "unknown"], {}, 1, 30.0),
    ],
)
def test_left(remaining, elapsed, jobs, expected):
    assert (
        KNOWN.left(list(of_ctest(dict.fromkeys(remaining))), of_ctest(elapsed), jobs) == expected
    )


def test_a_python_test_is_not_the_test_of_ctest_of_its_name():
    assert KNOWN.left([("pytest", "a")], {}, 1) is None


def test_nothing_is_known():
    assert Durations({}).left([("ctest", "a")], {}, 1) is None


def test_the_newest_run_counts_and_damage_does_not(tmp_path: Path) -> None:
    for day, seconds in (("20260101", {"a": 1.0, "b": 2.0}), ("20260102", {"a": 3.0, "c": None})):
        folder = tmp_path / f"{day}T000000-aaaa"
        folder.mkdir()
        tests = [
            {"id": id, "runner": "ctest", "attempts": [{"seconds": t}]}
            for id, t in seconds.items()
        ]
        (folder / "run.json").write_text(json.dumps({"tests": tests}))
    for name, text in (("20260103T000000-bbbb", "{"), ("20260104T000000-bbbb", "[]")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "run.json").write_text(text)
    (tmp_path / "20260105T000000-cccc").mkdir()
    durations = read_durations(tmp_path)
    assert durations.left([("ctest", "a")], {}, 1) == 3.0
    assert durations.left([("ctest", "b")], {}, 1) == 2.0
    assert durations.left([("ctest", "c")], {}, 1) is None
    assert read_durations(tmp_path / "absent").left([("ctest", "a")], {}, 1) is None


def test_the_live_line_tells(project, terminal):
    project.add_ctest("lasting", "sleep 3")
    project.add_ctest("quick", "exit 0")
    assert " left" not in terminal(project)
    shown = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", terminal(project))
    assert re.search(r"1/2 tests  1 passed  0 failed +\d s, about [123] s left", shown)
