# SPDX-License-Identifier: MIT
"""Calls from Fortran beside C++ at its tightest; writes `table.md`.

`python benchmarks/calls/run.py build/benchmarks [CASE ...]` needs valgrind for the instructions of
small cases. Large ones are timed, the programs in turn.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))
from measure import call_times, instructions_per_call, output, ratio_text

COUNTED = {
    "forward": "forward, batch 1, persistent tensors",
    "wrapping": "forward, batch 1, wrapping each call",
    "session": "session%run, batch 1",
    "rebinding": "session%rebind of input and output, and run",
    "wrap1": "torch_tensor_from_array + torch_delete, rank 1",
    "wrap4": "torch_tensor_from_array + torch_delete, rank 4",
    "mul16": "call torch_tensor_mul(d, x, y), attached, n = 16",
    "own16": "d = x*y + z, d has memory of its own, n = 16",
    "attached16": "d = x*y + z, d has an array, n = 16",
}
TIMED = {
    "mul100000": ("call torch_tensor_mul(d, x, y), attached, n = 10⁵", 3000),
    "mul10000000": ("call torch_tensor_mul(d, x, y), attached, n = 10⁷", 20),
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="folder of the built benchmarks")
    parser.add_argument("cases", nargs="*", default=[*COUNTED, *TIMED])
    parser.add_argument("--model", default="network.pt", help="file in that folder")
    arguments = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    folder = arguments.folder.resolve()
    rows = ["| | Fortran | C++ | ratio |", "|---|---|---|---|"]
    for case in arguments.cases:
        programs = {
            name: [folder / "calls" / name, case, folder / arguments.model]
            for name in ("calls", "calls_cpp")
        }
        results = {output([*command, "3"]).split()[-1] for command in programs.values()}
        if len({float(one) for one in results}) > 1:
            raise SystemExit(f"the programs disagree in {case}: {results}")
        if case in COUNTED:
            ours, theirs = (instructions_per_call(*command) for command in programs.values())
            rows.append(f"| {COUNTED[case]} | {ours:.0f} | {theirs:.0f} | {ours / theirs:.3f} |")
        else:
            title, calls = TIMED[case]
            times = call_times(programs, calls, 1, 7)
            medians = [sorted(times[name])[3] * 1e6 for name in programs]
            rows.append(
                f"| {title}, µs | {medians[0]:.1f} | {medians[1]:.1f} |"
                f" {ratio_text(times['calls'], times['calls_cpp'])} |"
            )
        print(rows[-1], flush=True)
    (folder / "calls" / "table.md").write_text("\n".join(rows) + "\n")


if __name__ == "__main__":
    main()
