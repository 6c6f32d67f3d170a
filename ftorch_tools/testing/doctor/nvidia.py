# SPDX-License-Identifier: MIT
"""What the NVIDIA driver says, by nvidia-smi and by the library that LibTorch loads."""

from __future__ import annotations

import re
import shutil
import sys
from dataclasses import dataclass, field

from ftorch_tools.command import CommandError, call
from ftorch_tools.text import one_line

_SECONDS = 20.0
# What is asked for: the driver's version, name and identifier of each GPU.
_ROW = r"^(\d+\.[\d.]+), (.+), ((?:GPU|MIG)-\S+)$"
_CHARACTERS = 200
_ASK_LIBRARY = (
    "import ctypes; library = ctypes.CDLL('libcuda.so.1'); version = ctypes.c_int(); "
    "status = library.cuDriverGetVersion(ctypes.byref(version)); "
    "print(version.value) if status == 0 else exit(f'cuDriverGetVersion: error {status}')"
)


@dataclass(frozen=True)
class Driver:
    """The driver: `cuda` is the newest version of CUDA that it can serve.

    `complaint` is what nvidia-smi says when it fails; `library_error` why there is no libcuda.
    """

    is_there: bool = False
    version: str | None = None
    cuda: tuple[int, int] | None = None
    gpus: list[str] = field(default_factory=list)
    identifiers: list[str] = field(default_factory=list)
    complaint: str | None = None
    library_error: str | None = None


def read_driver() -> Driver:
    """Ask nvidia-smi and libcuda, each within a time limit."""
    cuda, library_error = _ask_library()
    if shutil.which("nvidia-smi") is None:
        return Driver(is_there=cuda is not None, cuda=cuda, library_error=library_error)
    try:
        query = "--query-gpu=driver_version,name,uuid"
        answer = call("nvidia-smi", query, "--format=csv,noheader", timeout=_SECONDS)
        banner = call("nvidia-smi", timeout=_SECONDS)
    except CommandError as error:
        return Driver(True, cuda=cuda, complaint=str(error), library_error=library_error)
    rows = re.findall(_ROW, answer.out, re.MULTILINE)
    if answer.code != 0 or not rows:
        complaint = one_line(" ".join((answer.out + answer.err).split()))[:_CHARACTERS]
        return Driver(
            True, cuda=cuda, complaint=complaint or answer.message, library_error=library_error
        )
    served = re.search(r"CUDA(?: \w+)? Version\s*:\s*(\d+)\.(\d+)", banner.out)
    return Driver(
        True,
        version=rows[0][0],
        cuda=cuda or ((int(served.group(1)), int(served.group(2))) if served else None),
        gpus=[row[1] for row in rows],
        identifiers=[row[2] for row in rows],
        library_error=library_error,
    )


def _ask_library() -> tuple[tuple[int, int] | None, str | None]:
    try:
        answer = call(sys.executable, "-c", _ASK_LIBRARY, timeout=_SECONDS)
    except CommandError as error:
        return None, str(error)
    if answer.code != 0:
        return None, answer.message
    number = int(answer.out)
    return (number // 1000, number % 1000 // 10), None
