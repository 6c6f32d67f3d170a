# SPDX-License-Identifier: MIT
"""Ends a training by a signal, goes on, and compares with one that was let alone.

The second run has the network as TorchScript: what a checkpoint holds is the same in both formats.

Usage: interrupt.py PROGRAM MODEL_FILE FOLDER REFERENCE_FOLDER
"""

from __future__ import annotations

import filecmp
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import torch
from model import make_closure

TABLES = ("loss.csv", "closure.csv", "forecast.csv", "summary.csv")
INTERRUPTED = 3


def interrupt(command: list[str], number: signal.Signals) -> int:
    """Send a signal once the program is under way, and return its exit status."""
    for seconds in (0.5, 1, 2, 4, 8, 16, 32):
        process = subprocess.Popen(command)
        try:
            return process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(number)
        if (status := process.wait(timeout=60)) != -number:
            return status
    return -number  # it had not begun


def same_network(a: Path, b: Path) -> bool:
    """Compare two networks bit for bit."""
    states = [torch.export.load(path).state_dict for path in (a, b)]
    return all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def main() -> None:
    """Interrupt twice, finish, compare."""
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    program, model, folder, reference = (Path(argument) for argument in sys.argv[1:])
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    command = [str(program), str(model), str(folder)]
    scripted = folder / "closure.pt"
    torch.jit.script(make_closure()).save(str(scripted))
    for file, number in ((model, signal.SIGTERM), (scripted, signal.SIGINT)):
        status = interrupt([str(program), str(file), str(folder)], number)
        if status != INTERRUPTED:
            sys.exit(f"status {status} after {number.name}, not {INTERRUPTED}")
        if not (folder / "checkpoint.safetensors").exists():
            sys.exit(f"no checkpoint after {number.name}")
    if status := subprocess.run(command, check=False).returncode:
        sys.exit(f"status {status} of the last run")
    different = [
        name for name in TABLES if not filecmp.cmp(folder / name, reference / name, False)
    ]
    if different or not same_network(folder / "trained.pt2", reference / "trained.pt2"):
        sys.exit(f"the interrupted run differs from the other: {different or 'the network'}")
    print("the interrupted run is the other, bit for bit")


if __name__ == "__main__":
    main()
