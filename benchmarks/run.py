# SPDX-License-Identifier: MIT
"""Runs all benchmarks of a build folder; writes a page with their tables and a plot.

`python benchmarks/run.py build --page measurements.md` takes about an hour on an
idle machine. It needs valgrind, and mpirun for the table of ranks. FTORCH_PEER names an installed
library of the same interface, which takes part in the passes of the routes.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent


class Part(NamedTuple):
    """A script: title, name, the folder that it is given, and the table that it leaves there."""

    title: str
    script: str
    folder: str
    table: str


PARTS = (
    Part("One pass by every route", "routes/run.py", "benchmarks/routes", "routes.md"),
    Part("A step of training", "training/run.py", "benchmarks/training", "training.md"),
    Part("Networks", "models/run.py", "benchmarks/models", "models.md"),
    Part("Single calls", "calls/run.py", "benchmarks", "calls/table.md"),
    Part("Operators", "operators/run.py", "benchmarks/operators", "operators.md"),
    Part("A step of an optimizer", "optimizer/run.py", "benchmarks/optimizer", "optimizer.md"),
    Part("Ranks of MPI with OpenMP", "ranks/run.py", "benchmarks", "ranks/table.md"),
    Part("Scaling over ranks of MPI", "scaling/run.py", "benchmarks", "scaling/table.md"),
)
PLOT = Path("benchmarks/routes/routes.svg")


def machine() -> str:
    """Where and with what it was measured."""
    import torch

    compilers = (
        subprocess.run([name, "-dumpfullversion"], capture_output=True, text=True).stdout.strip()
        for name in ("gfortran", "g++")
    )
    return (
        f"{datetime.date.today()}, {len(os.sched_getaffinity(0))} cores ({platform.machine()}),"
        f" gfortran {next(compilers)}, g++ {next(compilers)}, PyTorch {torch.__version__}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("build", type=Path, help="build folder")
    parser.add_argument(
        "--page", type=Path, help="what is written; in the build folder if left out"
    )
    parser.add_argument("--only", choices=[part.script.split("/")[0] for part in PARTS])
    arguments = parser.parse_args()
    build = arguments.build.resolve()
    page = arguments.page or build / "benchmarks" / "measurements.md"
    lines = ["# Measurements", "", f"`python benchmarks/run.py build`, {machine()}.", ""]
    for part in PARTS:
        if arguments.only in (None, part.script.split("/")[0]):
            subprocess.run([sys.executable, HERE / part.script, build / part.folder], check=True)
        table = build / part.folder / part.table
        if table.exists():
            lines += [f"## {part.title}", "", table.read_text()]
    if (build / PLOT).exists():
        shutil.copy(build / PLOT, page.with_suffix(".svg"))
        lines += [
            f"![µs for each sample by the size of the batch]({page.with_suffix('.svg').name})"
        ]
    page.write_text("\n".join(lines).rstrip() + "\n")


if __name__ == "__main__":
    main()
