# SPDX-License-Identifier: MIT
"""What a call can report."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Status:
    """One code: `torch_<name>` in Fortran, `ft_<name>` in C."""

    name: str
    """Name without the prefix."""
    code: int
    """Value in both languages."""
    doc: str
    """Meaning, for the reference."""


STATUSES = (
    Status(name="ok", code=0, doc="success"),
    Status(
        name="invalid_argument",
        code=1,
        doc="an argument that is empty, out of range, or not what the call can use",
    ),
    Status(name="shape_mismatch", code=2, doc="shapes that do not go together"),
    Status(name="dtype_mismatch", code=3, doc="element types that do not go together"),
    Status(
        name="device_unavailable",
        code=4,
        doc="a device that this LibTorch or this machine does not have",
    ),
    Status(name="io_error", code=5, doc="a file that cannot be read or written"),
    Status(
        name="model_error",
        code=6,
        doc="a file that is no model, or a model that fails while it runs",
    ),
    Status(name="autograd_error", code=7, doc="a derivative that does not exist"),
    Status(name="out_of_memory", code=8, doc="memory that could not be had"),
    Status(
        name="internal_error",
        code=9,
        doc="a failure inside LibTorch or FTorch that fits none of these",
    ),
)
