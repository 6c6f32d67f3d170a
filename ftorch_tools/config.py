# SPDX-License-Identifier: MIT
"""The command `ftorch-config` of a library that pip built: hands over to the one in its prefix."""

from __future__ import annotations

import os
import sys
from importlib.metadata import distribution
from pathlib import Path

MISSING = """ftorch-config: this Python has the tools of FTorch without the library. Build it
for the PyTorch here, from FTorch's folder:
  python -m pip install scikit-build-core cmake ninja fypp
  python -m pip install --no-build-isolation -C wheel.cmake=true .
An FTorch that CMake installed has a ftorch-config of its own: <prefix>/bin/ftorch-config."""


def library_prefix() -> Path:
    """Folder for CMAKE_PREFIX_PATH; it exists only where pip built the library."""
    return Path(str(distribution("ftorch_tools").locate_file("ftorch"))).resolve()


def main() -> None:
    """Run the prefix's `ftorch-config`; exit status 1 where there is none."""
    program = library_prefix() / "bin" / "ftorch-config"
    if not program.exists():
        sys.exit(MISSING)
    os.execv(program, [str(program), *sys.argv[1:]])
