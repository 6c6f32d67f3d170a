# SPDX-License-Identifier: MIT
"""Runs the benchmark programs of a build folder side by side; writes `table.md` and `forward.png`.

`python benchmarks/run.py build/benchmarks` needs valgrind. Instructions are those of callgrind.
Wall times alternate between the two programs; their ratio comes with its spread because machines
are noisy.
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path

from measure import call_times, instructions_per_call, output, ratio_quartiles

PROGRAMS = {"Fortran": "forward", "C++": "forward_cpp"}
STEP_PROGRAMS = {"Fortran": "optimizer_step", "C++": "optimizer_step_cpp"}
STEPS = [(optimizer, size) for optimizer in ("SGD", "Adam", "AdamW") for size in (6, 100)]


def step_rows(folder: Path) -> list[str]:
    """Instructions of a step beside those of the kernel alone."""
    rows = [
        "| one step, small parameters | Fortran | kernel alone, C++ | ratio |",
        "|---|---|---|---|",
    ]
    for optimizer, size in STEPS:
        commands = {name: [folder / file, optimizer, size] for name, file in STEP_PROGRAMS.items()}
        totals = {name: output([*command, "3"]) for name, command in commands.items()}
        if len({total.lower() for total in totals.values()}) > 1:
            raise SystemExit(f"the programs disagree: {totals}")
        ours, kernel = (instructions_per_call(*command) for command in commands.values())
        rows.append(
            f"| instructions, {optimizer}, {size} parameters | {ours:.0f} | {kernel:.0f} |"
            f" {ours / kernel:.3f} |"
        )
    return rows


def plot(ratios: list[float], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(6, 2))
    axes.boxplot(ratios, orientation="horizontal")
    axes.axvline(1.0, linestyle=":")
    axes.set_xlabel("wall time of one forward, Fortran / C++")
    axes.set_yticks([])
    figure.tight_layout()
    figure.savefig(path, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="folder of the built programs")
    parser.add_argument(
        "--blocks", type=int, default=11, help="interleaved timings of each program"
    )
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    model = folder / "network.pt"
    programs = {name: folder / file for name, file in PROGRAMS.items()}

    results = {
        name: [float(number) for number in output([program, model, "3"]).split()]
        for name, program in programs.items()
    }
    if results["Fortran"] != results["C++"]:
        raise SystemExit(f"the programs disagree: {results}")

    counted = {name: instructions_per_call(program, model) for name, program in programs.items()}
    timed = call_times(
        {name: [program, model] for name, program in programs.items()},
        20000,
        100,
        arguments.blocks,
    )
    ratios = [fortran / cpp for fortran, cpp in zip(timed["Fortran"], timed["C++"])]
    microseconds = {name: 1e6 * statistics.median(times) for name, times in timed.items()}
    quartiles = ratio_quartiles(timed["Fortran"], timed["C++"])
    table = [
        "| tiny network 8-32-32-4, batch 1 | Fortran | C++ | ratio |",
        "|---|---|---|---|",
        f"| instructions per forward | {counted['Fortran']:.0f} | {counted['C++']:.0f} |"
        f" {counted['Fortran'] / counted['C++']:.3f} |",
        f"| wall time per forward (µs, median of {arguments.blocks}) |"
        f" {microseconds['Fortran']:.2f} | {microseconds['C++']:.2f} |"
        f" {quartiles[1]:.3f} (quartiles {quartiles[0]:.3f} to {quartiles[2]:.3f}) |",
        "",
        *step_rows(folder),
    ]
    (folder / "table.md").write_text("\n".join(table) + "\n")
    plot(ratios, folder / "forward.png")
    print("\n".join(table))


if __name__ == "__main__":
    main()
