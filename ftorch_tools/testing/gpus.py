# SPDX-License-Identifier: MIT
"""The GPUs that this process may use: those present, within the mask that it inherited."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ftorch_tools.command import Answer, CommandError, call

_CUDA = "CUDA_VISIBLE_DEVICES"
_AMD = ("HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES")
_ANSWER_SECONDS = 10.0


@dataclass(frozen=True)
class Gpus:
    """Usable GPUs: set `variable` to one of `masks`, or to several with commas, to get those."""

    variable: str = _CUDA
    masks: tuple[str, ...] = ()

    def mask(self, numbers: list[int]) -> dict[str, str]:
        """Return the setting under which a process sees the GPUs with these numbers, from 0."""
        return {self.variable: ",".join(self.masks[number] for number in numbers)}


NONE = Gpus()


def usable_gpus(environment: Mapping[str, str] = os.environ, root: Path = Path("/")) -> Gpus:
    """Return NVIDIA's GPUs, or else AMD's.

    `root` is the file system root under which `proc/driver/nvidia` and `sys/class/kfd` are read.
    """
    names = _nvidia(environment, root)
    if names:
        return Gpus(_CUDA, _masked(names, environment.get(_CUDA)))
    names = _amd(root)
    variable = next((name for name in _AMD if name in environment), _AMD[-1])
    return Gpus(variable, _masked(names, environment.get(variable)))


def _masked(names: list[str], mask: str | None) -> tuple[str, ...]:
    """Return the entries of `mask` that stand for one of `names`; all names without a mask.

    As the drivers do it, what follows the first entry that stands for none is ignored.
    """
    if mask is None:
        divided = any(name.startswith("MIG") for name in names)
        return tuple(names) if divided else tuple(map(str, range(len(names))))
    entries: list[str] = []
    for entry in mask.split(","):
        entry = entry.strip()
        by_number = entry.isdigit() and int(entry) < len(names)
        # The drivers take the beginning of a UUID for the whole.
        by_name = re.match(r"(GPU|MIG)-?", entry) and any(n.startswith(entry) for n in names)
        if not (by_number or by_name) or entry in entries:
            break
        entries.append(entry)
    return tuple(entries)


def device_names() -> list[str] | None:
    """Return the names of the GPUs that nvidia-smi lists; None when it is there and fails."""
    listing = _listing(os.environ)
    if listing is None:
        return [] if shutil.which("nvidia-smi") is None else None
    return re.findall(r"^GPU \d+: (.+) \(UUID: ", listing, re.MULTILINE)


def nvidia_smi_warnings() -> list[str]:
    """Return a warning if nvidia-smi did not answer; it is asked but once."""
    program = shutil.which("nvidia-smi")
    answer = _run_nvidia_smi(program) if program else None
    return [f"{answer}: its GPUs are unknown"] if isinstance(answer, CommandError) else []


def _nvidia(environment: Mapping[str, str], root: Path) -> list[str]:
    """Return the UUIDs of the devices that CUDA can use: parts (MIG) in place of divided ones."""
    listing = _listing(environment)
    if listing is None:
        return [f"GPU-{folder.name}" for folder in sorted(root.glob("proc/driver/nvidia/gpus/*"))]
    found: list[str] = []
    for line in listing.splitlines():
        match = re.search(r"\(UUID: ((?:GPU|MIG)-\S+)\)", line)
        if not match:
            continue
        if line.lstrip().startswith("MIG") and found and found[-1].startswith("GPU"):
            found.pop()
        found.append(match.group(1))
    return found


def _listing(environment: Mapping[str, str]) -> str | None:
    """Return what nvidia-smi lists; None when there is none, or it fails."""
    program = shutil.which("nvidia-smi", path=environment.get("PATH"))
    answer = _run_nvidia_smi(program) if program else None
    return answer.out if isinstance(answer, Answer) and answer.code == 0 else None


@cache
def _run_nvidia_smi(program: str) -> Answer | CommandError:
    # Once: a driver that hangs would hold up a run again and again.
    try:
        return call(program, "-L", timeout=_ANSWER_SECONDS)
    except CommandError as error:
        return error


def _amd(root: Path) -> list[str]:
    """Return a name for each AMD GPU of the kernel's list; processors stand there with id 0."""
    found = []
    nodes = root.glob("sys/class/kfd/kfd/topology/nodes/*")
    for node in sorted(nodes, key=lambda folder: int(folder.name)):
        try:
            if int((node / "gpu_id").read_text(encoding="ascii")) == 0:
                continue
            properties = (node / "properties").read_text(encoding="ascii")
        except (OSError, ValueError):
            continue
        unique = re.search(r"^unique_id (\d+)$", properties, re.MULTILINE)
        found.append(f"GPU-{int(unique.group(1)) if unique else 0:016x}")
    return found
