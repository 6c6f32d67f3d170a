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
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from measure import call_times, instructions_per_call, output, ratio_text
from training_step import NETWORKS

HERE = Path(__file__).resolve().parent
OPTIMIZERS = ("SGD", "Adam")
STEPS = {"tiny": 4000, "small": 4000, "medium": 1000, "large": 150}
# From the third step on: TorchScript compiles in the first two.
COUNTED = {"tiny": (20, 120), "small": (20, 120), "medium": (5, 25), "large": (3, 5)}


def commands(folder: Path, name: str, optimizer: str) -> dict[str, list[str]]:
    """The three programs, without the number of steps."""
    inputs, _, outputs, batch = NETWORKS[name]
    arguments = [str(folder / f"{name}.pt"), optimizer, *map(str, (batch, inputs, outputs))]
    script = str(HERE / "training_step.py")
    return {
        "Fortran": [str(folder / "training_step"), *arguments],
        "trainer": [str(folder / "training_step"), *arguments, "trainer"],
        "compiled": [str(folder / "training_step"), *arguments, str(folder / f"{name}.step.pt2")],
        "C++": [str(folder / "training_step_cpp"), *arguments],
        "compiled, C++": [
            str(folder / "training_step_cpp"),
            *arguments,
            str(folder / f"{name}.step.pt2"),
        ],
        "Python": [sys.executable, script, *arguments],
    }


def compile_step(folder: Path, name: str) -> None:
    """Export the compiled training step of a network."""
    inputs, hidden, outputs, _ = NETWORKS[name]
    command = [
        sys.executable, "-m", "ftorch_tools.export", f"{HERE / 'training_step.py'}:network",
        *(f"--arg={one}" for one in (inputs, hidden, outputs)),
        "--input", f"batch=dynamic,{inputs}", "--train-step", "mse", "--no-library",
        "--output", str(folder / f"{name}.step.pt2"),
    ]  # fmt: skip
    subprocess.run(command, check=True)


def check_agreement(programs: dict[str, list[str]]) -> None:
    """Ends the run when the losses after ten steps differ."""
    losses = {name: float(output([*command, "10"])) for name, command in programs.items()}
    if max(losses.values()) - min(losses.values()) > 1e-5 * max(losses.values()):
        raise SystemExit(f"the programs disagree: {losses}")


INSTRUCTIONS = ("Fortran", "trainer", "compiled", "C++", "compiled, C++")
TIMES = (*INSTRUCTIONS, "Python")
RATIOS = (
    ("Fortran", "C++"),
    ("compiled", "compiled, C++"),
    ("compiled", "Fortran"),
    ("Fortran", "Python"),
)


def head(first: str, columns: Sequence[str], ratios: Sequence[tuple[str, str]]) -> list[str]:
    """The first two lines of a table."""
    titles = (first, *columns, *(f"{one} / {other}" for one, other in ratios))
    return [f"| {' | '.join(titles)} |", "|---" * len(titles) + "|"]


def instruction_row(programs: dict[str, list[str]], name: str, optimizer: str) -> str:
    """Instructions of a step."""
    counts = {
        one: instructions_per_call(*programs[one], calls=COUNTED[name]) for one in INSTRUCTIONS
    }
    cells = [f"{count:.0f}" for count in counts.values()]
    cells += [f"{counts[one] / counts[other]:.3f}" for one, other in RATIOS if other in counts]
    return f"| {name}, {optimizer} | {' | '.join(cells)} |"


def time_row(programs: dict[str, list[str]], name: str, optimizer: str, blocks: int) -> str:
    """Microseconds of a step."""
    times = call_times(programs, STEPS[name], STEPS[name] // 10, blocks)
    cells = [f"{1e6 * statistics.median(times[one]):.1f}" for one in TIMES]
    cells += [ratio_text(times[one], times[other]) for one, other in RATIOS]
    return f"| {name}, {optimizer} | {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="folder of the built programs")
    parser.add_argument("--blocks", type=int, default=7, help="timings of each program")
    parser.add_argument("--threads", type=int, default=1, help="threads of each program")
    arguments = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = str(arguments.threads)
    folder = arguments.folder.resolve()
    tables = [
        head("instructions of a step", INSTRUCTIONS, RATIOS[:3]),
        head("µs of a step", TIMES, RATIOS),
    ]
    for name in NETWORKS:
        compile_step(folder, name)
        for optimizer in OPTIMIZERS:
            programs = commands(folder, name, optimizer)
            check_agreement(programs)
            tables[0].append(instruction_row(programs, name, optimizer))
            tables[1].append(time_row(programs, name, optimizer, arguments.blocks))
            print(tables[0][-1], tables[1][-1], sep="\n", flush=True)
    (folder / "training.md").write_text("\n\n".join("\n".join(rows) for rows in tables) + "\n")


if __name__ == "__main__":
    main()
