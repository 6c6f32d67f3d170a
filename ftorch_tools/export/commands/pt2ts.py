# SPDX-License-Identifier: MIT
"""`ftorch-export torchscript`: the arguments of `pt2ts`, which others' Makefiles hold."""

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from ftorch_tools.errors import UsageError
from ftorch_tools.export.commands.differences import run
from ftorch_tools.export.library import find_library
from ftorch_tools.export.output import check_output
from ftorch_tools.export.request import TORCHSCRIPT, Request, check_device
from ftorch_tools.export.samples import Samples, read_samples
from ftorch_tools.export.sizes import Sizes
from ftorch_tools.export.source import load_model, read_object


class Device(str, Enum):
    """Names of devices there."""

    CPU = "cpu"
    CUDA = "cuda"
    HIP = "hip"
    XPU = "xpu"
    MPS = "mps"


def pt2ts(
    model_name: Annotated[str, typer.Argument(help="Class of the network.")],
    model_definition_file: Annotated[
        Path | None, typer.Option("--model_definition_file", help="Python file with the class.")
    ] = None,
    input_model_file: Annotated[
        Path | None,
        typer.Option("--input_model_file", help="What torch.save wrote: weights, or the network."),
    ] = None,
    output_model_file: Annotated[
        Path | None,
        typer.Option("--output_model_file", help="By default, named like the input file."),
    ] = None,
    input_tensor_file: Annotated[
        Path | None,
        typer.Option("--input_tensor_file", help="Samples, as a tensor or a tuple of tensors."),
    ] = None,
    device_type: Annotated[
        Device, typer.Option("--device_type", help="Where the network is.")
    ] = Device.CPU,
    trace: Annotated[bool, typer.Option("--trace", help="Trace, instead of script.")] = False,
    test: Annotated[
        bool, typer.Option("--test", help="Read the file back, and compare with the samples.")
    ] = False,
) -> None:
    """Write TorchScript, with the arguments of `pt2ts`; better, export without this command."""
    # PyTorch calls AMD's devices cuda.
    device = "cuda" if device_type is Device.HIP else device_type.value
    check_device(device)
    if test and input_tensor_file is None:
        raise UsageError("--test needs --input_tensor_file")
    output = output_model_file or _default_output(model_name, input_model_file, device_type)
    check_output(output, [model_definition_file, input_model_file, input_tensor_file])
    request = Request(
        _load(model_name, model_definition_file, input_model_file),
        output,
        TORCHSCRIPT,
        Samples(Sizes(), [], None, None, device),
        {},
        is_traced=trace,
    )
    if input_tensor_file is not None:
        request.samples.read = read_samples(input_tensor_file, request.model)
    if test and device == "cpu":
        request.library = find_library(None, None)
    run(request)


def _load(name: str, definition: Path | None, weights: Path | None) -> object:
    if definition is not None:
        return load_model(f"{definition}:{name}", [], weights)
    if weights is None:
        raise UsageError("give --model_definition_file, --input_model_file, or both")
    return read_object(weights)


def _default_output(name: str, weights: Path | None, device: Device) -> Path:
    if weights is None:
        return Path(f"{name.lower()}_{device.value}.pt")
    return weights.with_name(f"{weights.stem}_torchscript{weights.suffix or '.pt'}")
