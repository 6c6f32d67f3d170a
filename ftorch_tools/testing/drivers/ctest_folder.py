# SPDX-License-Identifier: MIT
"""The private folder of one ctest run: the build folder's tests, the GPUs, the settings."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from ftorch_tools.testing.drivers.ctest_list import GPUS, ListedTest
from ftorch_tools.testing.gpus import Gpus
from ftorch_tools.testing.project import read_cache
from ftorch_tools.text import lines_of

_COSTS = Path("Testing/Temporary/CTestCostData.txt")
_SPECIFICATION = "gpus.json"
# The environment variable under which ctest only lists tests: nothing of the project's is to run.
LISTING = "FTORCH_TEST_LISTING"
_CUSTOM = """\
include({file} OPTIONAL)
if(DEFINED ENV{{{listing}}})
  set(CTEST_CUSTOM_PRE_TEST)
  set(CTEST_CUSTOM_POST_TEST)
endif()
"""
# Redefines what the build folder's files call, for tests that are given GPUs.
_WRAP = """\
{names}
function(add_test name)
  if(DEFINED "with GPUs: ${{name}}" AND EXISTS "${{ARGV1}}")
    set(launcher /bin/sh {launcher})
  endif()
  cmake_parse_arguments(PARSE_ARGV 1 test "" "" "")
  _add_test("${{name}}" ${{launcher}} ${{test_UNPARSED_ARGUMENTS}})
endfunction()
"""


def write_folder(folder: Path, build: Path, previous: Path | None) -> None:
    """Make `folder`, whose tests are those of `build`, with the durations of run `previous`."""
    folder.mkdir()
    _write_tests(folder, build, "")
    custom = quote(f"{build.as_posix()}/CTestCustom.cmake")
    _write(folder / "CTestCustom.cmake", _CUSTOM.format(file=custom, listing=LISTING))
    settings = build / "DartConfiguration.tcl"
    lines = lines_of(_read(settings)) if settings.is_file() else []
    kept = [line for line in lines if not line.startswith("BuildDirectory:")]
    text = "\n".join([*kept, f"BuildDirectory: {folder.as_posix()}", ""])
    _write(folder / "DartConfiguration.tcl", text)
    # ctest starts the longest tests first when it knows their durations.
    if previous is not None and (previous / "ctest" / _COSTS).is_file():
        (folder / _COSTS).parent.mkdir(parents=True)
        shutil.copyfile(previous / "ctest" / _COSTS, folder / _COSTS)


def configurations(build: Path) -> list[str]:
    """Return the configurations of a build that has several, that of plain ctest first."""
    names = read_cache(build).get("CMAKE_CONFIGURATION_TYPES", "").split(";")
    default = _setting(build / "DartConfiguration.tcl", "DefaultCTestConfigurationType")
    return sorted(filter(None, names), key=lambda name: name != default)


def give_gpus(
    folder: Path, build: Path, tests: list[ListedTest], gpus: Gpus
) -> tuple[list[str], dict[str, str]]:
    """Let ctest share out `gpus`, one test each; return the options and environment for that.

    A test sees the GPUs that it is given, numbered from 0, and no others.
    """
    names = [test.name for test in tests if test.gpus]
    own = _setting(build / "DartConfiguration.tcl", "ResourceSpecFile")
    if not names or not gpus.masks or own:
        return [], {}
    ids = [{"id": str(number), "slots": 1} for number in range(len(gpus.masks))]
    specification = {"version": {"major": 1, "minor": 0}, "local": [{GPUS: ids}]}
    file = folder / _SPECIFICATION
    file.write_text(json.dumps(specification), encoding="ascii")
    launcher = Path(__file__).with_name("with_gpus.sh")
    marks = "\n".join(f"set({quote(f'with GPUs: {name}')} ON)" for name in names)
    wrap = _WRAP.format(names=marks, launcher=quote(launcher.as_posix()))
    _write_tests(folder, build, wrap)
    environment = {f"FTORCH_TEST_GPU_{n}": mask for n, mask in enumerate(gpus.masks)}
    environment["FTORCH_TEST_GPU_VARIABLE"] = gpus.variable
    return ["--resource-spec-file", str(file)], environment


def limit_time(folder: Path, tests: list[ListedTest], seconds: float) -> None:
    """Give tests without a limit of time the limit that holds for all; the last setting counts."""
    file = folder / "CTestTestfile.cmake"
    settings = [
        f"set_tests_properties({quote(test.name)} PROPERTIES TIMEOUT {seconds:g})\n"
        for test in tests
        if test.unlimited
    ]
    _write(file, _read(file) + "".join(settings))


def remove_bulk(folder: Path) -> None:
    """Remove ctest's log, where every output stands whole, however long."""
    for file in (folder / "Testing/Temporary").glob("LastTest*.log*"):
        file.unlink()


def quote(text: str) -> str:
    """Return `text` as an argument in CMake's language, whatever it holds."""
    level = 0
    while f"]{'=' * level}]" in f"{text}]":
        level += 1
    return f"[{'=' * level}[{text}]{'=' * level}]"


def _write_tests(folder: Path, build: Path, before: str) -> None:
    text = f"{before}subdirs({quote(build.as_posix())})\n"
    _write(folder / "CTestTestfile.cmake", text)


def _read(file: Path) -> str:
    # As paths are read, which may hold any bytes.
    return os.fsdecode(file.read_bytes())


def _write(file: Path, text: str) -> None:
    file.write_bytes(os.fsencode(text))


def _setting(settings: Path, name: str) -> str:
    lines = lines_of(_read(settings)) if settings.is_file() else []
    pairs = (line.partition(":") for line in lines)
    return next((value.strip() for key, _, value in pairs if key == name), "")
