# SPDX-License-Identifier: MIT
"""Records in the user's state folder: found, rotated, pinned, damaged, shared by runs."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from ftorch_tools.errors import RecordError, UsageError
from ftorch_tools.testing.compiler import Compiler
from ftorch_tools.testing.records.load import load
from ftorch_tools.testing.records.record import Attempt, Outcome, Status, TestResult
from ftorch_tools.testing.records.record_writer import RecordWriter
from ftorch_tools.testing.records.store import find_run, find_store


def test_nothing_is_lost_between_writing_and_reading(runs):
    tests = [
        TestResult(
            "a",
            "ctest",
            Outcome.PASSED,
            labels=["unit"],
            exit_code=0,
            start=0.5,
            seconds=1.5,
            host="node7",
            measurements={"speed": 2.5, "bad": None},
            earlier=[Attempt(Outcome.LOST, reason="node failed"), Attempt(Outcome.TIMEOUT)],
        ),
        TestResult("ü\x00\ud800", "pytest", Outcome.CRASHED, signal="SIGSEGV", output="o.txt"),
    ]
    compilers = {"Fortran": Compiler("/usr/bin/gfortran", "GNU", "12.2.0"), "C": Compiler("cc")}
    record = runs.add(*tests, compilers=compilers, devices=["H100"], warnings=["w"], dirty=True)
    assert runs.store.load(record.id) == record


def test_unknown_fields_are_ignored(runs):
    record = runs.add(TestResult("a", "ctest", Outcome.PASSED))
    file = runs.store.folder / f"{record.id}.json"
    values = json.loads(file.read_text())
    values["novelty"] = values["tests"][0]["attempts"][0]["novelty"] = 1
    file.write_text(json.dumps(values))
    assert load(file) == record


def test_names_of_runs(runs):
    ids = [runs.add().id for _ in range(3)]
    running = runs.add(status=Status.RUNNING, exit_code=None).id
    named = {
        "latest": ids[2],
        "latest~1": ids[1],
        "latest~2": ids[0],
        ids[0]: ids[0],
        "20260102T030001": ids[1],
        "0001": ids[1],
        running: running,
        f"build/ftorch-test/{ids[1]}": ids[1],
        f"build/ftorch-test/{ids[1]}/run.json": ids[1],
        str(runs.store.folder / f"{ids[2]}.json"): ids[2],
    }
    assert {name: find_run(name, Path()).id for name in named} == named


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("20260102", "several runs"),
        ("x", "no run 'x'"),
        ("latest~2", "no such run"),
        ("./nowhere", "no run directory"),
        ("..", "no run directory"),
    ],
)
def test_names_of_no_run(runs, name, message):
    runs.add()
    runs.add()
    with pytest.raises(UsageError, match=message):
        find_run(name, Path())
    answer = runs.command("show", name)
    assert answer.exit_code == 2
    assert message in answer.stderr


def test_moved_run_directory(runs):
    record = runs.add(TestResult("a", "ctest", Outcome.FAILED, output="out.txt"))
    moved = shutil.move(record.directory, runs.root / "elsewhere")
    (Path(moved) / "out.txt").write_text("the output\n")
    assert "the output" in runs.command("show", "./elsewhere", "a").stdout
    gone = runs.command("show", "latest", "a")
    assert gone.exit_code == 0
    assert "out.txt is gone" in gone.stderr
    assert "out.txt is gone" in runs.command("show").stdout


def test_project_is_found_from_its_folders(runs, tmp_path):
    runs.add()
    deep = runs.root / "src/deep"
    deep.mkdir(parents=True)
    build = tmp_path / "scratch/build"
    build.mkdir(parents=True)
    (build / "CMakeCache.txt").write_text(f"CMAKE_HOME_DIRECTORY:INTERNAL={runs.root}\n")
    for start in (runs.root, deep, build):
        assert find_store(start).project == runs.root
    with pytest.raises(UsageError, match="no run of a project"):
        find_store(tmp_path / "scratch")
    os.chdir(tmp_path)
    assert runs.command("status").exit_code == 2
    assert runs.command("status", "--project", str(runs.root)).exit_code == 0


def test_projects_of_one_name_are_kept_apart(runs, tmp_path):
    runs.add()
    assert type(runs)(tmp_path / "other/project").store.ids() == []


def test_rotation(runs):
    old, pinned, going, dead, other, *new = [runs.add() for _ in range(8)]
    assert runs.command("show", pinned.id, "--pin").exit_code == 0
    for record, pid in ((going, os.getpid()), (dead, 2**22 + 1)):
        record.status, record.host, record.pid = Status.RUNNING, socket.gethostname(), pid
        # This process began before the run, as it must.
        record.start = "2100-01-01T00:00:00+00:00"
        runs.store.save(record)
    other.directory = str(runs.root / "chosen")
    Path(other.directory).mkdir()
    runs.store.save(other)
    runs.store.rotate(kept=3)
    left = [pinned, going, *new]
    assert runs.store.ids() == [record.id for record in left]
    assert not Path(old.directory).exists()
    assert not Path(dead.directory).exists()
    assert all(Path(record.directory).exists() for record in left)
    assert (runs.root / "chosen").exists()
    runs.command("show", pinned.id, "--unpin")
    runs.store.rotate(kept=3)
    assert pinned.id not in runs.store.ids()


def test_runs_rotate(project, runs, monkeypatch):
    assert project.root == runs.root
    project.add_ctest("a", "exit 0")
    old = [runs.add().id for _ in range(101)]
    assert project.run().code == 0
    ids = runs.store.ids()
    assert ids[:-1] == old[2:]
    assert len(ids) == 100


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is damaged"),
        ('{"schema": "ftorch-test/run/2", "id": "x"', "is damaged"),
        ("[1]", "is no record"),
        ('{"schema": "ftorch-test/list/1"}', "is no record"),
        ('{"schema": "ftorch-test/run/2"}', "is damaged: .*must contain"),
        ('{"schema": "ftorch-test/run/3"}', r"run/3, which .* cannot read; it reads .*run/2"),
        ("[" * 100_000, "is damaged"),
    ],
    ids=["empty", "cut", "list", "other", "fields", "future", "deep"],
)
def test_damaged_record(runs, text, message):
    good = runs.add(TestResult("a", "ctest", Outcome.PASSED, seconds=1.0))
    bad = runs.store.folder / f"{runs.add().id}.json"
    bad.write_text(text)
    with pytest.raises(RecordError, match=message):
        load(bad)
    for command in (["show", bad.stem], ["report", str(bad)], ["compare", good.id, bad.stem]):
        answer = runs.command(*command)
        assert (answer.exit_code, answer.stdout) == (3, ""), command
        assert str(bad) in answer.stderr
    (bad.parent / "directory.json").mkdir(exist_ok=True)
    comparison = ["compare", good.id, "latest"]
    for command in (["status"], ["history", "a"], ["show"], ["report"], comparison):
        answer = runs.command(*command)
        assert answer.exit_code == 0, command
        assert f"left out: {bad}" in answer.stderr
    runs.store.rotate(kept=1)
    assert bad.exists()


@pytest.mark.parametrize(
    ("was", "value", "message"),
    [
        ('"start": "', '"start": "x', "Invalid isoformat"),
        ('"seconds": 1.0', '"seconds": NaN', "NaN is no number"),
        ('"seconds": 1.0', '"seconds": -Infinity', "-Infinity is no number"),
        ('"seconds": 2.0', '"seconds": NaN', "NaN is no number"),
        ('"seconds": 2.0', '"seconds": -1e300', "seconds must be bigger"),
        ('"seconds": 2.0', '"seconds": 1e999', "seconds must be smaller"),
        ('"seconds": 1.0', '"seconds": 1e308', "seconds must be smaller"),
    ],
)
def test_record_with_a_time_that_is_none(runs, was, value, message):
    record = runs.add(TestResult("a", "ctest", Outcome.PASSED, seconds=2.0))
    file = runs.store.folder / f"{record.id}.json"
    text = file.read_text()
    assert text.count(was) == 1
    file.write_text(text.replace(was, value))
    with pytest.raises(RecordError, match=message):
        load(file)


@pytest.mark.parametrize("field", ["seconds", "tests", "status", "start"])
def test_record_with_a_field_of_another_type(runs, field):
    file = runs.store.folder / f"{runs.add().id}.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), field: {"a": 1}}))
    with pytest.raises(RecordError, match=field):
        load(file)


def test_state_folder_that_cannot_be_used(project, tmp_path):
    project.add_ctest("a", "exit 0")
    (tmp_path / "file").touch()
    result = project.run(XDG_STATE_HOME=str(tmp_path / "file"))
    assert result.code == 0
    assert "warning: the run is in no history" in result.out
    assert "in no history" in result.record["warnings"][0]
    reading = subprocess.run(
        [*project.command, "status"],
        cwd=project.root,
        env={**os.environ, "XDG_STATE_HOME": str(tmp_path / "file")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert reading.returncode == 3
    assert "cannot read the state folder" in reading.stderr


def test_no_state_folder(runs, monkeypatch):
    def unknown(uid):
        raise KeyError(uid)

    record = runs.add()
    for name in ("HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name)
    monkeypatch.setattr("pwd.getpwuid", unknown)
    keeper = RecordWriter(record)
    keeper.save()
    keeper.finish()
    (warning,) = load(Path(record.directory) / "run.json").warnings
    assert "in no history: there is no state folder" in warning
    assert not (Path(record.directory) / "reserve").exists()
    answer = runs.command("status")
    assert (answer.exit_code, answer.stdout) == (3, "")
    assert "set XDG_STATE_HOME or HOME" in answer.stderr
    assert runs.command("show", record.directory).exit_code == 0


def test_record_outlives_the_build_folder(project, runs):
    project.add_ctest("a", "echo hello; exit 1")
    project.run()
    shutil.rmtree(project.build)
    out = runs.command("show").stdout
    assert "1 failed" in out
    assert f"--failed={runs.store.ids()[0]}\n" in out
    assert "is gone" in runs.command("show", "latest", "a").stderr
