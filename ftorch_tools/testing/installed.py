# SPDX-License-Identifier: MIT
"""Reads what an installed FTorch says of itself."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from ftorch_tools.errors import UsageError
from ftorch_tools.testing.compiler import Compiler

_CONFIG = "FTorchConfig.cmake"


@dataclass(frozen=True)
class Installed:
    """An FTorch below `prefix`; `package` is the folder of its CMake package."""

    prefix: Path
    package: Path
    version: str
    libtorch: str | None = None
    mpi: str = ""
    """The MPI that the component mpi was built with, with its version."""
    compilers: dict[str, Compiler] = field(default_factory=dict)

    @property
    def suite(self) -> Path:
        """The folder of the validation suite, which need not exist."""
        return self.prefix / "share/ftorch/validation"

    @property
    def modules(self) -> Path:
        """The folder of the Fortran modules."""
        return self.prefix / "include/ftorch"

    @property
    def library(self) -> Path | None:
        """The shared library, or else the static one."""
        return find_library(self.package.parents[1])

    @property
    def mpi_library(self) -> Path | None:
        """The library of the component mpi."""
        return find_library(self.package.parents[1], "ftorch_mpi")


def find_library(folder: Path, name: str = "ftorch") -> Path | None:
    """Return the shared library of that name in `folder`, or else the static one."""
    files = (folder / f"lib{name}{suffix}" for suffix in (".so", ".dylib", ".a"))
    return next((file for file in files if file.exists()), None)


def find_installed(prefix: Path) -> Installed:
    """Return the FTorch installed in `prefix`; raise `UsageError` when there is none."""
    prefix = prefix.resolve()
    patterns = (f"lib*/cmake/FTorch/{_CONFIG}", f"lib/*/cmake/FTorch/{_CONFIG}")
    for file in (file for pattern in patterns for file in sorted(prefix.glob(pattern))):
        values = read_config(file.parent)
        mpi = f"{values.get('FTorch_MPI_VENDOR', '')} {values.get('FTorch_MPI_VERSION', '')}"
        return Installed(
            prefix,
            file.parent,
            values.get("PACKAGE_VERSION", "of unknown version"),
            values.get("FTorch_LIBTORCH_VERSION"),
            mpi.strip(),
            _compilers(prefix, values),
        )
    raise UsageError(
        f"no FTorch is installed in {prefix}: it has no {' and no '.join(patterns)}.\n"
        "Name the folder that was CMAKE_INSTALL_PREFIX (in Spack: `spack location -i ftorch`)."
    )


def read_config(package: Path) -> dict[str, str]:
    """Return what variables the CMake package in the folder `package` sets to a word or a text."""
    found: dict[str, str] = {}
    for name in ("FTorchConfigVersion.cmake", _CONFIG):
        try:
            text = (package / name).read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        setting = r'^ *set *\((\w+) (?:"([^"${}()]+)"|([^"\s${}()]+))\)'
        for variable, quoted, word in re.findall(setting, text, re.MULTILINE):
            found[variable] = quoted or word
    return found


def ftorch_of(cache: dict[str, str]) -> tuple[str | None, str | None]:
    """Return the version of FTorch in a build with `cache`, and the prefix if it is installed."""
    if cache.get("CMAKE_PROJECT_NAME") == "FTorch":
        return cache.get("CMAKE_PROJECT_VERSION"), None
    package = Path(cache.get("FTorch_DIR", ""))
    if not (package / _CONFIG).is_file():
        return None, None
    prefix = find_prefix(package)
    return read_config(package).get("PACKAGE_VERSION"), None if prefix is None else str(prefix)


def find_prefix(package: Path) -> Path | None:
    """Return the prefix that the CMake package in the folder `package` belongs to."""
    for prefix in package.parents:
        if (prefix / "include/ftorch").is_dir():
            return prefix
    return None


def _compilers(prefix: Path, values: dict[str, str]) -> dict[str, Compiler]:
    # The path of the Fortran compiler stands where the suite's CMake reads it.
    file = prefix / "share/ftorch/validation/cmake/compiler.cmake"
    text = file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""
    path = re.search(r'set\(CMAKE_Fortran_COMPILER "([^"]+)"\)', text)
    compilers = {"Fortran": path.group(1) if path else "", "CXX": ""}
    return {
        language: Compiler(
            path,
            values.get(f"FTorch_{language}_COMPILER_ID"),
            values.get(f"FTorch_{language}_COMPILER_VERSION"),
        )
        for language, path in compilers.items()
    }
