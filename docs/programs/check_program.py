# SPDX-License-Identifier: MIT
"""Runs a command and compares what it prints with a file.

Words must be equal; a decimal number may differ by one unit of its last digit. With
`--readme PAGE` that page must show the expected output and each `--block` file as code blocks.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

NUMBER = re.compile(r"-?\d+(\.\d+)?")


def agree(got: str, expected: str) -> bool:
    """Compare two words."""
    if got == expected:
        return True
    if not (NUMBER.fullmatch(got) and NUMBER.fullmatch(expected)):
        return False
    a, b = Decimal(got), Decimal(expected)
    unit = Decimal(1).scaleb(int(b.as_tuple().exponent))
    return "." in expected and abs(a - b) <= unit


def compare(got: str, expected: str) -> list[str]:
    """Return one complaint for each line that differs."""
    got_lines, expected_lines = got.splitlines(), expected.splitlines()
    length = max(len(got_lines), len(expected_lines))
    got_lines += [""] * (length - len(got_lines))
    expected_lines += [""] * (length - len(expected_lines))
    return [
        f"line {number}\n  printed:  {a}\n  expected: {b}"
        for number, (a, b) in enumerate(zip(got_lines, expected_lines), 1)
        if len(a.split()) != len(b.split()) or not all(map(agree, a.split(), b.split()))
    ]


def body(path: Path) -> str:
    """Return a source file without its head: licence line and first sentence."""
    lines = path.read_text(encoding="utf-8").splitlines()
    head = re.compile(r'(#|!) SPDX|!>|"""')
    while lines and (head.match(lines[0]) or not lines[0]):
        lines.pop(0)
    return "\n".join(lines)


def missing_blocks(readme: Path, files: list[Path]) -> list[str]:
    """Return one complaint for each file that is no code block of the page."""
    text = readme.read_text(encoding="utf-8")
    blocks = {block.strip("\n") for block in re.findall(r"```\w*\n(.*?)```", text, re.S)}
    missing = (path.name for path in files if body(path) not in blocks)
    return [f"{readme.name} has no block equal to {name}" for name in missing]


def main() -> int:
    """Return 0 when everything agrees."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--expected", type=Path, required=True)
    parser.add_argument("--readme", type=Path)
    parser.add_argument("--block", type=Path, action="append", default=[])
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()

    run = subprocess.run(options.command, stdout=subprocess.PIPE, text=True, check=False)
    print(run.stdout, end="")
    complaints = compare(run.stdout, options.expected.read_text(encoding="utf-8"))
    if run.returncode != 0:
        complaints.append(f"exit status {run.returncode}")
    if options.readme:
        complaints += missing_blocks(options.readme, [*options.block, options.expected])
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
