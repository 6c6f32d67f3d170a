# SPDX-License-Identifier: MIT
"""A ctest that does not run what it was to run is an error; and listing runs nothing."""

from __future__ import annotations

import os

from typer.testing import CliRunner

from ftorch_tools.testing.cli import app


def test_a_cycle_of_dependencies_is_an_error(project):
    project.add_ctest("a", "exit 0", DEPENDS="b")
    project.add_ctest("b", "exit 0", DEPENDS="a")
    project.add_ctest("c", "exit 0")
    result = project.run()
    assert (result.code, result.record["status"]) == (3, "broken")
    assert "cycle" in result.record["errors"][0]
    assert result.outcomes == dict.fromkeys("abc", "lost")


def test_listing_runs_no_command_of_the_project(project):
    log = project.root / "log"
    (project.build / "CTestCustom.cmake").write_text(
        f"set(CTEST_CUSTOM_PRE_TEST \"/bin/sh -c 'echo pre >> {log}'\")\n"
        f"set(CTEST_CUSTOM_POST_TEST \"/bin/sh -c 'echo post >> {log}'\")\n"
    )
    project.add_ctest("a", "exit 0")
    assert CliRunner().invoke(app, ["list", str(project.build)]).exit_code == 0
    assert not log.exists()
    assert project.run().outcomes == {"a": "passed"}
    assert log.read_text().split() == ["pre", "post"]


def test_commands_of_the_project_that_fail_are_told(project):
    (project.build / "CTestCustom.cmake").write_text("set(CTEST_CUSTOM_PRE_TEST /bin/false)\n")
    project.add_ctest("a", "exit 0")
    result = project.run()
    assert result.code == 3
    assert result.outcomes["a"] != "passed"


def test_the_start_is_that_of_the_test(project):
    project.add_ctest("first", "sleep 0.6")
    project.add_ctest("second", "exit 0", DEPENDS="first")
    result = project.run("-j", "2")
    first, second = (result.test(name) for name in ("first", "second"))
    # Times are rounded to milliseconds.
    assert first["seconds"] - 0.01 <= second["start"] - first["start"] < 60


def test_colours_arrive_as_they_were_printed(project):
    project.add_ctest("colours", r"printf '\033[32mgreen\033[0m \377 \001\n'; exit 1")
    result = project.run()
    assert result.output("colours") == "\x1b[32mgreen\x1b[0m \N{REPLACEMENT CHARACTER} \x01\n"
    assert "    green \N{REPLACEMENT CHARACTER}" in result.out
    junit = (result.directory / "junit.xml").read_text()
    assert "green \N{REPLACEMENT CHARACTER}" in junit
    assert "NON-XML" not in junit


def test_a_dangling_link_as_folder_of_the_runs_is_told(project, tmp_path):
    project.add_ctest("a", "exit 0")
    os.symlink(tmp_path / "absent/far", project.build / "ftorch-test")
    result = project.run(limit=60)
    assert result.code == 3
    assert "cannot make the run directory" in result.err
