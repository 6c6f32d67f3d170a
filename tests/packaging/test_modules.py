# SPDX-License-Identifier: MIT
"""The module file, loaded by Environment Modules or Lmod, whichever is installed."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from .conftest import Installation, run


@pytest.fixture
def shell(module_init: Path, tmp_path: Path):
    """Runs lines of bash in which `module` is defined."""

    def run_lines(*lines: str) -> str:
        clean = ["unset LOADEDMODULES _LMFILES_ MODULEPATH FTORCH_ROOT", f". {module_init}"]
        script = "\n".join([*clean, "set -e", *lines])
        return run("bash", "--noprofile", "--norc", "-c", script, cwd=tmp_path)

    return run_lines


def use(modulefiles: Path) -> str:
    return f"module use {shlex.quote(str(modulefiles))}"


def test_readme_program_after_module_load(installation: Installation, shell, needs, tmp_path):
    needs("pkg-config")
    shell(
        use(installation.prefix / "share" / "modulefiles"),
        "module load ftorch",
        f"{installation.compiler} {installation.readme}/readme.f90 "
        "$(pkg-config --static --cflags --libs ftorch) -o readme",
    )
    installation.check(tmp_path / "readme")


def test_cmake_finds_the_loaded_one(installation: Installation, shell, tmp_path):
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.21)\nproject(user LANGUAGES Fortran)\n"
        'find_package(FTorch REQUIRED)\nmessage(STATUS "found in ${FTorch_DIR}")\n'
    )
    printed = shell(
        use(installation.prefix / "share" / "modulefiles"),
        "module load ftorch",
        f"cmake -S . -B build -DCMAKE_Fortran_COMPILER={installation.compiler}",
    )
    assert f"found in {installation.prefix}/" in printed


def test_unloading_restores_the_environment(installation: Installation, shell):
    show = "env | grep -E '^(PATH|FTORCH_ROOT|CMAKE_PREFIX_PATH|PKG_CONFIG_PATH)=' | sort"
    printed = shell(
        use(installation.prefix / "share" / "modulefiles"),
        f"{show}; echo; module load ftorch; {show}; echo; module unload ftorch; {show}",
    )
    before, loaded, after = (part.split("\n") for part in printed.strip().split("\n\n"))
    assert f"FTORCH_ROOT={installation.prefix}" in loaded
    assert before == after != loaded


def test_a_site_may_link_to_it(installation: Installation, shell, tmp_path):
    (tmp_path / "site").mkdir()
    folder = installation.prefix / "share" / "modulefiles" / "ftorch"
    (module,) = folder.iterdir()
    (tmp_path / "site" / "torch").symlink_to(module)
    printed = shell(use(tmp_path / "site"), "module load torch", 'echo "root: $FTORCH_ROOT"')
    assert f"root: {installation.prefix}\n" in printed


def test_help_says_what_it_was_built_with(installation: Installation, shell):
    printed = shell(use(installation.prefix / "share" / "modulefiles"), "module help ftorch 2>&1")
    assert "LibTorch" in printed
    assert "pkg-config --cflags --libs ftorch" in printed
