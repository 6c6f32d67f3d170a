# SPDX-License-Identifier: MIT
"""`ftorch-test doctor` as it is called: exit codes, its JSON, and checks that break."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from pathlib import Path

import fastjsonschema
import pytest
from typer.testing import CliRunner

import ftorch_tools.testing.records
from ftorch_tools.testing.cli import app
from ftorch_tools.testing.commands.doctor import CHECKS
from ftorch_tools.testing.doctor.finding import State, ok, run_checks
from ftorch_tools.testing.doctor.subject import Subject

SCHEMA = Path(ftorch_tools.testing.records.__file__).with_name("schema") / "doctor-1.json"


@pytest.fixture
def doctor(tmp_path, terminal_environment):
    """A function that runs the command in an empty folder."""

    def run(*arguments, before=(), **changes):
        changes.setdefault("XDG_STATE_HOME", str(tmp_path))
        return subprocess.run(
            [*before, sys.executable, "-m", "ftorch_tools.testing", "doctor", *arguments],
            cwd=tmp_path,
            env=terminal_environment(**changes),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


def findings(values, state):
    return [f for check in values["checks"].values() for f in check if f["state"] == state]


def test_installation_without_fault(prefix, doctor):
    result = doctor("--prefix", str(prefix), "--json", OMP_NUM_THREADS="1")
    values = json.loads(result.stdout)
    fastjsonschema.compile(json.loads(SCHEMA.read_text()))(values)
    assert findings(values, "problem") == []
    assert result.returncode == 0
    assert values["prefix"] == str(prefix)
    versions = next(prefix.rglob("FTorchConfigVersion.cmake")).read_text()
    assert f'set(PACKAGE_VERSION "{values["ftorch"]}")' in versions
    assert set(values["checks"]) == set(CHECKS)
    assert values["warnings"] == len(findings(values, "warning"))


def test_something_wrong(prefix, doctor):
    changes = {"OMP_NUM_THREADS": "many", "CUDA_VISIBLE_DEVICES": "0,0"}
    result = doctor("--prefix", str(prefix), **changes)
    assert result.returncode == 1
    assert "problem  cores      OMP_NUM_THREADS='many' is no number of threads" in result.stdout
    assert "problem  gpu-masks  CUDA_VISIBLE_DEVICES='0,0' names 0 twice" in result.stdout
    assert result.stdout.count("remedy: ") >= 2
    assert result.stdout.splitlines()[-1].startswith("2 problems, ")
    assert "\x1b" not in result.stdout


def test_machine_without_ftorch_and_programs(doctor):
    result = doctor(PATH="/nonexistent")
    assert result.returncode == 1
    assert "no FTorch was named or found" in result.stdout
    assert "cmake not found" in result.stdout
    assert result.stderr == ""


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--prefix", "."], "no FTorch is installed in"),
        (["--prefix", ".", "."], "exclude each other"),
        (["."], "is no build folder: it has no CMakeCache.txt"),
        (["--prefix", "absent"], "absent"),
    ],
)
def test_usage(arguments, text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["doctor", *arguments])
    assert result.exit_code == 2
    assert text in result.stderr


def broken(subject):
    yield ok("the first")
    raise ZeroDivisionError("by zero")


def silent(subject):
    threading.Event().wait()
    yield ok("never")


def test_checks_that_break_or_hang_cannot_tell():
    begun = time.monotonic()
    checks = {"broken": broken, "silent": silent, "well": lambda subject: iter([ok("well")])}
    found = run_checks(checks, Subject(), seconds=0.5)
    assert time.monotonic() - begun < 5
    first, second = found["broken"]
    assert (first.state, first.message) == (State.OK, "the first")
    assert (second.state, second.message) == (State.UNKNOWN, "cannot tell: by zero")
    assert [f.message for f in found["silent"]] == ["cannot tell: no answer within 0.5 s"]
    assert [f.message for f in found["well"]] == ["well"]
