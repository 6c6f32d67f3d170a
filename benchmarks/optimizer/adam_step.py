# SPDX-License-Identifier: MIT
"""Fails if a step of Adam on six small parameters takes 5 % more instructions than its kernel.

`python benchmarks/optimizer/adam_step.py build/benchmarks/optimizer`; without valgrind it ends
with 77.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from measure import instructions_per_call
from run import PROGRAMS

LIMIT = 1.05


def main() -> None:
    if not shutil.which("valgrind"):
        print("valgrind is not installed")
        sys.exit(77)
    folder = Path(sys.argv[1]).resolve()
    ours, kernel = (
        instructions_per_call(folder / PROGRAMS[name], "Adam", "6") for name in ("Fortran", "C++")
    )
    print(f"{ours:.0f} instructions, the kernel alone {kernel:.0f}: {ours / kernel:.3f}")
    if ours > LIMIT * kernel:
        sys.exit(f"that is more than {LIMIT}")


if __name__ == "__main__":
    main()
