# SPDX-License-Identifier: MIT
"""Operators and functions of the program from Fortran and C++; writes `operators.md`.

`python benchmarks/operators/run.py build/benchmarks/operators` needs valgrind: instructions are
those of callgrind on one thread.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from measure import instructions_per_call, output

ROWS = (
    ("chain, as an expression", "chain", []),
    ("chain, by subroutines", "chain", ["into"]),
    ("torch_apply and its gradient", "apply", []),
)
COUNTED = {10: (100, 600), 1_000_000: (2, 6)}


def row(folder: Path, title: str, name: str, options: list[str], size: int) -> str:
    """Instructions of a call, and their ratio."""
    ours = [folder / name, str(size), *options]
    theirs = [folder / f"{name}_cpp", str(size)]
    if name == "chain" and output([*ours, "2"]) != output([*theirs, "2"]):
        raise SystemExit(f"{title}: the programs disagree")
    counts = [instructions_per_call(*one, calls=COUNTED[size]) for one in (ours, theirs)]
    ratio = counts[0] / counts[1]
    return f"| {title} | {size} | {counts[0]:.0f} | {counts[1]:.0f} | {ratio:.3f} |"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="folder of the built programs")
    folder = parser.parse_args().folder.resolve()
    rows = ["| | elements | instructions Fortran | C++ | ratio |", "|---|---|---|---|---|"]
    for title, name, options in ROWS:
        for size in COUNTED:
            rows.append(row(folder, title, name, options, size))
            print(rows[-1], flush=True)
    (folder / "operators.md").write_text("\n".join(rows) + "\n")


if __name__ == "__main__":
    main()
