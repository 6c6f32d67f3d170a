# SPDX-License-Identifier: MIT
"""The FTorch that the checks are about: installed, in a build folder, or none."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from ftorch_tools.errors import UsageError
from ftorch_tools.testing import project
from ftorch_tools.testing.compiler import Compiler, chosen_compiler, describe_compiler
from ftorch_tools.testing.doctor.linked import Linked, read_linked
from ftorch_tools.testing.doctor.nvidia import Driver, read_driver
from ftorch_tools.testing.doctor.torch_folder import TorchFolder, python_torch
from ftorch_tools.testing.installed import (
    Installed,
    find_installed,
    find_library,
    find_prefix,
)


@dataclass
class Subject:
    """What is examined. Paths that are not known are None.

    `libtorch` is the version that the library was built with, `compilers` those that built it,
    `lost` the folder of the FTorch that a build was configured with, when it is gone, `programs`
    those of the user, linked with it, `mpi` the MPI that the component mpi was built with.
    """

    prefix: Path | None = None
    build: Path | None = None
    lost: Path | None = None
    version: str | None = None
    library: Path | None = None
    modules: Path | None = None
    libtorch: str | None = None
    mpi: str = ""
    mpi_library: Path | None = None
    compilers: dict[str, Compiler] = field(default_factory=dict)
    programs: list[Path] = field(default_factory=list)

    @cached_property
    def linked(self) -> Linked:
        """What the dynamic loader makes of the library; raises `CommandError`."""
        return read_linked(self.library) if self.is_shared and self.library else Linked()

    @property
    def is_shared(self) -> bool:
        """True when the library is a shared one."""
        return self.library is not None and self.library.suffix != ".a"

    @cached_property
    def torch(self) -> TorchFolder | None:
        """The LibTorch that the library is linked to, or else that of the Python in use."""
        place = self.linked.libraries.get("libc10.so")
        return TorchFolder(place.parents[1]) if place else python_torch()

    @cached_property
    def driver(self) -> Driver:
        """What the NVIDIA driver says."""
        return read_driver()

    @property
    def fortran(self) -> list[str]:
        """The command of the Fortran compiler in use: FC, or that of the library, or none."""
        return chosen_compiler(self.compilers)

    @property
    def built_by(self) -> str:
        """The Fortran compiler that built the library, in words."""
        return describe_compiler(self.compilers.get("Fortran", Compiler("")))


def find_subject(prefix: Path | None, build_dir: Path | None) -> Subject:
    """Return what the command line names: a prefix, a build, or the nearest build if any."""
    if prefix is not None and build_dir is not None:
        raise UsageError("BUILD_DIR and --prefix exclude each other")
    if prefix is not None:
        return _of_installed(find_installed(prefix))
    if build_dir is not None and not (build_dir / "CMakeCache.txt").is_file():
        raise UsageError(f"{build_dir} is no build folder: it has no CMakeCache.txt")
    build = build_dir or project.nearest_build()
    return Subject() if build is None else _of_build(build.resolve())


def _of_installed(installed: Installed) -> Subject:
    return Subject(
        prefix=installed.prefix,
        version=installed.version,
        library=installed.library,
        modules=installed.modules,
        libtorch=installed.libtorch,
        mpi=installed.mpi,
        mpi_library=installed.mpi_library,
        compilers=installed.compilers,
    )


def _of_build(build: Path) -> Subject:
    cache = project.read_cache(build)
    compilers = project.compilers(build, cache)
    if cache.get("CMAKE_PROJECT_NAME") != "FTorch":
        package = Path(cache.get("FTorch_DIR", ""))
        if package.is_absolute() and not package.is_dir():
            return Subject(build=build, lost=package, compilers=compilers)
        prefix = find_prefix(package) if package.is_absolute() else None
        subject = _of_installed(find_installed(prefix)) if prefix else Subject()
        subject.build, subject.compilers = build, {**subject.compilers, **compilers}
        return subject
    mpi = f"{cache.get('FTORCH_MPI_VENDOR', '')} {cache.get('FTORCH_MPI_VERSION', '')}"
    return Subject(
        build=build,
        version=cache.get("CMAKE_PROJECT_VERSION"),
        library=find_library(build),
        modules=build / "modules",
        libtorch=project.libtorch_version(cache),
        mpi=mpi.strip(),
        mpi_library=find_library(build, "ftorch_mpi"),
        compilers=compilers,
    )
