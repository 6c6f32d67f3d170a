# SPDX-License-Identifier: MIT
"""What the tests of `ftorch-export` share: networks, and the command in this process."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from click.testing import Result
from typer.testing import CliRunner

from ftorch_tools.export.app import make_app

NETWORKS = '''
import threading

import torch
from torch import Tensor, nn


class Net(nn.Module):
    """Two layers."""

    def __init__(self, inputs: int = 8, width: int = 16, activation: str = "tanh") -> None:
        super().__init__()
        self.first = nn.Linear(inputs, width)
        self.last = nn.Linear(width, 2)
        self.is_smooth = activation == "tanh"

    def forward(self, x: Tensor) -> Tensor:
        y = self.first(x)
        return self.last(torch.tanh(y) if self.is_smooth else torch.relu(y))


class Step(nn.Module):
    """Fields in a dict, and a number."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 3)

    def forward(self, fields: dict[str, Tensor], dt: float) -> dict[str, Tensor]:
        return {"next": fields["now"] + dt * self.layer(fields["now"]) * fields["mask"]}


class Noisy(nn.Module):
    """Noise of the generator, and dropout."""

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.dropout(x + torch.randn_like(x), 0.3, self.training)


class Words(nn.Module):
    """Integers to vectors."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(5, 3)

    def forward(self, words: Tensor, scale: Tensor) -> tuple[Tensor, Tensor]:
        return self.table(words) * scale, words + 1


class Counting(nn.Module):
    """Counts its calls in Python, which no file does."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        return x * float(self.calls)


class Delay(nn.Module):
    """Two buffers, one of which gets what the other had; inductor's code gives it the new one."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("now", torch.zeros(4))
        self.register_buffer("before", torch.zeros(4))

    def forward(self, x: Tensor) -> Tensor:
        y = x + self.now + 2.0 * self.before
        self.before.copy_(self.now)
        self.now.copy_(x.mean(0))
        return y


class Locked(nn.Module):
    """Holds what cannot be copied."""

    def __init__(self) -> None:
        super().__init__()
        self.lock = threading.Lock()

    def forward(self, x: Tensor) -> Tensor:
        return x


class Normed(nn.Module):
    """A weight that is computed."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.utils.weight_norm(nn.Linear(8, 2))
        self.layer(torch.ones(1, 8))

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x)


class Failing(nn.Module):
    def __init__(self) -> None:
        raise ValueError("no weights today")


def make(width: int) -> nn.Module:
    return Net(width=width)


def zero() -> int:
    return 0


NUMBER = 3
'''


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with networks; what a command does to Python's imports is undone."""
    (tmp_path / "networks.py").write_text(NETWORKS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "networks", raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    torch.manual_seed(5)
    return tmp_path


@pytest.fixture
def export() -> Callable[..., Result]:
    """The function that runs the command, without the library unless one is named."""

    def run(*words: str) -> Result:
        arguments = [str(word) for word in words]
        return CliRunner().invoke(make_app(arguments), arguments)

    return run


@pytest.fixture(scope="session")
def by_library() -> list[str]:
    """The options that name the library that was built."""
    return ["--library", os.environ["FTORCH_LIBRARY"]]
