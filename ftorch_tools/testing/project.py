# SPDX-License-Identifier: MIT
"""Finds the build folder and its project, and reads what they were made from."""

from __future__ import annotations

import re
from pathlib import Path

from ftorch_tools.command import CommandError, call
from ftorch_tools.errors import UsageError
from ftorch_tools.testing.compiler import Compiler
from ftorch_tools.testing.pytest_settings import read_settings
from ftorch_tools.text import decode

TEST_FILE = "CTestTestfile.cmake"
# In a build folder, and in a project without one.
RUNS_FOLDERS = ("ftorch-test", ".ftorch-test")


def find_build(named: Path | None) -> Path:
    """Return the build folder: `named`, or the nearest `build` with tests from here upwards.

    Of a project whose tests are all pytest's, it is the project itself.
    """
    if named is not None:
        if not has_ctest(named) and not is_python_project(named):
            raise UsageError(
                f"{named} is no build folder with tests: it has no {TEST_FILE}.\n"
                "Configure and build the project with its tests enabled first."
            )
        build: Path | None = named.resolve()
    else:
        here = Path.cwd()
        build = nearest_build() or next(filter(is_python_project, [here, *here.parents]), None)
    if build is None:
        raise UsageError(
            f"no build/{TEST_FILE} in {Path.cwd()} or any folder above it.\n"
            "Name the build folder (`ftorch-test run BUILD_DIR`), or configure and build "
            "first."
        )
    _refuse_copy(build)
    return build


def has_ctest(build: Path) -> bool:
    """Return whether `build` is a build folder; of a project without one it is the project."""
    return (build / TEST_FILE).is_file()


def runs_folder(build: Path) -> Path:
    """Return the folder where the runs in `build` leave their directories."""
    return build / RUNS_FOLDERS[0 if has_ctest(build) else 1]


def is_python_project(folder: Path) -> bool:
    """Return whether `folder` is a project whose tests are all pytest's."""
    if any((folder / name).exists() for name in ("CMakeLists.txt", "CMakeCache.txt")):
        return False
    settings = read_settings(folder)
    tests = any(settings.matches(file) for file in (folder / "tests").glob("*"))
    return settings.configured or tests or (folder / "conftest.py").exists()


def nearest_build() -> Path | None:
    """Return the nearest `build` with tests from here upwards."""
    here = Path.cwd()
    folders = (folder / "build" for folder in [here, *here.parents])
    return next((f.resolve() for f in folders if (f / TEST_FILE).is_file()), None)


def _refuse_copy(build: Path) -> None:
    original = Path(read_cache(build).get("CMAKE_CACHEFILE_DIR", build))
    try:
        copied = not original.samefile(build)
    except OSError:
        return  # Of one that was moved no test starts, which says enough.
    if copied:
        raise UsageError(
            f"{build} is a copy of {original}, whose tests it would run.\n"
            "Name that one, or configure and build the project in a folder of its own."
        )


def find_project(build: Path, cache: dict[str, str]) -> Path:
    """Return the source folder, without symbolic links, that `build` was configured from."""
    if not has_ctest(build) and is_python_project(build):
        return build
    recorded = cache.get("CMAKE_HOME_DIRECTORY", "")
    if recorded and Path(recorded).is_dir():
        return Path(recorded).resolve()
    for folder in build.parents:
        if any((folder / name).exists() for name in ("pyproject.toml", "CMakeLists.txt", ".git")):
            return folder
    return build.parent


def read_cache(build: Path) -> dict[str, str]:
    """Return the entries of `CMakeCache.txt`; empty when there is none."""
    try:
        text = decode((build / "CMakeCache.txt").read_bytes())
    except OSError:
        return {}
    return dict(re.findall(r"^([^#/\n][^:\n]*):[A-Z]+=(.*)$", text, re.MULTILINE))


def cmake_version(cache: dict[str, str]) -> str | None:
    """Return the version of the CMake that configured the build."""
    numbers = [cache.get(f"CMAKE_CACHE_{part}_VERSION") for part in ("MAJOR", "MINOR", "PATCH")]
    return ".".join(number or "" for number in numbers) if all(numbers) else None


def compilers(build: Path, cache: dict[str, str]) -> dict[str, Compiler]:
    """Return the compiler of each language that the build enabled."""
    found = {}
    for language in ("C", "CXX", "Fortran"):
        path = cache.get(f"CMAKE_{language}_COMPILER")
        if not path or path.endswith("NOTFOUND"):
            continue
        compiler = Compiler(path)
        for file in sorted(build.glob(f"CMakeFiles/*/CMake{language}Compiler.cmake")):
            text = file.read_text(encoding="utf-8", errors="replace")
            compiler.id = _setting(text, f"CMAKE_{language}_COMPILER_ID")
            compiler.version = _setting(text, f"CMAKE_{language}_COMPILER_VERSION")
        found[language] = compiler
    return found


def libtorch_version(cache: dict[str, str]) -> str | None:
    """Return the version of the LibTorch whose folder the build's cache names."""
    places = [Path(value) for value in cache.values() if re.match(r"/.*torch", value, re.I)]
    for folder in dict.fromkeys(folder for place in places for folder in _upwards(place)):
        # The wheel keeps version.py beside lib/, the C++ distribution a file build-version.
        for name, pattern in (("version.py", r"__version__ = '(.+)'"), ("build-version", r"(.+)")):
            file = folder / name
            if (folder / "include/torch").is_dir() and file.is_file():
                version = re.search(pattern, file.read_text(encoding="utf-8"))
                if version:
                    return version.group(1).strip()
    return None


def _upwards(place: Path) -> list[Path]:
    # The deepest place named is <root>/share/cmake/Torch.
    return [place, *place.parents][:4]


def commit(project: Path) -> tuple[str | None, bool | None]:
    """Return the commit and whether tracked files differ from it; None twice without git."""
    head = _run_git(project, "rev-parse", "HEAD")
    if head is None:
        return None, None
    changes = _run_git(project, "status", "--porcelain", "--untracked-files=no")
    return head.strip(), None if changes is None else bool(changes.strip())


def _run_git(project: Path, *arguments: str) -> str | None:
    try:
        answer = call("git", "-C", project, "--no-optional-locks", *arguments, timeout=30.0)
    except CommandError:
        return None
    return answer.out if answer.code == 0 else None


def _setting(text: str, name: str) -> str | None:
    found = re.search(rf'set\({name} "([^"]+)"\)', text)
    return found.group(1) if found else None
