# SPDX-License-Identifier: MIT
"""What may fail, and the exit status that says so."""

from __future__ import annotations

from typing import Any

from ftorch_tools.errors import InfrastructureError

FAILED = 1
"""Exit status: the model cannot be written, or a reader computes something else."""


class ExportError(Exception):
    """A model cannot be made, written or read, or computes something else than it should."""


def first_line(error: BaseException) -> str:
    """Return what an error says before its traceback."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def import_torch() -> Any:
    """Return PyTorch; raise `InfrastructureError` where this Python has none."""
    try:
        import torch
    except ImportError as error:
        message = f"PyTorch cannot be imported ({error}): install it for {_python()}"
        raise InfrastructureError(message) from None
    return torch


def _python() -> str:
    import sys

    return sys.executable
