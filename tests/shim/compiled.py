# SPDX-License-Identifier: MIT
"""Networks and their packages of AOTInductor, each compiled once and kept beside the build."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import Dim

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS.parent))

from ftorch_tools.export import aoti, formats, inductor, train_step  # noqa: E402
from ftorch_tools.export.train_step import TrainStep, export_step  # noqa: E402


class Net(nn.Module):
    """Two layers, and statistics that evaluation uses."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(8, 16)
        self.norm = nn.BatchNorm1d(16)
        self.last = nn.Linear(16, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(torch.tanh(self.norm(self.first(x))))


class Mixed(nn.Module):
    """Two inputs with one dynamic size, a number, several results, tied and unused weights."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(3, 3)
        self.second = nn.Linear(3, 3)
        self.second.weight = self.first.weight
        self.unused = nn.Parameter(torch.tensor([1.0, 2.0]))
        self.register_buffer("shift", torch.tensor([0.5]))
        self.gain = nn.Parameter(torch.tensor(1.0))
        self.offset = nn.Parameter(torch.zeros(3))

    def forward(self, x: Tensor, fields: dict[str, Tensor], dt: float) -> dict[str, Any]:
        y = self.second(torch.tanh(self.first(x.sum(0)))) * dt + self.shift
        y = y * self.gain + self.offset
        return {"y": y, "none": None, "z": fields["z"].t(), "count": fields["k"] + 1}


class Writing(nn.Module):
    """Statistics that move, a counter, and an input that is written."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(3)
        self.register_buffer("calls", torch.zeros(2))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        self.calls.add_(1.0)
        y = self.norm(x)
        x.mul_(2.0)
        return y, self.calls


class Twice(nn.Module):
    """Writes its first input, and returns one tensor twice."""

    def forward(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        x.add_(1.0)
        z = x * y
        return z, z


class Turned(nn.Module):
    """Two dimensions that are compiled for columns first, and elementwise."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.sin(x) * 2.0


@dataclass(frozen=True)
class Case:
    """A network with arguments, dynamic sizes and a variant."""

    make: Callable[[], nn.Module]
    arguments: Callable[[], tuple[Any, ...]]
    dynamic: Callable[[], Any]
    variant: str = aoti.PLAIN
    is_training: bool = False


def _mixed() -> tuple[Any, ...]:
    fields = {"z": torch.randn(5, 3).double(), "k": torch.arange(5)}
    return torch.randn(2, 5, 3), fields, 0.5


CASES = {
    "net": Case(Net, lambda: (torch.randn(3, 8),), lambda: ({0: Dim("batch", min=1)},)),
    "frozen": Case(
        Net, lambda: (torch.randn(3, 8),), lambda: ({0: Dim("batch", min=1)},), aoti.FROZEN
    ),
    "mixed": Case(
        Mixed,
        _mixed,
        lambda: ({1: (n := Dim("n", min=3, max=60))}, {"z": {0: n}, "k": {0: n}}, None),
    ),
    "writing": Case(
        Writing,
        lambda: (torch.randn(4, 3),),
        lambda: ({0: Dim("batch", min=1)},),
        is_training=True,
    ),
    "twice": Case(
        Twice,
        lambda: (torch.randn(4, 3), torch.randn(4, 3)),
        lambda: ({0: (rows := Dim("rows", min=1))}, {0: rows}),
    ),
    "turned": Case(
        Turned,
        lambda: (torch.randn(6, 4).t(),),
        lambda: ({0: Dim("rows", min=1), 1: Dim("columns", min=1)},),
    ),
}


def network(name: str) -> nn.Module:
    """The network of a case, with the same weights each time."""
    torch.manual_seed(11)
    module = CASES[name].make()
    for buffer in module.buffers():
        if buffer.dim() > 0 and buffer.is_floating_point() and name != "writing":
            buffer.uniform_(0.5, 1.5)
    return module.train(CASES[name].is_training)


@cache
def package(name: str) -> Path:
    """The package of a case."""
    case = CASES[name]
    file = _folder() / f"{name}.pt2"
    if file.exists():
        return file
    torch.manual_seed(12)
    draft = file.with_name(f"{os.getpid()}-{name}.pt2")
    formats.write_package(
        network(name),
        draft,
        case.arguments(),
        case.dynamic(),
        {"who": "tests"},
        aoti.Compilation(case.variant, None, case.is_training),
    )
    draft.replace(file)
    return file


def step_package(
    name: str,
    module: nn.Module,
    loss: Callable[..., Any],
    arguments: tuple[Any, ...],
    targets: list[Tensor],
    shapes: tuple[list[Any], list[Any]],
) -> Path:
    """The package of a training step, compiled once; `shapes` are of inputs and targets."""
    file = _folder() / f"step_{name}.pt2"
    if file.exists():
        return file
    draft = file.with_name(f"{os.getpid()}-{name}.pt2")
    step = TrainStep(module, loss, arguments)
    program, parts = export_step(step, targets, *shapes)
    compilation = aoti.Compilation(aoti.PLAIN, None, module.training)
    formats.compile_program(program, draft, compilation, {}, parts)
    draft.replace(file)
    return file


@cache
def _folder() -> Path:
    sources = [
        Path(__file__),
        *(Path(one.__file__) for one in (aoti, formats, inductor, train_step) if one.__file__),
    ]
    text = b"".join(one.read_bytes() for one in sources) + torch.__version__.encode()
    build = Path(os.environ["FTORCH_LIBRARY"]).parent
    folder = build / "packages" / hashlib.sha256(text).hexdigest()[:16]
    if not folder.exists():
        shutil.rmtree(folder.parent, ignore_errors=True)
        folder.mkdir(parents=True)
    return folder


def changed(source: Path, target: Path, change: Callable[[str, bytes], bytes | None]) -> Path:
    """Copies an archive; `change` returns the bytes of a record, or None to leave it out."""
    with zipfile.ZipFile(source) as before, zipfile.ZipFile(target, "w") as after:
        for record in before.infolist():
            content = change(record.filename, before.read(record))
            if content is not None:
                after.writestr(record.filename, content)
    return target


def respecified(source: Path, target: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """Copies a package with another specification."""

    def edit(name: str, content: bytes) -> bytes:
        if not name.endswith(".wrapper_metadata.json"):
            return content
        metadata = json.loads(content)
        specification = json.loads(metadata[aoti.SPECIFICATION])
        change(specification)
        metadata[aoti.SPECIFICATION] = json.dumps(specification)
        return json.dumps(metadata).encode()

    return changed(source, target, edit)
