# SPDX-License-Identifier: MIT
"""Wall time of the README's program by OMP_NUM_THREADS while all cores are busy.

`python benchmarks/threads.py build` prints a table. A ratio near 1 means that small tensors stay
on one thread.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

THREADS = (1, 2, 4)


def wall_time(program: Path, threads: int) -> float:
    """Seconds of one run, in the folder of network.pt."""
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    begin = time.perf_counter()
    subprocess.run([program], cwd=program.parent, env=environment, check=True, capture_output=True)
    return time.perf_counter() - begin


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("build", type=Path, help="build folder with the documentation's programs")
    parser.add_argument("--runs", type=int, default=9, help="runs of each number of threads")
    arguments = parser.parse_args()
    program = arguments.build.resolve() / "docs" / "programs" / "readme"
    network = Path(__file__).resolve().parents[1] / "docs" / "programs" / "network.py"
    subprocess.run([sys.executable, "-W", "ignore", network], cwd=program.parent, check=True)

    loads = [
        subprocess.Popen([sys.executable, "-c", "while True: pass"])
        for _ in range(os.cpu_count() or 1)
    ]
    try:
        times: dict[int, list[float]] = {threads: [] for threads in THREADS}
        for _ in range(arguments.runs):
            for threads in THREADS:
                times[threads].append(wall_time(program, threads))
    finally:
        for load in loads:
            load.kill()
            load.wait()
    print("| threads | median wall time (s) | ratio to one thread |\n|---|---|---|")
    one = statistics.median(times[1])
    for threads in THREADS:
        median = statistics.median(times[threads])
        print(f"| {threads} | {median:.2f} | {median / one:.2f} |")


if __name__ == "__main__":
    main()
