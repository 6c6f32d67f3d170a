# SPDX-License-Identifier: MIT
"""`ftorch-export SOURCE`: writes a model and reads it back."""

import sys
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from ftorch_tools.errors import UsageError
from ftorch_tools.export.aoti import AUTO, FROZEN, PLAIN, Compilation, check_march
from ftorch_tools.export.commands.differences import run
from ftorch_tools.export.library import Library, find_library
from ftorch_tools.export.output import check_output
from ftorch_tools.export.products import LIBRARY, LOOPS
from ftorch_tools.export.request import (
    AOTI,
    EXPORT,
    TORCHSCRIPT,
    Request,
    check_device,
    check_dtype,
    parse_metadata,
)
from ftorch_tools.export.samples import Samples, read_samples
from ftorch_tools.export.sizes import FORM, Sizes
from ftorch_tools.export.source import load_model
from ftorch_tools.export.train_step import TrainStepRequest, find_loss
from ftorch_tools.program import print_version


class Format(str, Enum):
    """What is written."""

    EXPORT = EXPORT
    AOTI = AOTI
    TORCHSCRIPT = TORCHSCRIPT


class Variant(str, Enum):
    """How a package is compiled."""

    AUTO = AUTO
    PLAIN = PLAIN
    FROZEN = FROZEN


class Products(str, Enum):
    """Who computes products of matrices in a training step."""

    LIBRARY = LIBRARY
    LOOPS = LOOPS


def _print_version(wanted: bool) -> None:
    if wanted:
        print_version("ftorch-export")
        raise typer.Exit


def export_model(
    source: Annotated[
        str,
        typer.Argument(help="module:Class, file.py:Class, or a file with a pickled network."),
    ],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="By default, named like the class."),
    ] = None,
    arg: Annotated[
        list[str] | None,
        typer.Option(
            metavar="VALUE",
            help="An argument of the class, or name=VALUE; may be given again.",
        ),
    ] = None,
    weights: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A state dictionary, of torch.save or safetensors."),
    ] = None,
    input: Annotated[
        list[str] | None,
        typer.Option(metavar="SIZES", help=f"One for each argument of forward: {FORM}."),
    ] = None,
    samples: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Arguments of forward, an .npz or .pt file."),
    ] = None,
    format: Annotated[Format, typer.Option(help="What is written.")] = Format.EXPORT,
    variant: Annotated[
        Variant | None,
        typer.Option(
            help="Of --format aoti: weights that can be replaced, or fixed ones; by default the "
            "faster."
        ),
    ] = None,
    march: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Of --format aoti: the least processor, by default x86-64-v3 or armv8-a.",
        ),
    ] = None,
    train_step: Annotated[
        str | None,
        typer.Option(
            metavar="LOSS",
            help="Compile loss and gradients: mse, cross_entropy and so on, or file.py:function.",
        ),
    ] = None,
    target: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SIZES",
            help="Of --train-step: one for each target; by default what the network returns.",
        ),
    ] = None,
    products: Annotated[
        Products,
        typer.Option(
            help="Of --train-step: by a matrix library, or in loops, for few samples of a small "
            "network."
        ),
    ] = Products.LIBRARY,
    trace: Annotated[
        bool, typer.Option("--trace", help="TorchScript by torch.jit.trace, not by script.")
    ] = False,
    metadata: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE",
            help="Kept in the file, and read by torch_model_metadata; may be given again.",
        ),
    ] = None,
    dtype: Annotated[
        str | None, typer.Option(help="Of weights and samples, such as float64.")
    ] = None,
    device: Annotated[str, typer.Option(help="Where the network is exported.")] = "cpu",
    train: Annotated[bool, typer.Option("--train", help="In training mode.")] = False,
    tolerance: Annotated[
        float | None,
        typer.Option(
            min=0.0, help="Largest relative difference; by default 1e-5, 1e-12 for float64."
        ),
    ] = None,
    prefix: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Where the FTorch is installed that reads the file."),
    ] = None,
    library: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The library itself.")
    ] = None,
    no_library: Annotated[
        bool, typer.Option("--no-library", help="Check the file by Python alone.")
    ] = False,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Write a model of PyTorch for Fortran programs, and check the file by reading it back."""
    check_dtype(dtype)
    check_device(device)
    if trace and format is not Format.TORCHSCRIPT:
        raise UsageError("--trace goes with --format torchscript")
    if train_step is not None:
        format, variant = Format.AOTI, variant or Variant.PLAIN
    elif target or products is not Products.LIBRARY:
        raise UsageError("--target and --products go with --train-step")
    output = output or _default_output(source, format, "_step" if train_step else "")
    is_training = train or train_step is not None
    compilation = _compilation(format, variant, march, is_training, device, output)
    check_output(
        output, [Path(source.rpartition(":")[0] or source), Path(source), weights, samples]
    )
    sizes = Sizes()
    specs = [sizes.parse(text) for text in input or []]
    own_samples = Samples(sizes, specs, None, dtype, device)
    if train_step is not None:
        targets = [sizes.parse(text) for text in target or []]
        step = TrainStepRequest(
            load_model(source, arg or [], weights),
            output,
            find_loss(train_step),
            own_samples,
            Samples(sizes, targets, None, dtype, device) if targets else None,
            parse_metadata(metadata or []),
            compilation,
            tolerance,
            products.value,
        )
        if samples is not None:
            own_samples.read = read_samples(samples, step.model)
        return run(step)
    request = Request(
        load_model(source, arg or [], weights),
        output,
        format.value,
        own_samples,
        parse_metadata(metadata or []),
        trace,
        train,
        tolerance,
        compilation=compilation,
    )
    if samples is not None:
        request.samples.read = read_samples(samples, request.model)
    request.library = _library(library, prefix, no_library, device)
    run(request)


def _default_output(source: str, format: Format, ending: str) -> Path:
    name = source.rpartition(":")[2].lower() if ":" in source else Path(source).stem
    return Path(f"{name}{ending}{'.pt' if format is Format.TORCHSCRIPT else '.pt2'}")


def _compilation(
    format: Format,
    variant: Variant | None,
    march: str | None,
    is_training: bool,
    device: str,
    output: Path,
) -> Compilation:
    if format is not Format.AOTI:
        if variant is not None or march is not None:
            raise UsageError("--variant and --march go with --format aoti")
        return Compilation()
    check_march(march)
    if device != "cpu":
        raise UsageError("--format aoti compiles for --device cpu alone")
    if is_training and variant is Variant.FROZEN:
        raise UsageError("--variant frozen has fixed weights, which do not go with --train")
    if output.suffix != ".pt2":
        raise UsageError(f"--output {output}: the name of a package ends in .pt2")
    return Compilation((variant or Variant.AUTO).value, march, is_training)


def _library(
    library: Path | None, prefix: Path | None, is_unwanted: bool, device: str
) -> Library | None:
    if is_unwanted:
        if library is not None or prefix is not None:
            raise UsageError("--no-library goes with neither --library nor --prefix")
        return None
    if device != "cpu" and library is None and prefix is None:
        print("ftorch-export: note: FTorch reads files on the host alone here", file=sys.stderr)
        return None
    return find_library(library, prefix)
