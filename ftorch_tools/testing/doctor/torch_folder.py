# SPDX-License-Identifier: MIT
"""A folder with a LibTorch: what its files say, without importing it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from ftorch_tools.command import CommandError, call

_FIND_TORCH = (
    "from importlib.util import find_spec; s = find_spec('torch'); "
    "print(s.submodule_search_locations[0] if s else '')"
)
_SECONDS = 30.0


@dataclass(frozen=True)
class TorchFolder:
    """The folder that holds `include` and `lib` of a LibTorch: a wheel's or a distribution's."""

    root: Path

    @property
    def version(self) -> str | None:
        """The version with its local part, as 2.13.0+cpu."""
        text = self._read("version.py")
        wheel = re.search(r"^__version__ = '(.+)'", text, re.MULTILINE)
        return wheel.group(1) if wheel else self._read("build-version").strip() or None

    @property
    def cuda(self) -> str | None:
        """The version of CUDA that it was built with, as 13.0; None when with none."""
        found = re.search(r"^cuda\b.*= '([\d.]+)'", self._read("version.py"), re.MULTILINE)
        if found:
            return found.group(1)
        local = re.search(r"\+cu(\d+)(\d)$", self.version or "")
        return f"{local.group(1)}.{local.group(2)}" if local else None

    @property
    def has_cuda_library(self) -> bool:
        """True when it comes with the library of CUDA operators."""
        return any((self.root / folder / "libtorch_cuda.so").exists() for folder in _FOLDERS)

    def _read(self, name: str) -> str:
        try:
            return (self.root / name).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""


_FOLDERS = ("lib", "lib64")


def python_torch() -> TorchFolder | None:
    """Return the PyTorch of the Python that runs this."""
    spec = find_spec("torch")
    places = spec.submodule_search_locations if spec else None
    return TorchFolder(Path(places[0])) if places else None


def torches_in_sight() -> Iterator[tuple[str, TorchFolder]]:
    """Yield each LibTorch that a build or the loader may come upon, with how it is found."""
    for name in ("LibTorch_ROOT", "Torch_DIR", "CMAKE_PREFIX_PATH", "LD_LIBRARY_PATH"):
        for text in filter(None, os.environ.get(name, "").split(os.pathsep)):
            for folder in [Path(text), *Path(text).parents][:4]:
                if any((folder / lib / "libtorch_cpu.so").exists() for lib in _FOLDERS):
                    yield name, TorchFolder(folder)
                    break
    own = python_torch()
    if own:
        yield "the Python of ftorch-test", own
    try:
        found = call("python3", "-c", _FIND_TORCH, timeout=_SECONDS).out.strip()
    except CommandError:
        return
    if found:
        yield "python3 on PATH", TorchFolder(Path(found))
