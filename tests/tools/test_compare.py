# SPDX-License-Identifier: MIT
"""What changed between two runs, and what one test did over time."""

from __future__ import annotations

import json

import pytest

from ftorch_tools.testing.records.compare import noise
from ftorch_tools.testing.records.record import Attempt, Outcome, Status, TestResult

LISTS = [
    "newly_failing",
    "still_failing",
    "newly_passing",
    "newly_skipped",
    "slower",
    "faster",
    "missing",
    "new",
]


def result(id, outcome="passed", seconds=None, runner="ctest"):
    """Return a test that ended so."""
    return TestResult(id, runner, Outcome(outcome), seconds=seconds)


def changes(runs, *arguments):
    """Return which tests `compare` puts in which list, without the empty ones."""
    values = runs.json("compare", *arguments)
    found = {name: [change["id"] for change in values[name]] for name in LISTS}
    return {name: ids for name, ids in found.items() if ids}


@pytest.mark.parametrize(
    ("before", "after", "where", "code"),
    [
        ("passed", "failed", "newly_failing", 5),
        ("passed", "timeout", "newly_failing", 5),
        ("passed", "crashed", "newly_failing", 5),
        ("passed", "not_run", "newly_failing", 5),
        ("passed", "lost", "missing", 0),
        ("lost", "passed", "new", 0),
        ("lost", "failed", "new", 5),
        ("lost", "lost", "missing", 0),
        (None, "lost", "missing", 0),
        ("skipped", "failed", "newly_failing", 5),
        (None, "failed", "new", 5),
        (None, "passed", "new", 0),
        ("passed", None, "missing", 0),
        ("failed", None, "missing", 0),
        ("failed", "crashed", "still_failing", 0),
        ("failed", "passed", "newly_passing", 0),
        ("skipped", "passed", "newly_passing", 0),
        ("passed", "skipped", "newly_skipped", 0),
        ("failed", "skipped", "newly_skipped", 0),
        ("passed", "passed", None, 0),
        ("skipped", "skipped", None, 0),
    ],
)
def test_outcomes(runs, before, after, where, code):
    for outcome in (before, after):
        runs.add(*([result("a", outcome)] if outcome else []), result("other"))
    assert changes(runs) == ({where: ["a"]} if where else {})
    answer = runs.command("compare")
    assert answer.exit_code == code
    words = where.replace("_", " ") if where else None
    assert answer.stdout.splitlines()[-1] == (f"1 {words}" if where else "no difference")
    assert runs.json("compare")["regression"] is (code == 5)


@pytest.mark.parametrize(
    ("earlier", "before", "after", "where"),
    [
        ([], 10.0, 10.4, None),
        ([], 10.0, 10.6, "slower"),
        ([], 10.0, 9.6, None),
        ([], 10.0, 9.4, "faster"),
        # Five per cent of a short test is less than the start of a process takes.
        ([], 0.02, 0.10, None),
        ([], 0.02, 0.15, "slower"),
        # The deviations from the median 10 are 2 1 0 1 2 and, of the run A, 0: three times 1.
        ([8.0, 9.0, 10.0, 11.0, 12.0], 10.0, 12.9, None),
        ([8.0, 9.0, 10.0, 11.0, 12.0], 10.0, 13.1, "slower"),
        ([8.0, 9.0, 10.0, 11.0, 12.0], 10.0, 6.9, "faster"),
        # One test of two speeds, whose deviation is 0.
        ([1.0, 2.0, 1.0, 2.0], 1.0, 2.0, None),
        ([2.0, 1.0, 2.0, 1.0], 2.0, 1.0, None),
        ([1.0, 2.0, 1.0, 2.0], 1.0, 2.2, "slower"),
        ([9.0, 1.0, 1.0, 1.0, 1.0], 1.0, 1.2, "slower"),
    ],
)
def test_durations(runs, earlier, before, after, where):
    for seconds in [*earlier, before, after]:
        runs.add(result("a", seconds=seconds))
    assert changes(runs) == ({where: ["a"]} if where else {})
    # One earlier run, or two, do not tell noise from a regression.
    regression = where == "slower" and len(earlier) >= 2
    answer = runs.command("compare")
    assert answer.exit_code == (5 if regression else 0)
    assert ("too few runs" in answer.stdout) == (where is not None and len(earlier) < 2)


def test_only_passed_runs_of_the_same_test_tell_the_noise(runs):
    for seconds in (1.0, 50.0, 100.0):
        runs.add(result("a", "failed", seconds), result("b", "passed", seconds))
    runs.add(result("a", seconds=10.0))
    runs.add(result("a", seconds=12.0))
    assert changes(runs) == {"slower": ["a"]}


def test_noise_by_hand():
    assert noise(1.0, []) == pytest.approx(0.1)
    assert noise(100.0, []) == pytest.approx(5.0)
    assert noise(1.0, [1.0, 2.0, 4.0]) == pytest.approx(3.0)


def test_the_same_name_twice_and_in_both_runners(runs):
    runs.add(result("a", "failed"), result("a"), result("a", runner="pytest"))
    runs.add(result("a"), result("a"), result("a", "failed", runner="pytest"))
    values = runs.json("compare")
    assert [change["runner"] for change in values["newly_failing"]] == ["pytest"]
    assert [change["runner"] for change in values["newly_passing"]] == ["ctest"]


def test_order_of_the_runs(runs):
    first = runs.add(result("a", "failed")).id
    second = runs.add(result("a")).id
    assert changes(runs, first, second) == {"newly_passing": ["a"]}
    assert changes(runs, second, first) == {"newly_failing": ["a"]}
    assert changes(runs, f"build/ftorch-test/{second}", first) == {"newly_failing": ["a"]}


def test_what_cannot_be_compared(runs):
    assert runs.command("compare").exit_code == 2
    runs.add()
    assert "no such run" in runs.command("compare").stderr
    running = runs.add(status=Status.RUNNING).id
    assert "has not ended" in runs.command("compare", "latest", running).stderr


def test_what_an_interrupted_run_did_not_come_to_is_missing(runs):
    runs.add(result("a"), result("b"))
    runs.add(result("a", "failed"), result("b", "not_run"), status=Status.INTERRUPTED)
    assert changes(runs) == {"newly_failing": ["a"], "missing": ["b"]}
    runs.add(result("b", "failed"))
    assert changes(runs) == {"missing": ["a"], "new": ["b"]}


@pytest.mark.parametrize(
    "selection",
    [
        {"regex": "^a$"},
        {"labels": ["unit"]},
        {"exclude": ["extra"]},
        {"expression": "not extra"},
        {"tests": [["ctest", "a"]]},
        {"tests": ["a"]},  # as older versions recorded it
        {"shard": None, "everything": False, "exclude": ["ext"]},
    ],
)
def test_what_a_run_was_not_to_run_is_neither_missing_nor_new(runs, selection):
    both = [result("a", "passed"), result("b", "failed")]
    both[0].labels, both[1].labels = ["unit"], ["extra"]
    runs.add(*both)
    runs.add(both[0], selection=selection)
    runs.add(*both)
    for first, second in (("latest~2", "latest~1"), ("latest~1", "latest")):
        assert changes(runs, first, second) == {}
        assert runs.command("compare", first, second).exit_code == 0
        values = runs.json("compare", first, second)
        assert [change["id"] for change in values["not_selected"]] == ["b"]


@pytest.mark.parametrize("order", [("one", "two"), ("two", "one")])
def test_tests_of_one_name_are_told_apart_by_their_places(runs, order):
    def make(outcomes, places):
        tests = [result("a", outcomes[place]) for place in places]
        for test, place in zip(tests, places):
            test.place = place
        return tests

    outcomes = {"one": "failed", "two": "passed"}
    runs.add(*make(outcomes, ("one", "two")))
    runs.add(*make(outcomes, order))
    assert changes(runs) == {"still_failing": ["a"]}
    assert runs.command("compare").exit_code == 0
    # Of a run with but one of them, it is that one.
    runs.add(*make(outcomes, order[:1]))
    assert changes(runs).get("newly_failing") is None


def test_words_of_a_comparison(runs):
    runs.add(result("slow\x1b[31m", seconds=1.0), result("bad"), commit="0123456789abcdef")
    runs.add(result("slow\x1b[31m", seconds=2.0), result("bad", "timeout"), dirty=True, host="b")
    out = runs.command("compare").stdout
    assert "slow  1.00 s -> 2.00 s (+100 %, noise 0.10 s, too few runs: 1)" in out
    assert "bad  passed -> timeout" in out
    assert "0123456789  host" in out
    assert "the hosts differ" in out
    assert "\x1b" not in out


def test_history(runs):
    runs.add(result("a", seconds=1.5), commit="abc", dirty=True)
    runs.add(result("b"))
    test = result("a", "failed", 3.0)
    test.measurements, test.host = {"speed": 2.5}, "node7"
    test.earlier = [Attempt(Outcome.LOST)]
    last = runs.add(test)
    values = runs.json("history", "a")
    assert [entry["outcome"] for entry in values["entries"]] == ["passed", "failed"]
    assert [entry["seconds"] for entry in values["entries"]] == [1.5, 3.0]
    entry = values["entries"][1]
    assert (entry["run"], entry["host"], entry["attempts"]) == (last.id, "node7", 2)
    assert entry["measurements"] == {"speed": 2.5}
    lines = runs.command("history", "a").stdout.splitlines()
    assert lines[0] == "a"
    assert "passed      1.500 s  ##########            abc+  host" in lines[1]
    assert "failed      3.000 s  ####################  node7  speed=2.5" in lines[2]
    assert len(runs.json("history", "a", "--last", "1")["entries"]) == 1


def test_names_of_tests(runs):
    runs.add(*(result(name) for name in ("fortran.tensor", "fortran.tensor.more", "c")))
    for name, id in {"fortran.tensor": "fortran.tensor", "more": "fortran.tensor.more"}.items():
        assert runs.json("history", name)["id"] == id
    several = runs.command("history", "fortran")
    assert several.exit_code == 2
    assert "fortran.tensor.more" in several.stderr
    assert "no test 'x'" in runs.command("history", "x").stderr


def test_real_runs(project, runs):
    project.add_ctest("a", "[ ! -e broken ]")
    project.add_ctest("b", "exit 0", LABELS="extra")
    project.run("-LE", "extra")
    (project.build / "broken").touch()
    assert project.run().code == 1
    # The first run was not to run b.
    assert changes(runs) == {"newly_failing": ["a"]}
    assert "1 tests are in one of the runs alone" in runs.command("compare").stdout
    assert runs.command("compare").exit_code == 5
    text = (runs.store.folder / f"{runs.store.ids()[0]}.json").read_text()
    assert json.loads(text)["tests"][0]["attempts"][0]["start"] > 0
