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
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from measure import call_times, instructions_per_call, output, ratio_text
from training_step import NETWORKS

OPTIMIZERS = ("SGD", "Adam")
STEPS = {"small": 4000, "medium": 1000, "large": 150}
# From the third step on: TorchScript compiles in the first two.
COUNTED = {"small": (20, 120), "medium": (5, 25), "large": (3, 5)}


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


def counted(programs: dict[str, list[str]], name: str) -> list[float]:
    """Instructions of a step, of Fortran written out, with a trainer, and of C++."""
    return [
        instructions_per_call(*programs[one], calls=COUNTED[name])
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
            steps = STEPS[name]
            times = call_times(programs, steps, steps // 10, arguments.blocks)
            medians = {
                one: f"{1e6 * statistics.median(found):.1f}" for one, found in times.items()
            }
            rows.append(
                f"| {name}, {optimizer} | {ours:.0f} | {theirs:.0f} | {ours / theirs:.3f} |"
                f" {trainer / ours:.3f} |"
                f" {medians['Fortran']} | {medians['trainer']} | {medians['C++']} |"
                f" {medians['Python']} |"
                f" {ratio_text(times['Fortran'], times['C++'])} |"
                f" {ratio_text(times['Fortran'], times['Python'])} |"
            )
            print(rows[-1], flush=True)
    (arguments.folder / "training.md").write_text("\n".join(rows) + "\n")


if __name__ == "__main__":
    main()
