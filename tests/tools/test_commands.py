# SPDX-License-Identifier: MIT
"""The commands as a user meets them: help, JSON, colours, completion, lists of tests."""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys

import pytest

from ftorch_tools.testing.cli import app
from ftorch_tools.testing.commands.completion import complete_run, complete_test
from ftorch_tools.testing.records.record import Attempt, Outcome, TestResult

COMMANDS = ["run", "list", "status", "show", "compare", "history", "report"]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example(runs, command):
    out = runs.command(command, "--help").stdout
    assert f"ftorch-test {command}" in out.partition("Example:")[2]
    assert "--json" in out


def test_annotations_are_such_as_typer_reads_in_python_3_9():
    for command in [app.registered_callback, *app.registered_commands]:
        for parameter in inspect.signature(command.callback).parameters.values():
            assert not isinstance(parameter.annotation, str), command.callback


def test_overview_names_all(runs):
    out = runs.command("--help").stdout
    assert all(f" {command} " in out for command in COMMANDS)


@pytest.fixture
def filled(runs):
    """Two runs with all that tests may have."""
    test = TestResult("a", "ctest", Outcome.FAILED, exit_code=3, seconds=1.0, start=0.0)
    test.output, test.measurements = "out.txt", {"speed": 2.5, "bad": None}
    test.earlier = [Attempt(Outcome.LOST)]
    skipped = TestResult("s", "pytest", Outcome.SKIPPED, reason="why")
    runs.add(TestResult("a", "ctest", Outcome.PASSED, seconds=1.0))
    record = runs.add(test, skipped, exit_code=1)
    (runs.root / "build/ftorch-test" / record.id / "out.txt").write_text(
        "one\n\x1b[31mtwo\x1b[0m\x07 ü\n"
    )
    return runs


@pytest.mark.parametrize(
    "arguments",
    [
        ["status"],
        ["show"],
        ["show", "latest", "a"],
        ["show", "latest", "s"],
        ["compare"],
        ["history", "a"],
        ["report"],
        ["report", "--format", "html", "-o", "x.html"],
    ],
)
def test_json_fulfils_its_schema(filled, arguments):
    filled.json(*arguments)


def test_schemas_reject_what_is_wrong(filled, schema_check):
    record = filled.json("show")
    for change in ({"tests": [{}]}, {"seconds": "1"}, {"schema": "ftorch-test/run/1"}):
        with pytest.raises(Exception, match=r"not|required|unpack"):
            schema_check({**record, **change})


def test_show_a_run(filled):
    out = filled.command("show").stdout
    assert "a  failed (exit code 3)" in out
    assert "skipped 1: why" in out
    assert f"--failed={filled.root}/build/ftorch-test/" in out
    assert out.splitlines()[-1] == "0 passed, 1 failed, 1 skipped"


def test_show_a_test(filled):
    answer = filled.command("show", "latest", "a")
    assert answer.stdout == "one\n\x1b[31mtwo\x1b[0m\x07 ü\n"
    assert "lost" in answer.stderr
    assert "failed (exit code 3)" in answer.stderr
    assert "speed = 2.5, bad = None" in answer.stderr
    assert filled.json("show", "latest", "a")["outputs"] == [None, answer.stdout]
    assert "it printed nothing" in filled.command("show", "latest", "s").stderr
    assert filled.command("show", "latest", "absent").exit_code == 2


def test_terminals(filled, shown_on_terminal):
    command = [sys.executable, "-m", "ftorch_tools.testing", "show", "latest", "a"]
    colours = shown_on_terminal(command)
    assert "\x1b[1ma" in colours
    # What the test printed does not act on the terminal.
    assert "two\N{REPLACEMENT CHARACTER} ü" in colours
    assert "\x1b[31mtwo" not in colours
    plain = shown_on_terminal(command, NO_COLOR="1")
    assert "\x1b[3" not in plain
    assert "\x1b[9" not in plain


def offered(*words):
    """Return what a shell is offered for the last of `words`, as typer's script asks for it."""
    answer = subprocess.run(
        [
            sys.executable,
            "-c",
            "from ftorch_tools.testing.cli import app; app(prog_name='ftorch-test')",
        ],
        env={
            **os.environ,
            "_FTORCH_TEST_COMPLETE": "complete_bash",
            "COMP_WORDS": " ".join(["ftorch-test", *words]),
            "COMP_CWORD": str(len(words)),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.stderr == ""
    return answer.stdout.split()


def test_completion_by_the_shell(filled):
    newest = filled.store.ids()[-1]
    assert offered("sta") == ["status"]
    assert offered("compare", "2026") == filled.store.ids()[::-1]
    assert offered("show", newest, "a") == ["a"]


def test_completion_of_names(filled):
    assert [name for name, _ in complete_run("")] == ["latest", *filled.store.ids()[::-1]]
    assert complete_test("") == ["a", "s"]
    assert complete_test("s") == ["s"]
    (filled.store.folder / f"{filled.store.ids()[-1]}.json").write_text("damaged")
    assert complete_test("") == ["a"]


def test_completion_without_records(runs):
    assert complete_run("") == []
    assert complete_test("") == []


@pytest.fixture
def listed(project, runs):
    """A project with tests of both kinds."""
    project.add_ctest("unit.a", "exit 1", LABELS="unit;gpu")
    project.add_ctest("unit.slow", "exit 0", LABELS="slow")
    project.add_python(
        "test_a.py",
        "import pytest\n@pytest.mark.gpu\ndef test_g(): pass\ndef test_b(): raise SystemExit\n",
    )
    project.add_python("test_c.py", "import pytest\npytest.importorskip('no_such_module')\n")
    return runs


def test_list(listed):
    assert listed.json("list")["tests"] == [
        {"id": "unit.a", "runner": "ctest", "labels": ["gpu", "unit"]},
        {"id": "tests/test_a.py::test_g", "runner": "pytest", "labels": ["gpu", "python"]},
        {"id": "tests/test_a.py::test_b", "runner": "pytest", "labels": ["python"]},
        {"id": "tests/test_c.py", "runner": "pytest", "labels": ["python"]},
    ]
    assert not (listed.root / "build/ftorch-test").exists()


def test_list_lists_what_run_runs(listed, project):
    selection = ["-E", "gpu or slow", "--shard", "1/2"]
    ids = [test["id"] for test in listed.json("list", *selection)["tests"]]
    assert sorted(ids) == sorted(project.run(*selection).outcomes)
    assert 0 < len(ids) < 3


def test_list_says_what_is_left_out(listed):
    answer = listed.command("list", "-LE", "python")
    assert answer.stdout == "ctest   unit.a  gpu, unit\n"
    assert answer.stderr == "1 tests, 1 slow ones left out; --all lists them too\n"
    nothing = listed.command("list", "-R", "absent")
    assert (nothing.exit_code, nothing.stdout) == (4, "")
    unknown = listed.command("list", "--test", "unit.b", "--test", "unit.a")
    assert unknown.exit_code == 4
    assert "no such test: unit.b" in unknown.stderr


def test_list_takes_names_as_shells_complete_them(listed, monkeypatch):
    monkeypatch.chdir(listed.root / "tests")
    build = str(listed.root / "build")
    names = ["../tests/", "./test_a.py", f"{listed.root}/tests/test_a.py::test_b"]
    found = json.loads(listed.command("list", "--json", build, "--", *names).stdout)
    assert "tests/test_a.py::test_b" in [test["id"] for test in found["tests"]]
    assert found["unknown"] == []


def test_list_fails_like_run(project, runs):
    project.add_python("test_bad.py", "import no_such_module\n")
    answer = runs.command("list")
    assert (answer.exit_code, answer.stdout) == (3, "")
    assert "No module named 'no_such_module'" in answer.stderr
    assert runs.command("list", "nowhere").exit_code == 2
    assert runs.command("list", "-R", "(").exit_code == 2
    project.add_line("add_test(b /bin/sh")
    assert runs.command("list").exit_code == 3


def test_the_record_of_a_run_fulfils_the_schema(project, schema_check):
    project.add_ctest(
        "a",
        'echo \'<CTestMeasurement type="numeric/double" name="speed">1.5</CTestMeasurement>\'; '
        'echo \'<CTestMeasurement type="numeric/double" name="bad">nan</CTestMeasurement>\'; '
        'echo \'<CTestMeasurement type="text/string" name="text">1</CTestMeasurement>\'; '
        "sleep 0.3",
    )
    project.add_python(
        "test_a.py",
        "def test_a(record_property):\n"
        "    record_property('steps', 3)\n"
        "    record_property('endless', float('inf'))\n"
        "    record_property('word', 'x')\n"
        "    record_property('flag', True)\n",
    )
    result = project.run("--json")
    schema_check(json.loads(result.out))
    schema_check(result.record)
    assert result.test("a")["measurements"] == {"speed": 1.5, "bad": None}
    measured = result.test("tests/test_a.py::test_a")["measurements"]
    assert measured == {"steps": 3, "endless": None}
    for test in result.record["tests"]:
        (attempt,) = test["attempts"]
        assert 0 < attempt["start"] < result.record["seconds"]
    assert result.record["devices"] is None or isinstance(result.record["devices"], list)


@pytest.mark.parametrize(
    ("script", "devices"),
    [
        (
            'for n in 0 1; do echo "GPU $n: NVIDIA H100 80GB HBM3 (UUID: GPU-$n)"; done',
            ["NVIDIA H100 80GB HBM3"] * 2,
        ),
        ("echo 'cannot talk to the driver'; exit 9", None),
    ],
)
def test_devices(project, script, devices):
    fake = project.root / "bin/nvidia-smi"
    fake.parent.mkdir()
    fake.write_text(f"#!/bin/sh\n{script}\n")
    fake.chmod(0o755)
    project.add_ctest("a", "exit 0")
    result = project.run(PATH=f"{fake.parent}:{os.environ['PATH']}")
    assert result.record["devices"] == devices
