# SPDX-License-Identifier: MIT
"""Fails if a step of Adam on six small parameters takes 5 % more instructions than its kernel.

`python benchmarks/adam_step.py build/benchmarks`; without valgrind it ends with 77.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from measure import instructions_per_call
from run import STEP_PROGRAMS

LIMIT = 1.05


def main() -> None:
    if not shutil.which("valgrind"):
        print("valgrind is not installed")
        sys.exit(77)
    folder = Path(sys.argv[1]).resolve()
    ours, kernel = (
        instructions_per_call(folder / STEP_PROGRAMS[name], "Adam", "6")
        for name in ("Fortran", "C++")
    )
    print(f"{ours:.0f} instructions, the kernel alone {kernel:.0f}: {ours / kernel:.3f}")
    if ours > LIMIT * kernel:
        sys.exit(f"that is more than {LIMIT}")


if __name__ == "__main__":
    main()
