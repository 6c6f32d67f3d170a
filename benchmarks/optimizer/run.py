# SPDX-License-Identifier: MIT
"""One step of an optimizer on small parameters, beside its kernel alone; writes `optimizer.md`.

`python benchmarks/optimizer/run.py build/benchmarks/optimizer` needs valgrind: instructions are
those of callgrind.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from measure import instructions_per_call, output

PROGRAMS = {"Fortran": "optimizer_step", "C++": "optimizer_step_cpp"}
STEPS = [(optimizer, size) for optimizer in ("SGD", "Adam", "AdamW") for size in (6, 100)]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="folder of the built programs")
    folder = parser.parse_args().folder.resolve()
    rows = [
        "| instructions of one step | Fortran | kernel alone, C++ | ratio |",
        "|---|---|---|---|",
    ]
    for optimizer, size in STEPS:
        commands = {name: [folder / file, optimizer, size] for name, file in PROGRAMS.items()}
        totals = {name: output([*command, "3"]) for name, command in commands.items()}
        if len({total.lower() for total in totals.values()}) > 1:
            raise SystemExit(f"the programs disagree: {totals}")
        ours, kernel = (instructions_per_call(*command) for command in commands.values())
        rows.append(
            f"| {optimizer}, {size} parameters | {ours:.0f} | {kernel:.0f} | {ours / kernel:.3f} |"
        )
        print(rows[-1], flush=True)
    (folder / "optimizer.md").write_text("\n".join(rows) + "\n")


if __name__ == "__main__":
    main()
