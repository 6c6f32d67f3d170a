# SPDX-License-Identifier: MIT
"""Passes of networks as exported programs, TorchScript and eager C++; writes `models.md`.

`python benchmarks/models/run.py build/benchmarks/models` needs valgrind for instructions
(callgrind, one thread). Wall times alternate between the three programs; ratios come with their
quartiles, because machines are noisy. `--only instructions` and the like make one of the tables.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from measure import call_times, instructions_per_call, output, ratio_text, seconds
from networks import NETWORKS

BATCHES = (1, 64, 1024)
COUNTED = {"mlp": (200, 1200), "operators": (50, 250), "lstm": (50, 250)}
SECONDS = 0.5
"""Wall time of a run, about."""


def commands(folder: Path, name: str, batch: int) -> dict[str, list[str]]:
    """The three programs, without the number of calls."""
    network = NETWORKS[name]
    sizes = [",".join(map(str, (batch, *of))) for of in (network.sample, network.result)]
    return {
        ".pt2": [str(folder / "model_forward"), str(folder / f"{name}.pt2"), *sizes],
        "TorchScript": [str(folder / "model_forward"), str(folder / f"{name}.pt"), *sizes],
        "C++": [str(folder / "model_forward_cpp"), name, str(folder / f"{name}.pt"), *sizes],
    }


def check_agreement(programs: dict[str, list[str]]) -> None:
    """Ends the run when sums or sums of squares of the results differ."""
    found = {name: output([*command, "3"]).split() for name, command in programs.items()}
    expected = [float(number) for number in found["C++"]]
    for numbers in found.values():
        for number, other in zip(map(float, numbers), expected):
            if not math.isclose(number, other, rel_tol=1e-5, abs_tol=1e-5 * expected[1] ** 0.5):
                raise SystemExit(f"the programs disagree: {found}")


def instruction_rows(folder: Path, _: int) -> list[str]:
    """Instructions of a pass at batch 1."""
    rows = [
        "| instructions, batch 1 | .pt2 | TorchScript | C++ | .pt2 / C++ | TorchScript / .pt2 |",
        "|---|---|---|---|---|---|",
    ]
    for name in NETWORKS:
        programs = commands(folder, name, 1)
        check_agreement(programs)
        exported, scripted, eager = (
            instructions_per_call(*command, calls=COUNTED.get(name, (20, 120)))
            for command in programs.values()
        )
        rows.append(
            f"| {name} | {exported:.0f} | {scripted:.0f} | {eager:.0f} |"
            f" {exported / eager:.3f} | {scripted / exported:.2f} |"
        )
        print(rows[-1], flush=True)
    return rows


def calls_of(command: list[str]) -> int:
    """How many calls a run has that is long enough."""
    start, calls = seconds(command, 4), 64
    while (time := seconds(command, calls + 4) - start) < SECONDS / 8:
        calls *= 4
    return max(int(calls * SECONDS / time), 10)


def time_rows(folder: Path, blocks: int) -> list[str]:
    """Wall times of a pass."""
    rows = [
        "| µs, batch | .pt2 | TorchScript | C++ | .pt2 / C++ | TorchScript / .pt2 |",
        "|---|---|---|---|---|---|",
    ]
    for name in NETWORKS:
        for batch in BATCHES:
            programs = commands(folder, name, batch)
            check_agreement(programs)
            times = call_times(programs, calls_of(programs["C++"]), 4, blocks)
            medians = " | ".join(f"{1e6 * statistics.median(one):.1f}" for one in times.values())
            rows.append(
                f"| {name}, {batch} | {medians} | {ratio_text(times['.pt2'], times['C++'])} |"
                f" {ratio_text(times['TorchScript'], times['.pt2'])} |"
            )
            print(rows[-1], flush=True)
    return rows


def memory_rows(folder: Path, _: int) -> list[str]:
    """The most memory that a pass takes."""
    rows = [
        "| peak memory of a pass, kB, batch | .pt2 | TorchScript | C++ | .pt2 / C++ |",
        "|---|---|---|---|---|",
    ]
    for name in NETWORKS:
        for batch in BATCHES:
            sizes = commands(folder, name, batch)["C++"][-2:]
            command = [str(folder / "model_memory"), name, str(folder), *sizes]
            exported, scripted, eager = map(int, output(command).split())
            rows.append(
                f"| {name}, {batch} | {exported / 1e3:.1f} | {scripted / 1e3:.1f} |"
                f" {eager / 1e3:.1f} | {exported / eager:.3f} |"
            )
            print(rows[-1], flush=True)
    return rows


def load_rows(folder: Path, blocks: int) -> list[str]:
    """Milliseconds to load a file of a megabyte."""
    rows = ["| load 1 MB, ms | first | further |", "|---|---|---|"]
    times: dict[str, list[list[float]]] = {"pt2": [], "pt": []}
    for _ in range(blocks):
        for kind, found in times.items():
            command = [str(folder / "model_load"), str(folder / f"megabyte.{kind}"), "20"]
            found.append([float(number) for number in output(command).split()])
    for kind, found in times.items():
        quartiles = (statistics.quantiles(one, n=4) for one in zip(*found))
        cells = (f"{two:.2f} ({one:.2f} to {three:.2f})" for one, two, three in quartiles)
        rows.append(f"| .{kind} | {' | '.join(cells)} |")
        print(rows[-1], flush=True)
    return rows


TABLES: dict[str, Callable[[Path, int], list[str]]] = {
    "instructions": instruction_rows,
    "times": time_rows,
    "memory": memory_rows,
    "load": load_rows,
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="folder of the built programs")
    parser.add_argument("--blocks", type=int, default=7, help="timings of each program")
    parser.add_argument("--threads", type=int, default=1, help="threads of each program")
    parser.add_argument("--only", choices=TABLES, help="one of the tables")
    arguments = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = str(arguments.threads)
    folder = arguments.folder.resolve()
    chosen = [arguments.only] if arguments.only else list(TABLES)
    tables = ["\n".join(TABLES[name](folder, arguments.blocks)) for name in chosen]
    (folder / "models.md").write_text("\n\n".join(tables) + "\n")


if __name__ == "__main__":
    main()
