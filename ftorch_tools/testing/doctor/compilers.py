# SPDX-License-Identifier: MIT
"""Checks the compilers: those that built the library, and whether its modules can be read."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Iterator

from ftorch_tools.command import CommandError, call
from ftorch_tools.testing.compiler import Compiler, describe_compiler
from ftorch_tools.testing.doctor.finding import Finding, ok, problem, unknown, warning
from ftorch_tools.testing.doctor.subject import Subject
from ftorch_tools.testing.fortran import module_format, why_unreadable

_SECONDS = 30.0


def check(subject: Subject) -> Iterator[Finding]:
    """Yield the Fortran compiler in use with its reading of the modules, and the C++ compiler."""
    command = subject.fortran
    if not command:
        yield from _without_subject()
    elif shutil.which(command[0]) is None:
        yield problem(
            f"the Fortran compiler {command[0]} is not here; FTorch was built by "
            f"{subject.built_by}",
            "Load the module of that compiler, or name it in the environment variable FC.",
        )
    else:
        yield from _fortran(subject, command)
    yield from _cxx(subject)


def _without_subject() -> Iterator[Finding]:
    names = ("ftn", "ifx", "ifort", "nvfortran", "flang", "flang-new", "nagfor", "gfortran")
    found = next(filter(None, map(shutil.which, names)), None)
    if found:
        yield ok(f"Fortran compiler: {_first_line([found])}")
    else:
        yield warning("no Fortran compiler on PATH", "Load a module with one, or set FC.")


def _fortran(subject: Subject, command: list[str]) -> Iterator[Finding]:
    line = _first_line(command)
    yield ok(f"Fortran compiler: {line} ({shlex.join(command)})")
    if subject.modules is None:
        return
    file = subject.modules / "ftorch.mod"
    if not file.is_file():
        yield problem(f"{file} is missing", "Build FTorch, and install it, again.")
        return
    reason = why_unreadable(command, subject.modules)
    written = module_format(file)
    if reason is not None:
        yield problem(
            f"{shlex.join(command)} cannot read {file}, written by {written}: {reason}",
            f"Use the compiler that built FTorch, {subject.built_by}, or build FTorch again with "
            "this one.",
        )
        return
    yield ok(f"it reads the modules in {subject.modules}, written by {written}")
    built = subject.compilers.get("Fortran", Compiler("")).version
    if built and built.split(".")[0] not in _numbers(line):
        yield warning(
            f"FTorch was built by {subject.built_by}, a different version from {line}",
            "Compilers of one module format may still differ in what they get wrong: build "
            "programs with the one that built FTorch.",
        )


def _cxx(subject: Subject) -> Iterator[Finding]:
    compiler = subject.compilers.get("CXX")
    if compiler is None:
        return
    if compiler.path and shutil.which(compiler.path) is None:
        yield warning(
            f"the C++ compiler {compiler.path} is not here",
            "To build FTorch again, load its module, or configure a new build folder.",
        )
    elif compiler.path:
        yield ok(f"C++ compiler: {_first_line([compiler.path])} ({compiler.path})")
    elif compiler.version:
        yield ok(f"the library was compiled as C++ by {describe_compiler(compiler)}")
    else:
        yield unknown("the package does not say which C++ compiler built it")


def _first_line(command: list[str]) -> str:
    try:
        answer = call(*command, "--version", timeout=_SECONDS)
    except CommandError as error:
        return str(error)
    lines = [line for line in answer.out.splitlines() if line.strip()]
    return lines[0].strip() if lines else answer.message


def _numbers(line: str) -> set[str]:
    words_with_dots = (word.strip("(),-") for word in line.split() if "." in word)
    return {word.split(".")[0] for word in words_with_dots}
