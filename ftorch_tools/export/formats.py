# SPDX-License-Identifier: MIT
"""Writes files of models, compiled or not, with what is said of them."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ftorch_tools.errors import InfrastructureError, UsageError
from ftorch_tools.export import aoti
from ftorch_tools.export.errors import ExportError, import_torch

METADATA = "ftorch_metadata.json"
"""The extra file, in each format, with the user's metadata: a JSON object of texts."""


def write_exported(
    model: Any,
    file: Path,
    arguments: tuple[Any, ...],
    dynamic_shapes: tuple[Any, ...] | None,
    metadata: Mapping[str, str],
) -> None:
    """Write an exported program."""
    torch = import_torch()
    with failing("torch.export"):
        program = torch.export.export(
            model, arguments, dynamic_shapes=dynamic_shapes, strict=False
        )
        extra = _extra_files(metadata)
        torch.export.save(program, file, extra_files=extra)


def write_package(
    model: Any,
    file: Path,
    arguments: tuple[Any, ...],
    dynamic_shapes: tuple[Any, ...] | None,
    metadata: Mapping[str, str],
    compilation: aoti.Compilation,
) -> str:
    """Write a package of AOTInductor; return what is to be told of it."""
    torch = import_torch()
    with failing("torch.export"):
        program = torch.export.export(
            model, aoti.dense(arguments), dynamic_shapes=dynamic_shapes, strict=False
        )
    return compile_program(program, file, compilation, metadata)


def compile_program(
    program: Any,
    file: Path,
    compilation: aoti.Compilation,
    metadata: Mapping[str, str],
    train_step: Mapping[str, Any] | None = None,
) -> str:
    """Compile a program of torch.export into a package; return what is to be told of it.

    `train_step` names what goes into a training step.
    """
    aoti.check_compiler()
    with failing("AOTInductor"):
        return aoti.write_package(program, file, compilation, _extra_files(metadata), train_step)


def specify_package(package: Path, program: Path, file: Path) -> None:
    """Copy a package to `file` with the specification of the program that it was made from."""
    torch = import_torch()
    for one in (package, program):
        if not one.is_file():
            raise UsageError(f"{one}: no such file")
    with failing(f"torch.export.load of {program}"):
        exported = torch.export.load(program)
    with failing(str(package)):
        aoti.add_specification(exported, package, file)


def write_torchscript(
    model: Any,
    file: Path,
    arguments: tuple[Any, ...] | None,
    is_traced: bool,
    metadata: Mapping[str, str],
) -> None:
    """Write a TorchScript archive."""
    torch = import_torch()
    with failing("torch.jit.trace" if is_traced else "torch.jit.script"):
        script = torch.jit.trace(model, arguments) if is_traced else torch.jit.script(model)
        extra = _extra_files(metadata)
        torch.jit.save(script, str(file), _extra_files=extra)


def read_exported(file: Path) -> Callable[..., Any]:
    """Return the procedure in an exported program."""
    torch = import_torch()
    with failing("torch.export.load"):
        module: Callable[..., Any] = torch.export.load(file).module()
        return module


def read_package(file: Path) -> Callable[..., Any]:
    """Return the procedure in a package of AOTInductor."""
    torch = import_torch()
    with failing("AOTInductor's loader"):
        module: Callable[..., Any] = torch._inductor.aoti_load_package(str(file))
        return module


def read_torchscript(file: Path) -> Callable[..., Any]:
    """Return the procedure in a TorchScript archive."""
    torch = import_torch()
    with failing("torch.jit.load"):
        module: Callable[..., Any] = torch.jit.load(file)
        return module


def _extra_files(metadata: Mapping[str, str]) -> dict[str, str]:
    if not metadata:
        return {}
    return {METADATA: json.dumps(dict(metadata), indent=1, ensure_ascii=False)}


@contextmanager
def failing(what: str) -> Iterator[None]:
    """Turn what PyTorch raises into an error that says what fails."""
    before = logging.root.manager.disable
    # What PyTorch writes of an error is in the error.
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except InfrastructureError:
        raise
    except Exception as error:
        text = str(error).partition("\nException raised from")[0].strip() or type(error).__name__
        raise ExportError(f"{what} fails: {text}") from None
    finally:
        logging.disable(before)
