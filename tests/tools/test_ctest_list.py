# SPDX-License-Identifier: MIT
"""The list of ctest's tests, and the folder from which ctest runs."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from ftorch_tools.drivers.ctest import CTest
from ftorch_tools.errors import InfrastructureError
from ftorch_tools.selection import Selection


def select(build: Path, run: Path) -> CTest:
    run.mkdir()
    ctest = CTest(shutil.which("ctest"), build, run, None, 60.0)
    ctest.select(Selection(everything=True), 1)
    return ctest


def test_line_break_in_a_name(project, tmp_path):
    project.add_line("add_test([==[two\nlines]==] /bin/true)")
    with pytest.raises(InfrastructureError, match=r"name .* has a line break: 'two\\nlines'"):
        select(project.build, tmp_path / "run")


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
