# SPDX-License-Identifier: MIT
"""What benchmarks count and time: instructions under callgrind, wall times in turn.

Instructions and times are per call: the difference between a long and a short run, so that loading
and warming up cancel. Programs take the number of calls as their last argument.
"""

from __future__ import annotations

import re
import statistics
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

COUNTED_COPIES = "GLIBC_TUNABLES=glibc.cpu.x86_rep_movsb_threshold=1000000000"


def output(command: Sequence[str | Path]) -> str:
    """What a program prints."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def instructions(command: Sequence[str | Path]) -> int:
    """User instructions of one run on one thread; `rep movsb` would count as one."""
    with tempfile.TemporaryDirectory() as folder:
        command = [
            "env", "OMP_NUM_THREADS=1", COUNTED_COPIES,
            "valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out", *command,
        ]  # fmt: skip
        report = subprocess.run(command, check=True, capture_output=True, text=True).stderr
    found = re.search(r"Collected : (\d+)", report)
    if not found:
        raise RuntimeError(f"callgrind gave no count for {command}:\n{report}")
    return int(found.group(1))


def instructions_per_call(*command: str | Path, calls: tuple[int, int] = (100, 600)) -> float:
    """Of a command; its last argument, which is added here, is the number of calls."""
    short, long = (instructions([*command, str(number)]) for number in calls)
    return (long - short) / (calls[1] - calls[0])


def seconds(command: Sequence[str | Path], calls: int) -> float:
    """Wall time of a run."""
    begin = time.perf_counter()
    output([*command, str(calls)])
    return time.perf_counter() - begin


def call_times(
    programs: Mapping[str, Sequence[str | Path]], calls: int, short: int, blocks: int
) -> dict[str, list[float]]:
    """Seconds of a call, one figure a block, the programs in turn."""
    times: dict[str, list[float]] = {name: [] for name in programs}
    for _ in range(blocks):
        for name, command in programs.items():
            start = seconds(command, short)
            times[name].append((seconds(command, calls + short) - start) / calls)
    return times


def ratio_quartiles(times: Sequence[float], others: Sequence[float]) -> list[float]:
    """Of the ratios of two programs, block by block."""
    return statistics.quantiles([one / other for one, other in zip(times, others)], n=4)


def ratio_text(times: Sequence[float], others: Sequence[float]) -> str:
    """The median of the ratios, and their quartiles."""
    low, median, high = ratio_quartiles(times, others)
    return f"{median:.2f} ({low:.2f} to {high:.2f})"
