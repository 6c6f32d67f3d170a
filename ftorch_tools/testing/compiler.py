# SPDX-License-Identifier: MIT
"""Compilers as a build or an installation recorded them."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass
class Compiler:
    """A compiler as the build's CMake recorded it."""

    path: str
    id: str | None = None
    version: str | None = None


def chosen_compiler(compilers: Mapping[str, Compiler]) -> list[str]:
    """Return the command of the Fortran compiler: FC, or else that of `compilers`, or none."""
    recorded = compilers["Fortran"].path if "Fortran" in compilers else ""
    return shlex.split(os.environ.get("FC", "")) or ([recorded] if recorded else [])


def describe_compiler(compiler: Compiler) -> str:
    """Return what is known of `compiler`, as people read it."""
    place = f"({compiler.path})" if compiler.path else ""
    return " ".join(filter(None, [compiler.id, compiler.version, place])) or "an unknown compiler"
