# SPDX-License-Identifier: MIT
"""Small projects with tests of every kind, and what a run of `ftorch-test` on one gives."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import textwrap
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ready import Ready, environment

# What plugins a project's pytest happens to have costs a second a start.
_WITHOUT = "-p no:hypothesispytest -p no:typeguard -p no:rerunfailures -p no:cov"
_COMMAND = [sys.executable, "-m", "ftorch_tools.testing"]
_SETTINGS = f"[tool.pytest.ini_options]\naddopts = '{_WITHOUT}'\n"

READY = Ready()

# The tests of `python_test`.
BAD, GOOD = "tests/test_a.py::test_bad", "tests/test_a.py::test_good"


def python_test(body: str, *, before: str = "") -> str:
    """Return a module with one test `test_bad`, and one `test_good`."""
    imports = "import os, signal, subprocess, sys, time, pytest, resource\n"
    text = textwrap.indent(textwrap.dedent(body), "    ")
    return f"{imports}{before}\ndef test_bad():\n{text}\ndef test_good(): pass\n"


@dataclass
class Project:
    """A project below `root`: `build/` holds its ctest tests and `tests/` its Python tests."""

    root: Path
    command: list[str] = field(default_factory=_COMMAND.copy)

    def __post_init__(self) -> None:
        self.build = self.root / "build"
        self.build.mkdir(parents=True)
        (self.root / "pyproject.toml").write_text(_SETTINGS)
        (self.build / "CTestTestfile.cmake").touch()

    def add_ctest(self, name: str, script: str, **properties: str) -> None:
        """Add a ctest test that runs a shell script."""
        values = " ".join(f"{key} [==[{value}]==]" for key, value in properties.items())
        settings = f"set_tests_properties({name} PROPERTIES {values})\n" if values else ""
        with (self.build / "CTestTestfile.cmake").open("a") as file:
            file.write(f"add_test({name} /bin/sh -c [==[{script}]==])\n{settings}")

    def add_line(self, line: str) -> None:
        """Add a line to the build folder's CTestTestfile.cmake."""
        with (self.build / "CTestTestfile.cmake").open("a") as file:
            file.write(f"{line}\n")

    def add_python(self, name: str, text: str) -> None:
        """Add a file below `tests/`."""
        (self.root / "tests").mkdir(exist_ok=True)
        (self.root / "tests" / name).write_text(text)

    def run(
        self, *arguments: str, cwd: Path | None = None, limit: float = 120, **changes: str
    ) -> Result:
        """Run `ftorch-test run` from the project's root, for at most `limit` seconds."""
        env = environment(**changes)
        folder = cwd or self.root
        if self.command == _COMMAND and READY.suits(env):
            process = READY.run(["run", *arguments], folder, env, limit)
        else:
            process = subprocess.run(
                [*self.command, "run", *arguments],
                cwd=folder,
                env=env,
                capture_output=True,
                text=True,
                timeout=limit,
                check=False,
            )
        return Result(process.returncode, process.stdout, process.stderr, self)

    def list(self, *arguments: str) -> Any:
        """Return what `ftorch-test list` prints as JSON."""
        return self.ask("list", *arguments)

    def ask(self, *arguments: str) -> Any:
        """Return what `ftorch-test` prints as JSON, from the project's root."""
        process = subprocess.run(
            [*self.command, *arguments],
            cwd=self.root,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return json.loads(process.stdout)


@dataclass
class Result:
    """What one call of `ftorch-test` gave."""

    code: int
    out: str
    err: str
    project: Project

    @property
    def directory(self) -> Path:
        """The run directory."""
        found = re.search(r"^report: (.*)/run\.json$", self.out + self.err, re.MULTILINE)
        assert found, self.out + self.err
        return Path(found.group(1))

    @property
    def record(self) -> dict[str, Any]:
        """The record."""
        record = json.loads((self.directory / "run.json").read_text())
        assert isinstance(record, dict)
        return record

    @property
    def outcomes(self) -> dict[str, str]:
        """The outcome of each test."""
        return {test["id"]: test["outcome"] for test in self.record["tests"]}

    def test(self, name: str) -> dict[str, Any]:
        """The record of one test together with that of its last attempt."""
        (found,) = [test for test in self.record["tests"] if test["id"] == name]
        return {**found["attempts"][-1], **found}

    def output(self, name: str) -> str:
        """The kept output of one test."""
        return (self.directory / self.test(name)["output"]).read_text()

    @property
    def last_line(self) -> str:
        """The last line of standard output."""
        return self.out.splitlines()[-1]
