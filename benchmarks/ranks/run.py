# SPDX-License-Identifier: MIT
"""Runs ranks of MPI on all cores, with several numbers of threads; writes `table.md`.

`python benchmarks/ranks/run.py build/benchmarks` needs mpirun and an otherwise quiet machine. The
settings alternate; times are medians.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

sys.path.append(str(Path(__file__).resolve().parents[1]))
from measure import ratio_text


@dataclass(frozen=True, eq=False)
class Case:
    """Ranks of one run: how many for each core, and what they are told."""

    title: str
    is_hybrid: bool = False
    """One rank on all cores, whose own loops are OpenMP regions; else one rank a core."""
    threads: int = 0
    variables: dict[str, str] = field(default_factory=dict)


CASES = (
    Case("one rank a core, nothing set"),
    Case("one rank a core, `torch_set_num_threads(1)`", threads=1),
    Case("one rank a core, `OMP_NUM_THREADS=1`", variables={"OMP_NUM_THREADS": "1"}),
    Case("one rank, OpenMP in the program, nothing set", is_hybrid=True),
    Case("one rank, OpenMP in the program, `torch_set_num_threads(1)`", True, 1),
)


def run(folder: Path, rows: int, steps: int, case: Case) -> list[float]:
    """Microseconds of a step in the network and in the loops, and both numbers of threads."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("OMP_", "MKL_"))}
    ranks = 1 if case.is_hybrid else len(os.sched_getaffinity(0))
    root = ["--allow-run-as-root"] if os.geteuid() == 0 else []
    command: list[str | Path] = [
        *("mpirun", "-n", str(ranks), "--oversubscribe", "--bind-to", "none", *root),
        *(folder / "ranks" / "ranks", folder / "network.pt", str(rows), str(steps)),
        *(str(int(case.is_hybrid)), str(case.threads)),
    ]
    environment = {**kept, **case.variables}
    return [
        float(number)
        for number in subprocess.run(
            command, env=environment, capture_output=True, text=True, check=True
        ).stdout.split()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="folder of the built benchmarks")
    parser.add_argument("--rows", type=int, default=64, help="samples of a pass")
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--blocks", type=int, default=5)
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    results: dict[Case, list[list[float]]] = {case: [] for case in CASES}
    for _ in range(arguments.blocks):
        for case in CASES:
            results[case].append(run(folder, arguments.rows, arguments.steps, case))
    table = [
        f"| {len(os.sched_getaffinity(0))} cores, {arguments.rows} samples a pass | threads of"
        " program, library | µs network | µs loops | network, beside one thread |",
        "|---|---|---|---|---|",
    ]
    for case in CASES:
        single = next(one for one in CASES if one.is_hybrid == case.is_hybrid and one.threads == 1)
        network, loops, host, library = (median(column) for column in zip(*results[case]))
        ratio = ratio_text(*([one[0] for one in results[which]] for which in (case, single)))
        table.append(
            f"| {case.title} | {host:.0f}, {library:.0f} | {network:.1f} | {loops:.1f} | {ratio} |"
        )
    (arguments.folder / "ranks" / "table.md").write_text("\n".join(table) + "\n")
    print("\n".join(table))


if __name__ == "__main__":
    main()
