# SPDX-License-Identifier: MIT
"""What `ftorch-test` says of each way in which a test can end; the reference has the table."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REFERENCE = Path(__file__).parents[3] / "docs/reference/ftorch-test.md"
BEGIN, END = "<!-- ends of tests -->\n", "<!-- end -->\n"
FORMS = ("ctest", "pytest", "isolated", "mpi")
GOOD = ("passes", "flaky", "teardown_flaky", "subtests")


def table(project, outcomes) -> str:
    """Return the table of the ways to end, in Markdown."""
    lines = ["| a test that | ctest | pytest | isolated | MPI |", "|---|---|---|---|---|"]
    for name, way in project.ways.items():
        cells = [project.outcome_of(outcomes, form, name) for form in FORMS]
        lines.append(f"| {way.words} | {' | '.join(f'`{c}`' if c else '' for c in cells)} |")
    return "\n".join(lines) + "\n"


def test_the_reference_has_the_table(ends, outcomes):
    made = table(ends, outcomes.outcomes)
    text = REFERENCE.read_text()
    before, _, rest = text.partition(BEGIN)
    written, _, after = rest.partition(END)
    if os.environ.get("FTORCH_WRITE_REFERENCE"):
        REFERENCE.write_text(f"{before}{BEGIN}{made}{END}{after}")
        return
    assert written == made, "FTORCH_WRITE_REFERENCE=1 writes it anew"


@pytest.mark.slow
def test_the_same_is_said_of_a_node(ends, outcomes, cluster):
    cluster.wait_until_idle()
    for file in Path(ends.settings["ENDS_FOLDER"]).glob("test_*"):
        file.unlink()
    changes = {**ends.settings, **cluster.environment}
    there = ends.run("--on", "slurm", "--nodes", "2", limit=600, **changes)
    assert there.record["errors"] == []
    assert len(there.record["tests"]) == len(outcomes.record["tests"])
    assert there.outcomes == outcomes.outcomes
    assert there.code == outcomes.code


def test_each_is_in_the_record_once(ends, outcomes):
    ids = [test["id"] for test in outcomes.record["tests"]]
    assert len(ids) == len(set(ids))
    known = {
        name
        for form in FORMS
        for name in ends.ways
        if ends.outcome_of(outcomes.outcomes, form, name)
    }
    assert known == set(ends.ways)


@pytest.mark.parametrize("form", FORMS)
def test_only_what_ended_well_has_passed(ends, outcomes, form):
    for name in ends.ways:
        outcome = ends.outcome_of(outcomes.outcomes, form, name)
        assert (outcome == "passed") <= (name in GOOD), (form, name)
        assert outcome is None or (name in GOOD) <= (outcome == "passed"), (form, name)


@pytest.mark.parametrize("form", FORMS[1:])
def test_attempts_are_told(ends, outcomes, form):
    id = f"tests/test_ends.py::test_{form}_"
    expected = {
        "passes": ["passed"],
        "flaky": ["failed", "passed"],
        "killed_again": ["failed", "crashed"],
        "fails_again": ["failed", "failed"],
        "teardown_flaky": ["failed", "passed"],
    }
    for name, attempts in expected.items():
        if ends.outcome_of(outcomes.outcomes, form, name) is not None:
            found = [a["outcome"] for a in outcomes.test(f"{id}{name}")["attempts"]]
            # After a crash the plugin may try once more.
            assert found[:2] == attempts, name
            assert found[-1] == attempts[-1], name
    assert f"flaky: {id}flaky  failed, passed" in outcomes.out
