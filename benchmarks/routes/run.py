# SPDX-License-Identifier: MIT
"""One network by every route; writes `routes.md` and `routes.svg`.

`python benchmarks/routes/run.py build/benchmarks/routes` needs valgrind for instructions
(callgrind, one thread) and ftorch-export, which it gives the network. The environment variable
FTORCH_PEER names an installed library of the same interface, which takes part. Wall times of the
programs alternate; ratios come with their quartiles, because machines are noisy.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from measure import call_times, instructions_per_call, output, ratio_text

HERE = Path(__file__).resolve().parent
FORMATS = {"torchscript": "network.pt", "export": "network.pt2", "aoti": "network.aoti.pt2"}
BATCHES = {1: 20000, 64: 4000, 1024: 300}
COUNTED = (200, 1200)
REFERENCE = "TorchScript, C++"

Commands = Mapping[str, list[str]]


def export(folder: Path, library: Path) -> None:
    """The network in every format."""
    for kind, file in FORMATS.items():
        command = [
            sys.executable, "-m", "ftorch_tools.export", f"{HERE / 'network.py'}:network",
            "--input", "batch=dynamic,8", "--format", kind, "--library", str(library),
            "--output", str(folder / file),
        ]  # fmt: skip
        subprocess.run(command, check=True)


def peer_program(folder: Path, peer: Path) -> Path:
    """The program of established names, built with another library."""
    program = folder / "peer"
    modules = folder / "peer_modules"
    modules.mkdir(exist_ok=True)
    libraries = [one for one in (peer / "lib", peer / "lib64") if one.is_dir()]
    subprocess.run(
        [
            os.environ.get("FC", "gfortran"), "-O3",
            f"-J{modules}", f"-I{peer / 'include/ftorch'}",
            str(HERE / "routes.f90"), str(HERE / "established.f90"), "-o", str(program),
            *(f"-L{one}" for one in libraries), *(f"-Wl,-rpath,{one}" for one in libraries),
            "-lftorch",
        ],
        check=True,
    )  # fmt: skip
    return program


def routes(folder: Path, batch: int) -> dict[str, list[str]]:
    """The programs, without the number of calls."""

    def model(kind: str) -> str:
        return str(folder / FORMATS[kind])

    fortran = {"AOTInductor": "aoti", "exported program": "export", "TorchScript": "torchscript"}
    programs = {"loops in Fortran": [str(folder / "loops"), model("torchscript")]}
    for title, kind in fortran.items():
        for how in ("session", "forward"):
            programs[f"{title}, {how}"] = [str(folder / "passes"), how, model(kind)]
    established = "TorchScript, established names"
    programs[established] = [str(folder / "established"), model("torchscript")]
    for title, kind in (("AOTInductor", "aoti"), ("TorchScript", "torchscript")):
        programs[f"{title}, C++"] = [str(folder / "routes_cpp"), kind, model(kind)]
    programs["eager, Python"] = [sys.executable, str(HERE / "eager.py")]
    if "FTORCH_PEER" in os.environ:
        peer = peer_program(folder, Path(os.environ["FTORCH_PEER"]).resolve())
        programs[f"{established}, FTORCH_PEER"] = [str(peer), model("torchscript")]
    return {title: [*command, str(batch)] for title, command in programs.items()}


def check_agreement(programs: Commands) -> None:
    """Ends the run when sums or sums of squares of the results differ."""
    found = {title: output([*command, "3"]).split() for title, command in programs.items()}
    for one, other in zip(zip(*found.values()), found[REFERENCE]):
        for number in map(float, one):
            if not math.isclose(number, float(other), rel_tol=1e-4, abs_tol=1e-4):
                raise SystemExit(f"the programs disagree: {found}")


def instruction_rows(programs: Commands) -> list[str]:
    """Instructions of a pass at batch 1; those of the interpreter of Python do not count."""
    counts = {
        title: instructions_per_call(*command, calls=COUNTED)
        for title, command in programs.items()
        if command[0] != sys.executable
    }
    rows = [f"| one pass, batch 1 | instructions | / {REFERENCE} |", "|---|---|---|"]
    for title, count in counts.items():
        rows.append(f"| {title} | {count:.0f} | {count / counts[REFERENCE]:.3f} |")
    return rows


def time_rows(folder: Path, blocks: int) -> tuple[list[str], dict[str, list[float]]]:
    """Microseconds of a pass, and the medians by route."""
    cells: dict[str, list[str]] = {}
    medians: dict[str, list[float]] = {}
    for batch, calls in BATCHES.items():
        programs = routes(folder, batch)
        check_agreement(programs)
        times = call_times(programs, calls, calls // 20, blocks)
        for title, found in times.items():
            medians.setdefault(title, []).append(1e6 * statistics.median(found))
            cells.setdefault(title, []).append(
                f"{medians[title][-1]:.2f} | {ratio_text(found, times[REFERENCE])}"
            )
    rows = [
        "|" + "".join(f" | batch {batch}, µs | / {REFERENCE}" for batch in BATCHES) + " |",
        "|---" * (1 + 2 * len(BATCHES)) + "|",
    ]
    rows += [f"| {title} | {' | '.join(of_batches)} |" for title, of_batches in cells.items()]
    return rows, medians


def plot(medians: Mapping[str, list[float]], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4.5))
    for title, found in medians.items():
        per_sample = [time / batch for time, batch in zip(found, BATCHES)]
        axes.loglog(list(BATCHES), per_sample, marker="o", label=title)
    axes.set_xlabel("samples in a batch")
    axes.set_ylabel("µs for each sample")
    axes.legend(fontsize="small")
    figure.tight_layout()
    figure.savefig(path)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="folder of the built programs")
    parser.add_argument("--blocks", type=int, default=7, help="timings of each program")
    arguments = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    folder = arguments.folder.resolve()
    export(folder, next(folder.parents[1].glob("libftorch.so")))
    programs = routes(folder, 1)
    check_agreement(programs)
    tables = [instruction_rows(programs)]
    print("\n".join(tables[0]), flush=True)
    rows, medians = time_rows(folder, arguments.blocks)
    tables.append(rows)
    print("\n".join(rows))
    plot(medians, folder / "routes.svg")
    (folder / "routes.md").write_text("\n\n".join("\n".join(rows) for rows in tables) + "\n")


if __name__ == "__main__":
    main()
