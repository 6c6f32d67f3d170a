# SPDX-License-Identifier: MIT
"""Builds the validation suite of an installed FTorch, and keeps it for the next run."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import platformdirs

from ftorch_tools.command import CommandError, call
from ftorch_tools.errors import InfrastructureError, UsageError
from ftorch_tools.testing.compiler import chosen_compiler, describe_compiler
from ftorch_tools.testing.cores import usable_cores
from ftorch_tools.testing.fortran import module_format, why_unreadable
from ftorch_tools.testing.installed import Installed
from ftorch_tools.testing.project import TEST_FILE

_STAMP = "ftorch-validation.json"
_RUNS = "ftorch-test"
_LOG = "build.log"
_LAST_LINES = 15
_CONFIGURE_SECONDS = 600.0
_BUILD_SECONDS = 3600.0
# The environment variables that a build by CMake depends on.
_VARIABLES = re.compile("CMAKE_.*|FFLAGS|LDFLAGS|LibTorch_ROOT|Torch_DIR")


def default_folder(prefix: Path) -> Path:
    """Return where the suite of `prefix` is built on this host: below the user's cache folder."""
    digest = hashlib.sha256(os.fsencode(prefix)).hexdigest()[:12]
    name = re.sub(r"[^A-Za-z0-9._-]+", "_", prefix.name) or "root"
    cache = platformdirs.user_cache_path("ftorch-test", appauthor=False)
    return cache / "validation" / f"{name}-{digest}" / socket.gethostname()


class Suite:
    """The validation suite of `installed`, built in `folder`.

    The caller holds a lock on the folder: see `ftorch_tools.testing.lock`.
    """

    def __init__(self, installed: Installed, folder: Path) -> None:
        if not (installed.suite / "CMakeLists.txt").is_file():
            raise UsageError(
                f"FTorch {installed.version} in {installed.prefix} was installed without its "
                "validation suite.\nInstall it again with -DFTORCH_INSTALL_VALIDATION=ON."
            )
        self.prefix = installed.prefix
        self._installed = installed
        self._folder = folder
        self._cmake = _find_cmake()
        self._compiler = _find_compiler(installed)
        self._inputs = self._read_inputs()

    @property
    def is_fresh(self) -> bool:
        """True when the folder holds the suite built from what is installed now."""
        return self._stamp == self._inputs and (self._folder / TEST_FILE).is_file()

    def build(self) -> None:
        """Build the suite from nothing; only the run directories in the folder are kept."""
        self._refuse_foreign_folder()
        self._check_modules()
        self._write_stamp(None)
        for item in self._folder.iterdir():
            if item.name in (_STAMP, _RUNS):
                continue
            shutil.rmtree(item) if item.is_dir() and not item.is_symlink() else item.unlink()
        with (self._folder / _LOG).open("w", encoding="utf-8") as log:
            self._call(log, _CONFIGURE_SECONDS, *self._configure_arguments())
            jobs = str(usable_cores())
            self._call(log, _BUILD_SECONDS, "--build", str(self._folder), "--parallel", jobs)
        self._write_stamp(self._inputs)

    def _configure_arguments(self) -> list[str]:
        compiler, *flags = self._compiler
        settings = {
            # Not whatever FTorch CMAKE_PREFIX_PATH leads to.
            "FTorch_DIR": str(self._installed.package),
            "CMAKE_Fortran_COMPILER": ";".join([shutil.which(compiler) or compiler, *flags]),
        }
        arguments = ["-S", str(self._installed.suite), "-B", str(self._folder)]
        if "CMAKE_GENERATOR" not in os.environ and shutil.which("ninja"):
            arguments += ["-G", "Ninja"]
        return arguments + [f"-D{name}={value}" for name, value in settings.items()]

    def _call(self, log: IO[str], timeout: float, *arguments: str) -> None:
        command = [self._cmake, *arguments]
        print(f"$ {shlex.join(command)}", file=log, flush=True)
        try:
            answer = call(*command, timeout=timeout, log=log)
            problem = f"ended with exit code {answer.code}" if answer.code else None
        except CommandError as error:
            problem = str(error)
        if problem is not None:
            file = self._folder / _LOG
            lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
            last = "\n".join(f"    {line}" for line in lines[-_LAST_LINES:])
            raise InfrastructureError(
                f"the validation suite of {self.prefix} cannot be built: "
                f"`{shlex.join(command)}` {problem}:\n{last}\n"
                f"The whole log: {file}\n"
                f"`ftorch-test doctor --prefix {self.prefix}` may know the cause."
            )

    def _check_modules(self) -> None:
        compiler = shlex.join(self._compiler)
        try:
            reason = why_unreadable(self._compiler, self._installed.modules)
        except CommandError as error:
            raise InfrastructureError(f"the Fortran compiler cannot be run: {error}") from error
        if reason is None:
            return
        file = self._installed.modules / "ftorch.mod"
        written = module_format(file) if file.is_file() else "nobody: ftorch.mod is missing"
        builder = describe_compiler(self._installed.compilers["Fortran"])
        raise InfrastructureError(
            f"{compiler} cannot use the modules of {self.prefix}: {reason}\n"
            f"They were written by {written}; the library was built by {builder}.\n"
            "Load the module of that compiler, name it in FC, or build FTorch with "
            f"{compiler}."
        )

    def _refuse_foreign_folder(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        names = {item.name for item in self._folder.iterdir()}
        if names and _STAMP not in names:
            raise UsageError(
                f"{self._folder} holds other files, and a build would remove them.\n"
                "Give --build-dir an empty or a new folder."
            )

    @property
    def _stamp(self) -> str | None:
        try:
            values = json.loads((self._folder / _STAMP).read_text(encoding="utf-8"))
            return str(values["inputs"])
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def _write_stamp(self, inputs: str | None) -> None:
        values = {"prefix": str(self.prefix), "inputs": inputs}
        part = self._folder / f"{_STAMP}.part"
        part.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
        os.replace(part, self._folder / _STAMP)

    def _read_inputs(self) -> str:
        installed = self._installed
        values = {name: text for name, text in os.environ.items() if _VARIABLES.fullmatch(name)}
        programs = [shutil.which(self._compiler[0]) or self._compiler[0], self._cmake]
        roots = [installed.package, installed.modules, installed.suite, *map(Path, programs)]
        roots += [installed.library] if installed.library else []
        files = {str(f): _state(f) for root in roots for f in _files(root)}
        text = json.dumps([values, self._compiler, files], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def _find_cmake() -> str:
    cmake = shutil.which("cmake")
    if cmake is None:
        raise InfrastructureError(
            "cmake not found: load a module with CMake 3.21 or newer, or install it "
            "(`python -m pip install cmake`)"
        )
    return cmake


def _find_compiler(installed: Installed) -> list[str]:
    compiler = chosen_compiler(installed.compilers)
    if compiler and shutil.which(compiler[0]):
        return compiler
    name = compiler[0] if compiler else "recorded by no name"
    source = "FC names it" if os.environ.get("FC") else f"it built {installed.prefix}"
    builder = describe_compiler(installed.compilers["Fortran"])
    raise InfrastructureError(
        f"the Fortran compiler {name} is not here ({source}).\n"
        f"Load its module, or name in FC the compiler {builder}."
    )


def _files(root: Path) -> Iterator[Path]:
    if not root.is_dir():
        yield root
        return
    for folder, _, names in os.walk(root):
        yield from (Path(folder, name) for name in names)


def _state(file: Path) -> list[int]:
    try:
        state = file.stat()
    except OSError:
        return []
    return [state.st_size, state.st_mtime_ns]
