# SPDX-License-Identifier: MIT
"""A model that is written to a file and read back."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ftorch_tools.errors import UsageError
from ftorch_tools.export import formats
from ftorch_tools.export.aoti import Compilation
from ftorch_tools.export.check import Check, Difference, duplicate
from ftorch_tools.export.errors import ExportError, first_line, import_torch
from ftorch_tools.export.library import Library
from ftorch_tools.export.output import drafted
from ftorch_tools.export.samples import Samples

EXPORT, TORCHSCRIPT, AOTI = "export", "torchscript", "aoti"
_READERS = {
    EXPORT: formats.read_exported,
    TORCHSCRIPT: formats.read_torchscript,
    AOTI: formats.read_package,
}
DEVICES = ("cpu", "cuda", "xpu", "mps")
"""Types of devices that numbers can be put on; PyTorch calls AMD's cuda."""


@dataclass
class Request:
    """What is written, and how it is checked."""

    model: Any
    output: Path
    format: str
    samples: Samples
    metadata: dict[str, str]
    is_traced: bool = False
    is_training: bool = False
    tolerance: float | None = None
    library: Library | None = None
    compilation: Compilation = field(default_factory=Compilation)
    note: str = ""

    def run(self) -> list[Difference]:
        """Write the file; return how far its readers are from the network.

        Raise `DifferenceError`, with no file written, where that is too far.
        """
        prepare(self.model, self.samples.dtype, self.samples.device, self.is_training)
        self.samples.check()
        first = self.samples.first() if self._has_samples else None
        with drafted(self.output) as draft:
            self._write(first, draft)
            found = [] if first is None else self._check(first, draft)
            if not all(one.is_small for one in found):
                raise DifferenceError(found)
        return found

    @property
    def _has_samples(self) -> bool:
        return self.samples.read is not None or bool(self.samples.specs)

    def _write(self, first: tuple[Any, ...] | None, file: Path) -> None:
        # A trace or an export leaves marks on some networks, and running statistics move.
        model = duplicate(self.model)
        if self.format == EXPORT:
            if first is None:
                raise UsageError("torch.export needs samples: give --input or --samples")
            shapes = self.samples.dynamic_shapes()
            formats.write_exported(model, file, first, shapes, self.metadata)
            return
        if self.format == AOTI:
            if first is None:
                raise UsageError("AOTInductor needs samples: give --input or --samples")
            self.note = formats.write_package(
                model, file, first, self.samples.dynamic_shapes(), self.metadata, self.compilation
            )
            return
        if self.is_traced and first is None:
            raise UsageError("torch.jit.trace needs samples: give --input or --samples")
        formats.write_torchscript(model, file, first, self.is_traced, self.metadata)

    def _check(self, first: tuple[Any, ...], file: Path) -> list[Difference]:
        arguments = {"samples": first}
        other = self.samples.other()
        if other is not None:
            arguments[self.samples.other_sizes_text(other)] = other
        if any(True for _ in self.model.buffers()):
            # What a pass writes to buffers is seen by the next.
            arguments["samples once more"] = first
        check = Check.of(self.model, arguments, self.tolerance)
        found = check.by_python(_READERS[self.format](file))
        if self.library is not None:
            found += check.by_library(self.library, file, self.is_training)
        return found


class DifferenceError(ExportError):
    """Readers of a file compute something else."""

    def __init__(self, differences: list[Difference]) -> None:
        super().__init__("readers of the file compute something else; it was not written")
        self.differences = differences


def prepare(model: Any, dtype: str | None, device: str, is_training: bool) -> None:
    """Bring the network to a device and dtype, and into a mode."""
    torch = import_torch()
    try:
        model.to(device)
        if dtype is not None:
            model.to(getattr(torch, dtype))
    except (RuntimeError, AssertionError, TypeError, NotImplementedError) as error:
        raise ExportError(f"the network cannot be moved: {first_line(error)}") from None
    model.train(is_training)


def check_dtype(name: str | None) -> None:
    """Fail unless PyTorch has a real or complex dtype of that name."""
    torch = import_torch()
    dtype = getattr(torch, name, None) if name else torch.float32
    if not isinstance(dtype, torch.dtype) or not (dtype.is_floating_point or dtype.is_complex):
        raise UsageError(f"--dtype {name}: expected a real dtype, such as float32 or float64")


def check_device(name: str) -> None:
    """Fail unless PyTorch knows the device."""
    torch = import_torch()
    try:
        known = torch.device(name).type in DEVICES
    except RuntimeError:
        known = False
    if not known:
        raise UsageError(f"--device {name}: expected cpu, cuda, cuda:1 and so on")


def parse_metadata(texts: list[str]) -> dict[str, str]:
    """Return texts of the form key=value."""
    found: dict[str, str] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        # Fortran's blanks around a key do not count.
        key = key.strip()
        if not equals or not key:
            raise UsageError(f"--metadata {text}: expected key=value")
        if key in found:
            raise UsageError(f"--metadata {text}: {key} was given before")
        found[key] = value
    return found
