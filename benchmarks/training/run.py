# SPDX-License-Identifier: MIT
"""Steps of training from Fortran, C++ and Python, side by side; writes `training.md`.

`python benchmarks/training/run.py build/benchmarks/training` needs valgrind for instructions of
Fortran and C++ (callgrind, one thread). Wall times alternate between the three programs; ratios
come with their quartiles, because machines are noisy.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from run import instructions, output
from training_step import NETWORKS

OPTIMIZERS = ("SGD", "Adam")
STEPS = {"small": 4000, "medium": 1000, "large": 60}
COUNTED = {"small": (20, 120), "medium": (5, 25), "large": (1, 3)}


def commands(folder: Path, name: str, optimizer: str) -> dict[str, list[str]]:
    """The three programs, without the number of steps."""
    inputs, _, outputs, batch = NETWORKS[name]
    arguments = [str(folder / f"{name}.pt"), optimizer, *map(str, (batch, inputs, outputs))]
    script = str(Path(__file__).with_name("training_step.py"))
    return {
        "Fortran": [str(folder / "training_step"), *arguments],
        "trainer": [str(folder / "training_step"), *arguments, "trainer"],
        "C++": [str(folder / "training_step_cpp"), *arguments],
        "Python": [sys.executable, script, *arguments],
    }


def check_agreement(programs: dict[str, list[str]]) -> None:
    """Ends the run when the losses after ten steps differ."""
    losses = {name: float(output([*command, "10"])) for name, command in programs.items()}
    if max(losses.values()) - min(losses.values()) > 1e-5 * max(losses.values()):
        raise SystemExit(f"the programs disagree: {losses}")


def seconds(command: list[str], steps: int) -> float:
    """Wall time of a run."""
    begin = time.perf_counter()
    output([*command, str(steps)])
    return time.perf_counter() - begin


def step_times(programs: dict[str, list[str]], steps: int, blocks: int) -> dict[str, list[float]]:
    """Microseconds of a step, one figure a block, the programs in turn."""
    times: dict[str, list[float]] = {name: [] for name in programs}
    for _ in range(blocks):
        for name, command in programs.items():
            short = seconds(command, steps // 10)
            times[name].append((seconds(command, steps + steps // 10) - short) / steps * 1e6)
    return times


def ratio(times: dict[str, list[float]], other: str) -> str:
    """The median of Fortran over another program, and its quartiles."""
    quartiles = statistics.quantiles(
        [ours / theirs for ours, theirs in zip(times["Fortran"], times[other])], n=4
    )
    return f"{quartiles[1]:.2f} ({quartiles[0]:.2f} to {quartiles[2]:.2f})"


def counted(programs: dict[str, list[str]], name: str) -> list[float]:
    """Instructions of a step, of Fortran written out, with a trainer, and of C++."""
    short, long = COUNTED[name]
    return [
        (instructions([*programs[one], str(long)]) - instructions([*programs[one], str(short)]))
        / (long - short)
        for one in ("Fortran", "trainer", "C++")
    ]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="folder of the built programs")
    parser.add_argument("--blocks", type=int, default=7, help="timings of each program")
    parser.add_argument("--threads", type=int, default=1, help="threads of each program")
    arguments = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = str(arguments.threads)
    rows = [
        "| network, optimizer | instructions Fortran | C++ | ratio | trainer / Fortran |"
        " µs Fortran | trainer | C++ | Python | Fortran / C++ | Fortran / Python |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name in NETWORKS:
        for optimizer in OPTIMIZERS:
            programs = commands(arguments.folder.resolve(), name, optimizer)
            check_agreement(programs)
            ours, trainer, theirs = counted(programs, name)
            times = step_times(programs, STEPS[name], arguments.blocks)
            medians = {one: f"{statistics.median(found):.1f}" for one, found in times.items()}
            rows.append(
                f"| {name}, {optimizer} | {ours:.0f} | {theirs:.0f} | {ours / theirs:.3f} |"
                f" {trainer / ours:.3f} |"
                f" {medians['Fortran']} | {medians['trainer']} | {medians['C++']} |"
                f" {medians['Python']} |"
                f" {ratio(times, 'C++')} | {ratio(times, 'Python')} |"
            )
            print(rows[-1], flush=True)
    (arguments.folder / "training.md").write_text("\n".join(rows) + "\n")


if __name__ == "__main__":
    main()
