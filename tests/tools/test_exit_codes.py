# SPDX-License-Identifier: MIT
"""Each exit code, with the message that explains it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from ftorch_tools.testing.cli import main

COUNTS_NOTHING = "0 passed, 0 failed, 0 skipped"


def test_0_all_passed(project):
    project.add_ctest("a", "exit 0")
    project.add_python("test_a.py", "def test_a(): pass\n")
    result = project.run()
    assert result.code == 0, result.out
    assert result.last_line == "2 passed, 0 failed, 0 skipped"
    assert "rerun:" not in result.out


def test_0_only_skips(project):
    project.add_ctest("a", "exit 77", SKIP_RETURN_CODE="77")
    assert project.run().code == 0


@pytest.mark.parametrize(
    ("script", "properties"),
    [("exit 1", {}), ("kill -SEGV $$", {}), ("sleep 600", {"TIMEOUT": "1"})],
)
def test_1_by_ctest(project, script, properties):
    project.add_ctest("good", "exit 0")
    project.add_ctest("bad", script, **properties)
    result = project.run()
    assert result.code == 1
    assert result.last_line == "1 passed, 1 failed, 0 skipped"


def test_1_missing_executable_beside_passing_pytest(project):
    project.add_line("add_test(missing /nonexistent/program)")
    project.add_python("test_a.py", "def test_a(): pass\n")
    assert project.run().code == 1


def test_1_by_pytest_alone(project):
    project.add_ctest("good", "exit 0")
    project.add_python("test_a.py", "def test_a(): assert 0\n")
    assert project.run().code == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "nowhere is no build folder with tests"),
        (["-R", "("], "not a regular expression"),
        (["-j", "0"], "--jobs"),
        (["--timeout", "-1"], "--timeout"),
        (["--nonsense"], "--nonsense"),
        (["--pytest-path", "absent"], "absent"),
    ],
)
def test_2_usage(project, arguments, message):
    result = project.run(*arguments)
    assert result.code == 2
    assert message in result.err
    assert "Traceback" not in result.err
    assert not (project.build / "ftorch-test").exists()


def test_2_no_build_folder_upwards(project, tmp_path):
    result = project.run(cwd=tmp_path)
    assert result.code == 2
    assert "no build/CTestTestfile.cmake" in result.err


def test_2_no_command():
    program = [sys.executable, "-m", "ftorch_tools.testing"]
    assert subprocess.run(program, capture_output=True, check=False).returncode == 2


def test_build_folder_is_found_upwards(project):
    project.add_ctest("a", "exit 0")
    deep = project.root / "src" / "deep"
    deep.mkdir(parents=True)
    assert project.run(cwd=deep).outcomes == {"a": "passed"}


def test_3_ctest_not_found(project):
    project.add_ctest("a", "exit 0")
    result = project.run(PATH="/nonexistent")
    assert result.code == 3
    assert "ctest not found" in result.out
    assert result.record["status"] == "broken"


def test_3_ctest_breaks_without_report(project):
    # Lists like ctest, and dies when it is to run.
    fake = project.root / "fake-ctest"
    fake.write_text('#!/bin/sh\n[ "$1" = -T ] && kill -9 $$\nexec ctest "$@"\n')
    fake.chmod(0o755)
    (project.build / "CMakeCache.txt").write_text(f"CMAKE_CTEST_COMMAND:INTERNAL={fake}\n")
    project.add_ctest("a", "exit 0")
    result = project.run()
    assert result.code == 3
    assert result.outcomes == {"a": "lost"}
    assert "left no report" in result.out


def test_3_broken_test_file(project):
    project.add_ctest("a", "exit 0")
    project.add_line("add_test(b /bin/sh")
    result = project.run()
    assert result.code == 3
    assert "CTestTestfile.cmake" in result.out


def test_3_collection_error(project):
    project.add_ctest("a", "exit 0")
    project.add_python("test_good.py", "def test_a(): pass\n")
    project.add_python("test_bad.py", "import no_such_module\n")
    result = project.run()
    assert result.code == 3
    assert result.outcomes["tests/test_bad.py"] == "not_run"
    assert result.outcomes["a"] == "passed"
    assert "No module named 'no_such_module'" in result.out


def test_3_broken_conftest(project):
    project.add_python("conftest.py", "raise RuntimeError('broken conftest')\n")
    project.add_python("test_a.py", "def test_a(): pass\n")
    result = project.run()
    assert result.code == 3
    assert "broken conftest" in result.out


def test_3_workers_that_cannot_start(project):
    ends = "import os\nif 'PYTEST_XDIST_WORKER' in os.environ: os._exit(9)\n"
    project.add_python("conftest.py", ends)
    project.add_python("test_a.py", "def test_a(): pass\n")
    result = project.run()
    assert result.code == 3
    assert "before they have collected" in result.out


def test_3_pytest_cannot_be_run(project):
    (project.root / "pyproject.toml").write_text('[tool.pytest.ini_options]\naddopts="--absurd"')
    project.add_python("test_a.py", "def test_a(): pass\n")
    result = project.run()
    assert result.code == 3
    assert "--absurd" in result.out


def test_3_an_error_that_nobody_foresaw(monkeypatch, capsys):
    def broken():
        raise RuntimeError("the cause")

    monkeypatch.setattr("ftorch_tools.testing.cli.app", broken)
    monkeypatch.setattr("ftorch_tools.program.guard_standard_streams", lambda: None)
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 3
    said = capsys.readouterr().err
    assert "in broken" in said
    assert said.splitlines()[-1] == "ftorch-test: unforeseen error: RuntimeError('the cause')"


@pytest.mark.parametrize("arguments", [[], ["-R", "absent"], ["-L", "absent"], ["-LE", "unit"]])
def test_4_nothing_selected(project, arguments):
    project.add_ctest("a", "exit 0", LABELS="slow" if not arguments else "unit")
    result = project.run(*arguments)
    assert result.code == 4
    assert "nothing selected" in result.out
    assert result.last_line == COUNTS_NOTHING


def test_4_nothing_selected_on_both_sides(project):
    project.add_ctest("a", "exit 0")
    project.add_python("test_a.py", "def test_a(): pass\n")
    project.add_python("test_b.py", "import pytest\npytest.importorskip('no_such_module')\n")
    assert project.run("-R", "absent").code == 4


def test_4_no_tests_at_all(project):
    assert project.run().code == 4
