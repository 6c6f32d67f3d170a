# SPDX-License-Identifier: MIT
"""Writes files of models: exported programs and TorchScript, with what is said of them."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ftorch_tools.export.errors import ExportError, import_torch

METADATA = "ftorch_metadata.json"
"""The extra file, in either format, with the user's metadata: a JSON object of texts."""


def write_exported(
    model: Any,
    file: Path,
    arguments: tuple[Any, ...],
    dynamic_shapes: tuple[Any, ...] | None,
    metadata: Mapping[str, str],
) -> None:
    """Write an exported program."""
    torch = import_torch()
    with _failing("torch.export"):
        program = torch.export.export(
            model, arguments, dynamic_shapes=dynamic_shapes, strict=False
        )
        extra = _extra_files(metadata)
        torch.export.save(program, file, extra_files=extra)


def write_torchscript(
    model: Any,
    file: Path,
    arguments: tuple[Any, ...] | None,
    is_traced: bool,
    metadata: Mapping[str, str],
) -> None:
    """Write a TorchScript archive."""
    torch = import_torch()
    with _failing("torch.jit.trace" if is_traced else "torch.jit.script"):
        script = torch.jit.trace(model, arguments) if is_traced else torch.jit.script(model)
        extra = _extra_files(metadata)
        torch.jit.save(script, str(file), _extra_files=extra)


def read_exported(file: Path) -> Callable[..., Any]:
    """Return the procedure in an exported program."""
    torch = import_torch()
    with _failing("torch.export.load"):
        module: Callable[..., Any] = torch.export.load(file).module()
        return module


def read_torchscript(file: Path) -> Callable[..., Any]:
    """Return the procedure in a TorchScript archive."""
    torch = import_torch()
    with _failing("torch.jit.load"):
        module: Callable[..., Any] = torch.jit.load(file)
        return module


def _extra_files(metadata: Mapping[str, str]) -> dict[str, str]:
    if not metadata:
        return {}
    return {METADATA: json.dumps(dict(metadata), indent=1, ensure_ascii=False)}


@contextmanager
def _failing(what: str) -> Iterator[None]:
    before = logging.root.manager.disable
    # What PyTorch writes of an error is in the error.
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except Exception as error:
        text = str(error).strip() or type(error).__name__
        raise ExportError(f"{what} fails: {text}") from None
    finally:
        logging.disable(before)
