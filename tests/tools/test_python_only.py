# SPDX-License-Identifier: MIT
"""A project whose tests are all pytest's is run without a build folder."""

from __future__ import annotations

import pytest

from ftorch_tools.errors import UsageError
from ftorch_tools.testing.project import find_build

A = "tests/test_a.py::test_a"


@pytest.fixture
def python_only(project):
    """A project without a build folder."""
    (project.build / "CTestTestfile.cmake").unlink()
    project.build.rmdir()
    program = "import os\ndef test_a(): assert 'FTORCH_BUILD_DIR' not in os.environ\n"
    project.add_python("test_a.py", program)
    project.add_python("test_b.py", "def test_b(): assert 0\n")
    return project


def test_it_runs_from_any_folder_of_it(python_only):
    result = python_only.run(cwd=python_only.root / "tests")
    assert result.outcomes == {A: "passed", "tests/test_b.py::test_b": "failed"}
    assert result.directory.parent == python_only.root / ".ftorch-test"
    assert python_only.run("--failed").outcomes == {"tests/test_b.py::test_b": "failed"}
    named = python_only.run(str(python_only.root), "--test", A)
    assert named.outcomes == {A: "passed"}
    listed = python_only.list("--json")["tests"]
    assert {test["id"] for test in listed} == set(result.outcomes)


def test_a_project_to_configure_is_none(python_only, monkeypatch):
    monkeypatch.chdir(python_only.root)
    assert find_build(None) == python_only.root.resolve()
    # Its tests of ctest are not to be forgotten.
    (python_only.root / "CMakeLists.txt").touch()
    with pytest.raises(UsageError, match="configure and build"):
        find_build(None)
