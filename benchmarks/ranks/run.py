# SPDX-License-Identifier: MIT
"""Runs ranks of MPI on all cores, with several numbers of threads; writes `table.md`.

`python benchmarks/ranks/run.py build/benchmarks` needs mpirun and an otherwise quiet machine. The
settings alternate; times are medians.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))
from measure import ratio_text

SETTINGS = {
    "nothing set": ({}, []),
    "`torch_set_num_threads(1)`": ({}, ["1"]),
    "`OMP_NUM_THREADS=1`": ({"OMP_NUM_THREADS": "1"}, []),
}
BINDINGS = {"none": "none", "core": "core"}


def run(
    folder: Path, ranks: int, rows: int, steps: int, setting: str, binding: str
) -> list[float]:
    """Microseconds of a step in the network and in the loops, and both numbers of threads."""
    variables, arguments = SETTINGS[setting]
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("OMP_", "MKL_"))}
    root = ["--allow-run-as-root"] if os.geteuid() == 0 else []
    command = [
        *("mpirun", "-n", str(ranks), "--oversubscribe", "--bind-to", binding, *root),
        *(folder / "ranks" / "ranks", folder / "network.pt", str(rows), str(steps), *arguments),
    ]
    answer = subprocess.run(
        command, env={**environment, **variables}, capture_output=True, text=True, check=True
    )
    return [float(number) for number in answer.stdout.split()]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="folder of the built benchmarks")
    parser.add_argument("--rows", type=int, default=64, help="samples of a pass")
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--blocks", type=int, default=5)
    arguments = parser.parse_args()
    cores = len(os.sched_getaffinity(0))
    keys = [(setting, binding) for binding in BINDINGS for setting in SETTINGS]
    results: dict[tuple[str, str], list[list[float]]] = {key: [] for key in keys}
    for _ in range(arguments.blocks):
        for key in keys:
            results[key].append(
                run(arguments.folder.resolve(), cores, arguments.rows, arguments.steps, *key)
            )
    table = [
        f"| {cores} ranks on {cores} cores, {arguments.rows} rows | `--bind-to` | threads of"
        " program, library | µs network | µs program's loop | network / one thread |",
        "|---|---|---|---|---|---|",
    ]
    best = [one[0] for one in results[("`torch_set_num_threads(1)`", "none")]]
    for setting, binding in keys:
        blocks = results[(setting, binding)]
        network, loop, host, library = (statistics.median(column) for column in zip(*blocks))
        table.append(
            f"| {setting} | {binding} | {host:.0f}, {library:.0f} | {network:.1f} | {loop:.1f} |"
            f" {ratio_text([one[0] for one in blocks], best)} |"
        )
    (arguments.folder / "ranks" / "table.md").write_text("\n".join(table) + "\n")
    print("\n".join(table))


if __name__ == "__main__":
    main()
