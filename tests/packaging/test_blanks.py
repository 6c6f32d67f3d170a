# SPDX-License-Identifier: MIT
"""An installation in a folder with blanks: CMake finds it, ftorch-config refuses."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

from .conftest import Installation, run


def test_prefix_with_blanks(install: Callable[[Path], Installation], tmp_path: Path) -> None:
    installed = install(tmp_path / "my programs" / "ftorch")
    config = installed.prefix / "bin" / "ftorch-config"
    assert run(config, "--prefix").strip() == str(installed.prefix)
    for option in ("--libs", "--fflags", "--cflags"):
        answer = subprocess.run([config, option], capture_output=True, text=True)
        assert answer.returncode == 3
        assert answer.stdout == ""
        assert f"the prefix '{installed.prefix}' has blanks" in answer.stderr
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.21)\n"
        "project(user LANGUAGES Fortran)\n"
        "find_package(FTorch REQUIRED)\n"
        f'add_executable(app "{installed.readme}/readme.f90")\n'
        "target_link_libraries(app PRIVATE FTorch::ftorch)\n"
    )
    options = (
        f"-DCMAKE_PREFIX_PATH={installed.prefix}",
        f"-DCMAKE_Fortran_COMPILER={installed.compiler}",
    )
    run("cmake", "-S", tmp_path, "-B", tmp_path / "build", *options)
    run("cmake", "--build", tmp_path / "build")
    installed.check(tmp_path / "build" / "app")
