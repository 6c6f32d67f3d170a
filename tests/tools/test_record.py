# SPDX-License-Identifier: MIT
"""What a run leaves on disk, and what it says about itself."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

import pytest


def git(root, *arguments):
    """Run git in `root` and return what it prints."""
    identity = ["-c", "user.name=n", "-c", "user.email=e"]
    return subprocess.run(
        ["git", *identity, *arguments], cwd=root, check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def two(project):
    project.add_ctest("good", "exit 0")
    project.add_ctest("bad", "printf 'a\\001<b>&'; exit 1")
    return project


def test_origin(two):
    root = two.root
    libtorch = root / "site/torch"
    (libtorch / "include/torch").mkdir(parents=True)
    (libtorch / "version.py").write_text("__version__ = '2.13.0+cpu'\n")
    (two.build / "CMakeCache.txt").write_text(
        f"# comment\nCMAKE_HOME_DIRECTORY:INTERNAL={root}\n"
        "CMAKE_CACHE_MAJOR_VERSION:INTERNAL=3\nCMAKE_CACHE_MINOR_VERSION:INTERNAL=25\n"
        "CMAKE_CACHE_PATCH_VERSION:INTERNAL=1\n"
        "CMAKE_CXX_COMPILER:FILEPATH=/usr/bin/c++\nCMAKE_Fortran_COMPILER:STRING=/opt/f\n"
        f"LibTorch_INCLUDE_DIR:PATH={libtorch}/include\n"
    )
    (two.build / "CMakeFiles/3.25.1").mkdir(parents=True)
    (two.build / "CMakeFiles/3.25.1/CMakeFortranCompiler.cmake").write_text(
        'set(CMAKE_Fortran_COMPILER_ID "GNU")\nset(CMAKE_Fortran_COMPILER_VERSION "12.2.0")\n'
    )
    git(root, "init", "-q")
    (root / ".gitignore").write_text("build\n")
    git(root, "add", ".")
    git(root, "commit", "-qm", "first")
    record = two.run("-j", "1").record
    assert record["schema"] == "ftorch-test/run/2"
    assert record["host"] == socket.gethostname()
    assert (record["commit"], record["dirty"]) == (git(root, "rev-parse", "HEAD"), False)
    assert (record["cmake"], record["libtorch"]) == ("3.25.1", "2.13.0+cpu")
    gnu = {"path": "/opt/f", "id": "GNU", "version": "12.2.0"}
    assert record["compilers"]["Fortran"] == gnu
    assert record["compilers"]["CXX"]["path"] == "/usr/bin/c++"
    assert record["command"][-3:] == ["run", "-j", "1"]
    assert record["commands"]["ctest"][1:3] == ["-T", "Test"]
    assert (record["jobs"], record["build"]) == (1, str(two.build))
    start = datetime.fromisoformat(record["start"])
    assert abs(datetime.now(start.tzinfo) - start).total_seconds() < 120
    (root / "pyproject.toml").write_text("# changed\n")
    assert two.run().record["dirty"] is True


def test_directory_and_latest(two, tmp_path):
    first = two.run()
    second = two.run()
    assert first.directory.parent == two.build / "ftorch-test"
    assert first.directory != second.directory
    assert (two.build / "ftorch-test/latest").resolve() == second.directory
    assert first.record["id"] == first.directory.name
    third = two.run("--output", str(tmp_path / "out"))
    assert third.directory.parent == tmp_path / "out"
    assert (tmp_path / "out/latest/junit.xml").is_file()


def test_output_folder_that_cannot_be_made(two):
    (two.root / "file").touch()
    result = two.run("--output", "file/out")
    assert result.code in (2, 3)
    assert "file" in result.err
    assert "Name another folder for it with --output" in result.err
    assert "Traceback" not in result.err


def test_a_folder_in_the_place_of_the_link(project):
    project.add_ctest("good", "exit 0")
    latest = project.build / "ftorch-test/latest"
    latest.mkdir(parents=True)
    result = project.run()
    assert result.code == 0
    assert f"warning: {latest} is no link to the last run: remove it" in result.out
    assert (result.directory / "junit.xml").exists()
    assert [file.name for file in latest.parent.glob("latest*")] == ["latest"]


def test_two_runs_at_once_in_one_build_folder(project, state_folder):
    project.add_ctest("mine.first", "sleep 1; echo first")
    project.add_ctest("mine.second", "sleep 1; echo second; exit 1")
    commands = [[*project.command, "run", "--json", "-R", name] for name in ("first", "second")]
    processes = [
        subprocess.Popen(
            command,
            cwd=project.root,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        for command in commands
    ]
    records = [json.loads(process.communicate(timeout=60)[0]) for process in processes]
    assert [process.returncode for process in processes] == [0, 1]
    assert [[test["id"] for test in record["tests"]] for record in records] == [
        ["mine.first"],
        ["mine.second"],
    ]
    for record in records:
        (copy,) = state_folder.glob(f"*/{record['id']}.json")
        assert json.loads(copy.read_text()) == record


def test_junit(two):
    two.add_python("test_a.py", "import pytest\ndef test_s(): pytest.skip('why <not>')\n")
    two.add_line("add_test(a.missing /nonexistent)")
    result = two.run()
    root = ElementTree.parse(result.directory / "junit.xml").getroot()
    counts = {key: root.get(key) for key in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": "4", "failures": "1", "errors": "1", "skipped": "1"}
    assert [suite.get("name") for suite in root] == ["ctest", "pytest"]
    cases = {(c.get("classname"), c.get("name")): c for c in root.iter("testcase")}
    assert cases["bad", "bad"].find("failure").get("message") == "failed (exit code 1)"
    assert "<b>&" in cases["bad", "bad"].findtext("system-out")
    assert "executable" in cases["a", "missing"].find("error").get("message")
    assert cases["tests.test_a", "test_s"].find("skipped").get("message") == "why <not>"


def test_json_option(two):
    result = two.run("--json")
    record = json.loads(result.out)
    assert {test["id"]: test["outcome"] for test in record["tests"]} == {
        "good": "passed",
        "bad": "failed",
    }
    assert record == result.record
    assert result.err.splitlines()[-1] == "1 passed, 1 failed, 0 skipped"


def test_display_on_a_terminal(two, terminal):
    two.add_ctest("lasting", "sleep 1")
    shown = terminal(two)
    assert "\x1b[" in shown
    assert re.search(r"\d s  lasting", shown)
    assert shown.endswith("\n2 passed, 1 failed, 0 skipped\r\n")
    plain = terminal(two, NO_COLOR="1")
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]m", plain)
    assert plain.endswith("\n2 passed, 1 failed, 0 skipped\r\n")


def test_plain_lines_elsewhere(two):
    result = two.run()
    assert "\x1b" not in result.out + result.err
    assert "failed ctest bad" in result.out


def test_long_names_are_not_wrapped(project):
    name = "n" * 300
    project.add_ctest(name, "exit 1")
    result = project.run()
    assert f"{name}  failed (exit code 1)" in result.out


def test_ascii_terminal(project):
    project.add_ctest("bad", "echo 'größer'; exit 1")
    result = project.run(PYTHONIOENCODING="ascii")
    assert result.code == 1
    assert "gr\\xf6\\xdfer" in result.out


def test_version_is_that_of_the_project():
    root = Path(__file__).parents[2]
    text = (root / "CMakeLists.txt").read_text()
    stated = re.search(r"project\(\s*FTorch[^)]*VERSION ([\d.]+)", text).group(1)
    answer = subprocess.run(
        [sys.executable, "-m", "ftorch_tools.testing", "--version"],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout == f"ftorch-test {stated}\n"
    assert version("ftorch_tools") == stated
