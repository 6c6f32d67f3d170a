# SPDX-License-Identifier: MIT
"""`ftorch-export inspect FILE`: what a file of a model holds."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from ftorch_tools.export.contents import Contents, Value, is_torchscript, read_contents
from ftorch_tools.export.errors import FAILED, ExportError
from ftorch_tools.export.library import find_library
from ftorch_tools.text import one_line


def inspect_file(
    file: Annotated[Path, typer.Argument(help="A .pt2 file of torch.export.")],
    prefix: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Where the FTorch is installed that loads the file."),
    ] = None,
    library: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The library itself.")
    ] = None,
    no_library: Annotated[
        bool, typer.Option("--no-library", help="Do not load the file by FTorch.")
    ] = False,
) -> None:
    """Print inputs, results, parameters, operators and metadata of an exported program."""
    if file.is_file() and is_torchscript(file):
        raise ExportError(
            f"{file}: it is TorchScript, whose program torch.jit.load(...).code shows"
        )
    contents = read_contents(file)
    problem = None if no_library else _problem(file, library, prefix)
    for line in _lines(contents, problem, is_loaded=not no_library):
        typer.echo(one_line(line))
    if problem is not None:
        raise typer.Exit(FAILED)


def _problem(file: Path, library: Path | None, prefix: Path | None) -> str | None:
    try:
        find_library(library, prefix).run(file, [])
    except ExportError as error:
        return str(error)
    return None


def _lines(contents: Contents, problem: str | None, is_loaded: bool) -> Iterable[str]:
    yield f"exported by PyTorch {contents.torch_version}, schema {contents.schema}"
    yield from _table("inputs", contents.inputs)
    for name, sizes in contents.ranges.items():
        yield f"  where {name} is {sizes}"
    for guard in contents.guards:
        yield f"  where {guard}"
    yield from _table("results", contents.outputs)
    yield from _table(f"parameters, {contents.parameter_count} numbers", contents.parameters)
    yield from _table("buffers", contents.buffers)
    yield f"operators: {len(contents.operators)}"
    for name, count in sorted(contents.operators.items()):
        unknown = problem is not None and name.removeprefix("torch.ops.") in problem
        yield f"  {name.removeprefix('torch.ops.')} × {count}{', unknown' if unknown else ''}"
    if contents.metadata:
        yield "metadata:"
        yield from (f"  {key} = {value}" for key, value in contents.metadata.items())
    if problem is not None:
        yield f"FTorch does not load it: {problem}"
    elif is_loaded:
        yield "FTorch loads it, and knows all operators"


def _table(title: str, values: Sequence[Value]) -> Iterable[str]:
    yield f"{title}: {len(values)}" if values else f"{title}: none"
    for one in values:
        words = [one.name, one.dtype, one.shape, one.note]
        yield "  " + " ".join(word for word in words if word)
