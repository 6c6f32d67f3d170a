# SPDX-License-Identifier: MIT
"""An installed FTorch, and how every way of using it is checked: by the program of the README."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("FTORCH_BUILD_DIR") or ROOT / "build")

MODULE_INITS = (
    Path(os.environ.get("MODULESHOME", "/usr/share/modules")) / "init" / "bash",
    Path("/usr/share/modules/init/bash"),
    Path("/usr/share/lmod/lmod/init/bash"),
)


def run(*command: str | Path, cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    """What a command prints; when it fails, the test fails with its output."""
    process = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.returncode == 0, f"{command} ended with {process.returncode}:\n{process.stdout}"
    return process.stdout


def cached(name: str) -> str:
    """A variable of the build's CMakeCache.txt."""
    text = (BUILD / "CMakeCache.txt").read_text()
    return re.search(rf"^{name}:[A-Z]+=(.*)$", text, re.MULTILINE)[1]


@dataclass
class Installation:
    """An FTorch in a prefix, and the compiler whose modules it has."""

    prefix: Path
    compiler: str

    @property
    def pkg_config(self) -> Path:
        return next(self.prefix.rglob("ftorch.pc")).parent

    @property
    def readme(self) -> Path:
        """Folder with the program of the README, its network and what it prints."""
        return self.prefix / "share" / "ftorch" / "validation" / "readme"

    def check(self, program: Path) -> None:
        """Runs the compiled program of the README."""
        check = f"-DPROGRAM={program}", "-P", self.readme / "check_readme.cmake"
        printed = run("cmake", *check, env={"OMP_NUM_THREADS": "1"})
        assert "SKIP" not in printed, printed


@pytest.fixture(scope="session")
def install() -> Callable[[Path], Installation]:
    """Installs the build in a prefix."""
    if not (BUILD / "cmake_install.cmake").exists():
        pytest.skip(f"nothing was built in {BUILD}")

    def install_in(prefix: Path) -> Installation:
        run("cmake", "--install", BUILD, "--prefix", prefix)
        return Installation(prefix, cached("CMAKE_Fortran_COMPILER"))

    return install_in


@pytest.fixture(scope="session")
def installation(
    install: Callable[[Path], Installation], tmp_path_factory: pytest.TempPathFactory
) -> Installation:
    """The build, installed and moved."""
    folder = tmp_path_factory.mktemp("prefix")
    installed = install(folder / "first")
    installed.prefix.rename(folder / "moved")
    return Installation(folder / "moved", installed.compiler)


@pytest.fixture(scope="session")
def needs() -> Callable[[str], None]:
    """Skips a test without a command."""

    def need(command: str) -> None:
        if shutil.which(command) is None:
            pytest.skip(f"{command} is not installed")

    return need


@pytest.fixture(scope="session")
def module_init() -> Path:
    """The file that defines `module` in bash."""
    init = next((path for path in MODULE_INITS if path.exists()), None)
    if init is None:
        pytest.skip("neither Environment Modules nor Lmod is installed")
    return init


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the source package of the last commit."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout, so there is no commit to package")
    folder = tmp_path_factory.mktemp("dist")
    run(ROOT / "ci" / "package", "--no-check", folder)
    return folder
