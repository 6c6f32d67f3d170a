# SPDX-License-Identifier: MIT
"""What pip installs: the tools, and on request the library for the PyTorch of that environment."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = sysconfig.get_path("purelib")
SMALL = ["-Ccmake.define.FTORCH_MAX_RANK=2", "-Ccmake.define.CMAKE_UNITY_BUILD=ON"]


class Environment:
    """A virtual environment that sees the packages of the one in use; nothing is fetched."""

    def __init__(self, folder: Path) -> None:
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
        self.bin = folder / "bin"
        library = next((folder / "lib").iterdir()) / "site-packages"
        (library / "packages_in_use.pth").write_text(PACKAGES)

    def run(self, *command: Any, fails: bool = False, **options: Any) -> str:
        """Output of a command; both streams where it must fail."""
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        kept["PATH"] = f"{self.bin}:{kept['PATH']}"
        result = subprocess.run(
            [str(word) for word in command], env=kept, capture_output=True, text=True, **options
        )
        assert (result.returncode != 0) is fails, result.stdout + result.stderr
        return result.stdout + result.stderr if fails else result.stdout

    def pip_install(self, *arguments: Any) -> None:
        """Run `pip install` on the project without any index."""
        options = ["--no-build-isolation", "--no-deps", "--no-index", "--quiet"]
        self.run(self.bin / "python", "-m", "pip", "install", *options, *arguments)

    def import_file(self, module: str) -> Path:
        """File of a module, as a program outside the project's folder finds it."""
        code = f"import {module}; print({module}.__file__)"
        return Path(self.run(self.bin / "python", "-c", code, cwd=self.bin).strip())


@pytest.fixture(scope="module", autouse=True)
def backend() -> None:
    """The tests need the build backend, which `ci/bootstrap` installs."""
    pytest.importorskip("scikit_build_core", reason="scikit-build-core is not installed")


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment with the tools alone."""
    environment = Environment(tmp_path_factory.mktemp("tools") / "venv")
    environment.pip_install(ROOT)
    return environment


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment with tools and library."""
    for program in ("cmake", "ninja", "fypp"):
        if not shutil.which(program):
            pytest.skip(f"{program} is not on PATH")
    environment = Environment(tmp_path_factory.mktemp("library") / "venv")
    environment.pip_install("-Cwheel.cmake=true", *SMALL, ROOT)
    return environment


def version() -> str:
    """Version in CMake's project()."""
    match = re.search(r"project\(FTorch VERSION ([\d.]+)", (ROOT / "CMakeLists.txt").read_text())
    assert match
    return match[1]


def test_tools_have_their_programs_and_version(tools):
    assert tools.run(tools.bin / "ftorch-test", "--version").split() == ["ftorch-test", version()]


def test_tools_have_the_tables_of_the_sources(tools):
    installed = tools.import_file("ftorch_tools.catalog").parent
    assert tools.bin.parent in installed.parents
    names = sorted(path.name for path in (ROOT / "src" / "catalog").glob("*.py"))
    assert sorted(path.name for path in installed.glob("*.py")) == names
    for name in names:
        assert (installed / name).read_bytes() == (ROOT / "src" / "catalog" / name).read_bytes()


def test_tools_carry_the_licence(tools):
    folder = tools.import_file("ftorch_tools").parents[1]
    (licence,) = folder.glob("ftorch_tools-*.dist-info/licenses/LICENSE")
    assert licence.read_bytes() == (ROOT / "LICENSE").read_bytes()


def test_tools_say_how_to_get_the_library(tools):
    message = tools.run(tools.bin / "ftorch-config", "--prefix", fails=True)
    assert "pip install --no-build-isolation -C wheel.cmake=true ." in message


def test_editable_tools_follow_the_sources(tmp_path):
    project = tmp_path / "project"
    for name in ("ftorch_tools", "src/catalog"):
        shutil.copytree(ROOT / name, project / name)
    for name in ("pyproject.toml", "CMakeLists.txt", "LICENSE"):
        shutil.copy(ROOT / name, project / name)
    environment = Environment(tmp_path / "venv")
    environment.pip_install("--editable", project)
    (project / "ftorch_tools" / "added_later.py").touch()
    for module in ("ftorch_tools.added_later", "ftorch_tools.testing.cli", "ftorch_tools.catalog"):
        assert project in environment.import_file(module).parents


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_library_serves_make(library, tmp_path):
    config = library.bin / "ftorch-config"
    prefix = Path(library.run(config, "--prefix").strip())
    assert library.bin.parent in prefix.parents
    assert library.run(config, "--version").strip() == version()
    assert "unknown option" in library.run(config, "--prefix", "--no-such", fails=True)
    readme = prefix / "share" / "ftorch" / "validation" / "readme"
    compiler, flags, libs = (library.run(config, f"--{what}") for what in ("fc", "fflags", "libs"))
    source = readme / "readme.f90"
    command = [compiler.strip(), *flags.split(), source, "-o", tmp_path / "readme", *libs.split()]
    library.run(*command, cwd=tmp_path)
    check = readme / "check_readme.cmake"
    library.run("cmake", f"-DPROGRAM={tmp_path / 'readme'}", "-P", check)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_library_serves_cmake(library, tmp_path):
    prefix = library.run(library.bin / "ftorch-config", "--prefix").strip()
    suite = Path(prefix) / "share" / "ftorch" / "validation"
    library.run("cmake", "-S", suite, "-B", tmp_path, f"-DCMAKE_PREFIX_PATH={prefix}")
    assert prefix in (tmp_path / "CMakeCache.txt").read_text()
    library.run("cmake", "--build", tmp_path, "--target", "readme")
    library.run("ctest", "--test-dir", tmp_path, "-R", "^readme$", "--no-tests=error")
