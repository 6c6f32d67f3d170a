# SPDX-License-Identifier: MIT
"""What is printed of a check."""

from collections.abc import Sequence
from pathlib import Path

import typer

from ftorch_tools.export.check import Difference
from ftorch_tools.export.errors import FAILED


def report(file: Path, differences: Sequence[Difference]) -> None:
    """Print the largest differences; end with a status other than zero if one is too large."""
    for one in differences:
        verdict = "equal"
        if one.largest is None:
            verdict = "runs; its random numbers are others"
        elif one.largest != 0:
            verdict = f"largest relative difference {one.largest:.2g}"
        too_large = "" if one.is_small else f", past the tolerance {one.tolerance:.2g}"
        typer.echo(f"{one.reader}, {one.arguments}: {verdict}{too_large}")
    if not differences:
        typer.echo("not checked: without --input or --samples there is nothing to compare")
    typer.echo(f"{file}: written")
    if not all(one.is_small for one in differences):
        typer.echo("ftorch-export: readers of the file compute something else", err=True)
        raise typer.Exit(FAILED)
