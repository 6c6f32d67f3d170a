# SPDX-License-Identifier: MIT
"""Runs the benchmark programs of a build folder side by side; writes `table.md` and `forward.png`.

`python benchmarks/run.py build/benchmarks` needs valgrind. Instructions are those of callgrind,
per call: the difference between a long and a short run, so that loading and warming up cancel.
Wall times alternate between the two programs; their ratio comes with its spread because machines
are noisy.
"""

from __future__ import annotations

import argparse
import re
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

PROGRAMS = {"Fortran": "forward", "C++": "forward_cpp"}
COUNTED_COPIES = "GLIBC_TUNABLES=glibc.cpu.x86_rep_movsb_threshold=1000000000"
STEP_PROGRAMS = {"Fortran": "optimizer_step", "C++": "optimizer_step_cpp"}
STEPS = [(optimizer, size) for optimizer in ("SGD", "Adam", "AdamW") for size in (6, 100)]


def output(command: list[str]) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def instructions(command: list[str]) -> int:
    """User instructions of one run on one thread; `rep movsb` would count as one."""
    with tempfile.TemporaryDirectory() as folder:
        command = [
            "env", "OMP_NUM_THREADS=1", COUNTED_COPIES,
            "valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out", *command,
        ]  # fmt: skip
        report = subprocess.run(command, check=True, capture_output=True, text=True).stderr
    found = re.search(r"Collected : (\d+)", report)
    if not found:
        raise RuntimeError(f"callgrind gave no count for {' '.join(command)}:\n{report}")
    return int(found.group(1))


def instructions_per_call(*command: str | Path) -> float:
    """Of a command; its last argument, which is added here, is the number of calls."""
    short, long = (instructions([*map(str, command), str(calls)]) for calls in (100, 600))
    return (long - short) / 500


def wall_times(
    programs: dict[str, Path], model: Path, calls: int, blocks: int
) -> dict[str, list[float]]:
    """Seconds per call, one figure a block, the programs in turn."""
    times: dict[str, list[float]] = {name: [] for name in programs}
    for _ in range(blocks):
        for name, program in programs.items():
            begin = time.perf_counter()
            output([str(program), str(model), "100"])
            middle = time.perf_counter()
            output([str(program), str(model), str(calls + 100)])
            end = time.perf_counter()
            times[name].append(((end - middle) - (middle - begin)) / calls)
    return times


def step_rows(folder: Path) -> list[str]:
    """Instructions of a step beside those of the kernel alone."""
    rows = [
        "| one step, small parameters | Fortran | kernel alone, C++ | ratio |",
        "|---|---|---|---|",
    ]
    for optimizer, size in STEPS:
        commands = {name: [folder / file, optimizer, size] for name, file in STEP_PROGRAMS.items()}
        totals = {name: output([*map(str, command), "3"]) for name, command in commands.items()}
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
        name: [float(number) for number in output([str(program), str(model), "3"]).split()]
        for name, program in programs.items()
    }
    if results["Fortran"] != results["C++"]:
        raise SystemExit(f"the programs disagree: {results}")

    counted = {name: instructions_per_call(program, model) for name, program in programs.items()}
    timed = wall_times(programs, model, 20000, arguments.blocks)
    ratios = [fortran / cpp for fortran, cpp in zip(timed["Fortran"], timed["C++"])]
    microseconds = {name: 1e6 * statistics.median(times) for name, times in timed.items()}
    quartiles = statistics.quantiles(ratios, n=4)
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
