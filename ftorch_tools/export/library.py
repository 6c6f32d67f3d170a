# SPDX-License-Identifier: MIT
"""FTorch's library, found where it is installed, as a reader of files."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ftorch_tools.command import CommandError, call
from ftorch_tools.config import library_prefix
from ftorch_tools.errors import InfrastructureError, UsageError
from ftorch_tools.export.errors import ExportError, import_torch
from ftorch_tools.export.memory import bytes_of

_NAMES = ("libftorch.so", "libftorch.dylib")
_SECONDS = 600.0
# Of c10::ScalarType, as the interface has them.
_CODES = {
    **{"uint8": 0, "int8": 1, "int16": 2, "int32": 3, "int64": 4},
    **{"float16": 5, "bfloat16": 15, "float32": 6, "float64": 7},
    **{"complex32": 8, "complex64": 9, "complex128": 10, "bool": 11},
}


@dataclass(frozen=True)
class Library:
    """A shared library of FTorch."""

    file: Path

    def run(
        self,
        model: Path,
        passes: Sequence[tuple[Sequence[Any], Sequence[Any]]],
        is_training: bool = False,
    ) -> list[list[Any]]:
        """Return results of each pass, for its inputs and for what the results are like.

        It runs in a process of its own, whose LibTorch is that of the library.
        """
        with tempfile.TemporaryDirectory(prefix="ftorch-export-") as name:
            folder = Path(name)
            request = {
                "library": str(self.file),
                "file": str(model.resolve()),
                "is_training": is_training,
                "passes": [
                    {
                        "inputs": [_spec(one) for one in inputs],
                        "outputs": [_spec(one) for one in like],
                    }
                    for inputs, like in passes
                ],
            }
            (folder / "request.json").write_text(json.dumps(request))
            data = b"".join(_content(one) for inputs, _ in passes for one in inputs)
            (folder / "data.bin").write_bytes(data)
            self._call(folder)
            contents = memoryview((folder / "results.bin").read_bytes())
        results: list[list[Any]] = []
        for _, like in passes:
            results.append([])
            for one in like:
                size = one.numel() * one.element_size()
                results[-1].append(_tensor(contents[:size], one))
                contents = contents[size:]
        return results

    def _call(self, folder: Path) -> None:
        program = Path(__file__).with_name("reader.py")
        try:
            answer = call(sys.executable, program, folder, timeout=_SECONDS)
        except CommandError as error:
            raise InfrastructureError(str(error)) from None
        if answer.code < 0:
            raise ExportError(f"{self.file}: the library ended with signal {-answer.code}")
        if answer.code != 0:
            raise ExportError(f"{self.file}: {answer.err.strip() or answer.message}")


def find_library(library: Path | None, prefix: Path | None) -> Library:
    """Return the library named, that of `prefix`, or else that of this Python or of PATH."""
    if library is not None:
        if not library.is_file():
            raise UsageError(f"--library {library}: no such file")
        return Library(library.resolve())
    if prefix is not None:
        found = _in_prefix(prefix)
        if found is None:
            raise UsageError(f"--prefix {prefix}: no library of FTorch is installed there")
        return Library(found)
    for candidate in _prefixes():
        found = _in_prefix(candidate)
        if found is not None:
            return Library(found)
    raise UsageError(
        "no library of FTorch is in sight to check the file by: name its --prefix or --library, "
        "put its ftorch-config on PATH, or leave the check to Python by --no-library"
    )


def _prefixes() -> list[Path]:
    found = [library_prefix()]
    program = shutil.which("ftorch-config")
    if program is not None:
        with suppress(CommandError):
            found.append(Path(call(program, "--prefix", timeout=10).out.strip() or os.devnull))
    return found


def _in_prefix(prefix: Path) -> Path | None:
    for folder in (*sorted(prefix.glob("lib*")), *sorted(prefix.glob("lib/*"))):
        for name in _NAMES:
            if (folder / name).is_file():
                return (folder / name).resolve()
    return None


def _spec(tensor: Any) -> dict[str, Any]:
    name = str(tensor.dtype).removeprefix("torch.")
    if name not in _CODES:
        raise ExportError(f"the library has no dtype '{name}'")
    return {
        "dtype": _CODES[name],
        "element_size": tensor.element_size(),
        "shape": list(tensor.shape),
    }


def _content(tensor: Any) -> bytes:
    return bytes_of(tensor.detach().cpu().contiguous())


def _tensor(content: memoryview, like: Any) -> Any:
    torch = import_torch()
    if not len(content):
        return torch.empty_like(like)
    flat = torch.frombuffer(bytearray(content), dtype=like.dtype)
    return flat.reshape(like.shape)
