# SPDX-License-Identifier: MIT
"""The list of ctest's tests, and the folder from which ctest runs."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ftorch_tools.errors import InfrastructureError
from ftorch_tools.testing.cli import app
from ftorch_tools.testing.drivers.ctest import CTest
from ftorch_tools.testing.selection import Selection


def select(build: Path, run: Path) -> CTest:
    run.mkdir()
    ctest = CTest(shutil.which("ctest"), build, run, None, 60.0)
    ctest.select(Selection(include_slow=True), 1)
    return ctest


def test_line_break_in_a_name(project, tmp_path):
    project.add_line("add_test([==[two\nlines]==] /bin/true)")
    with pytest.raises(InfrastructureError, match=r"name .* has a line break: 'two\\nlines'"):
        select(project.build, tmp_path / "run")


@pytest.fixture
def several(project):
    """A build of which two configurations are built, and one is not."""
    text = "CMAKE_CONFIGURATION_TYPES:STRING=Debug;Release;Fast\n"
    (project.build / "CMakeCache.txt").write_text(text)
    for name in ("Debug", "Release", "Fast"):
        program = project.build / name / "a"
        program.parent.mkdir()
        if name != "Debug":
            program.write_text("#!/bin/sh\necho $0\n")
            program.chmod(0o755)
        project.add_line(f"if(CTEST_CONFIGURATION_TYPE STREQUAL {name})\nadd_test(a {program})")
        project.add_line("add_test(b /bin/true)\nendif()")
    project.add_line("if(NOT CTEST_CONFIGURATION_TYPE)\nadd_test(a NOT_AVAILABLE)\nendif()")
    return project


def test_configuration_is_the_first_that_is_built(several, tmp_path):
    build = several.build
    assert select(build, tmp_path / "1").configuration == "Release"
    settings = build / "DartConfiguration.tcl"
    settings.write_text("DefaultCTestConfigurationType: Fast\n")
    assert select(build, tmp_path / "2").configuration == "Fast"
    (build / "Release/a").unlink()
    (build / "Fast/a").unlink()
    settings.unlink()
    assert select(build, tmp_path / "3").configuration == "Debug"


def test_configuration_that_is_named(several):
    result = several.run("-C", "Fast")
    assert result.outcomes == {"a": "passed", "b": "passed"}
    assert result.output("a") == f"{several.build}/Fast/a\n"
    assert "running ctest (Fast) on" in result.out
    answer = CliRunner().invoke(app, ["list", str(several.build), "-C", "Fast", "-R", "a"])
    assert answer.stdout == "ctest   a\n"


def test_bytes_that_are_no_text(tmp_path):
    build = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9"))
    try:
        build.mkdir()
    except OSError:
        pytest.skip("this file system wants UTF-8 in names")
    (build / "CTestTestfile.cmake").write_text("add_test(one /bin/true)\n")
    (build / "DartConfiguration.tcl").write_bytes(b"Site: \xe9t\xe9\n")
    ctest = select(build, build / "run")
    assert [test.name for test in ctest.tests.values()] == ["one"]
    assert b"Site: \xe9t\xe9\n" in (build / "run/ctest/DartConfiguration.tcl").read_bytes()
