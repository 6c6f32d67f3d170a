# SPDX-License-Identifier: MIT
"""The command that a run offers for its failures does what it says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest


def offered(result):
    """Return the rerun command of a result."""
    return re.search(r"^rerun: +(.*)$", result.out, re.MULTILINE).group(1)


def run_again(result, environment):
    """Run the offered command, in a shell and from elsewhere."""
    process = subprocess.run(
        offered(result),
        shell=True,
        cwd="/",
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return type(result)(process.returncode, process.stdout, process.stderr, result.project)


@pytest.fixture
def mixed(project):
    project.add_ctest("good", "exit 0")
    project.add_ctest("bad.one", "test -e repaired")
    project.add_ctest("bad.one.more", "exit 0")
    project.add_ctest("badXone", "exit 0")
    project.add_ctest("slow.bad", "exit 1", LABELS="slow")
    project.add_python(
        "test_a.py",
        "import pytest\n"
        "@pytest.mark.parametrize('x', ['a b', '(\\'|$)', 'fine'])\n"
        "def test_x(x): assert x == 'fine'\n",
    )
    return project


FAILED = {
    "bad.one": "failed",
    "slow.bad": "failed",
    "tests/test_a.py::test_x[a b]": "failed",
    "tests/test_a.py::test_x[('|$)]": "failed",
}


def test_rerun_runs_the_failures_and_nothing_else(mixed, terminal_environment):
    first = mixed.run("--all", "-j", "1", "--timeout", "50", "--output", "records")
    assert {name: out for name, out in first.outcomes.items() if out != "passed"} == FAILED
    again = run_again(first, terminal_environment())
    assert again.outcomes == FAILED
    assert again.code == 1
    assert again.directory.parent == mixed.root / "records"
    assert again.record["timeout"] == 50
    (mixed.build / "repaired").touch()
    repaired = run_again(again, terminal_environment())
    assert repaired.outcomes == {**FAILED, "bad.one": "passed"}
    assert set(run_again(repaired, terminal_environment()).outcomes) == FAILED.keys() - {"bad.one"}


def test_rerun_names_the_installed_command(mixed):
    script = Path(sys.executable).with_name("ftorch-test")
    if not script.exists():
        pytest.skip("ftorch_tools is not installed beside this Python")
    mixed.command = [str(script)]
    elsewhere = "/usr/local/bin:/usr/bin:/bin"
    alone = mixed.run("-R", "^bad", PATH=elsewhere)
    assert offered(alone).startswith(f"{script} run {mixed.build}")
    on_path = mixed.run("-R", "^bad", PATH=f"{script.parent}:{elsewhere}")
    assert offered(on_path).startswith("ftorch-test run ")
