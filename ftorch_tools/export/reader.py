# SPDX-License-Identifier: MIT
"""Runs a model's file through the library, without PyTorch: `python reader.py FOLDER`.

The folder holds `request.json`, which names library, file and passes, and `data.bin` with the
inputs of all passes one after the other. Results go to `results.bin` in the same way.
"""

from __future__ import annotations

import ctypes
import json
import math
import sys
from ctypes import byref, c_char_p, c_int32, c_int64, c_void_p
from pathlib import Path
from typing import IO, Any


class _Options(ctypes.Structure):
    """ft_options."""

    _fields_ = tuple(
        (name, c_int32) for name in ("dtype", "device_type", "device_index", "requires_grad")
    )


class Library:
    """The C interface."""

    def __init__(self, file: str) -> None:
        self._library = ctypes.CDLL(file)
        self._library.ft_text.restype = c_int64

    def call(self, entry: str, *arguments: Any) -> None:
        """Call an entry; end the process with the library's text when it fails."""
        if getattr(self._library, entry)(*arguments) != 0:
            text = c_char_p()
            length = self._library.ft_text(byref(text))
            sys.exit(ctypes.string_at(text, length).decode())

    def load(self, file: str, is_training: bool) -> c_void_p:
        """Return the handle of a model on the host."""
        model = c_void_p()
        options = _Options(-1, 0, -1, -1)
        self.call("ft_model_load", file.encode(), byref(options), int(is_training), byref(model))
        return model

    def wrap(self, memory: Any, dtype: int, shape: list[int]) -> c_void_p:
        """Return the handle of a tensor over memory in the order of C."""
        tensor, rank = c_void_p(), len(shape)
        extents = (c_int64 * max(rank, 1))(*shape)
        layout = (c_int32 * max(rank, 1))(*range(rank, 0, -1))
        options = _Options(dtype, 0, -1, 0)
        self.call(
            *("ft_tensor_from_blob", memory, rank, extents, c_int64(rank)),
            *(layout, c_int64(rank), byref(options), byref(tensor)),
        )
        return tensor


class Tensors:
    """Tensors over memory of their own, filled from `contents` if there are any."""

    def __init__(
        self, library: Library, specs: list[dict[str, Any]], contents: IO[bytes] | None
    ) -> None:
        self.memories = []
        handles = []
        self._sizes = [one["element_size"] * math.prod(one["shape"]) for one in specs]
        for spec, size in zip(specs, self._sizes):
            memory = ctypes.create_string_buffer(max(size, 1))
            if contents is not None:
                ctypes.memmove(memory, contents.read(size), size)
            self.memories.append(memory)
            handles.append(library.wrap(memory, spec["dtype"], spec["shape"]).value)
        self.handles = (c_void_p * max(len(handles), 1))(*handles)
        self.count = c_int64(len(handles))

    def contents(self) -> bytes:
        """Return what is in the memory of all."""
        return b"".join(one.raw[:size] for one, size in zip(self.memories, self._sizes))


def main(folder: Path) -> None:
    """Run all passes."""
    request = json.loads((folder / "request.json").read_text())
    library = Library(request["library"])
    model = library.load(request["file"], request["is_training"])
    with (folder / "data.bin").open("rb") as data, (folder / "results.bin").open("wb") as results:
        for one in request["passes"]:
            inputs = Tensors(library, one["inputs"], data)
            outputs = Tensors(library, one["outputs"], None)
            library.call(
                *("ft_model_forward", model, inputs.handles, inputs.count),
                *(outputs.handles, outputs.count, 0, None),
            )
            results.write(outputs.contents())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
