# SPDX-License-Identifier: MIT
"""`ftorch-export --train-step`: what is written, and what is refused with no file left."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

NETWORKS = '''
import torch
from torch import Tensor, nn


class Drawing(nn.Module):
    """Each way to draw numbers, in double precision where some have other numbers than single."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(8, 5)

    def forward(self, x: Tensor) -> Tensor:
        y = self.layer(x)
        soft = nn.functional.gumbel_softmax(y)
        kept = torch.bernoulli(torch.full_like(soft, 0.8))
        return nn.functional.dropout(soft * kept + torch.normal(torch.zeros_like(y), 0.1), 0.3)


class Narrow(nn.Module):
    """Runs in single precision alone."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(8, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x.float())


class Growing(nn.Module):
    """Counts its calls in Python, which a trace does not see."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(8, 2)
        self.calls = 0

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        return self.layer(x) * float(self.calls)


def apart(result: Tensor, target: Tensor) -> Tensor:
    """No number."""
    return (result - target).square()
'''


@pytest.fixture(autouse=True)
def more_networks(folder: Path) -> None:
    (folder / "steps.py").write_text(NETWORKS)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_numbers_are_drawn_as_pytorch_draws_them(
    dtype: str, export, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # inductor checks its own tables where CI is set.
    monkeypatch.setenv("CI", "1")
    words = ("--input", "batch=dynamic,8", "--dtype", dtype, "--train-step", "mse")
    result = export("steps.py:Drawing", *words, "--no-library")
    assert result.exit_code == 0, result.output
    assert (folder / "drawing_step.pt2").exists()


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("steps.py:Narrow", "--dtype", "float64"), "same dtype"),
        (("steps.py:Narrow", "--dtype", "float64", "--target", "batch,2"), "same dtype"),
        (("steps.py:Narrow", "--target", "batch,3"), "size of tensor"),
        (("steps.py:Growing",), "compute something else"),
    ],
)
def test_what_is_not_that_of_autograd_is_refused(words, text: str, export, folder: Path) -> None:
    (folder / "step.pt2").write_bytes(b"before")
    before = sorted(folder.iterdir())
    step = ("--input", "batch=dynamic,8", "--train-step", "mse", "-o", "step.pt2")
    result = export(*words, *step, "--no-library")
    assert result.exit_code == 1, result.output
    assert text in result.output
    assert (folder / "step.pt2").read_bytes() == b"before"
    assert [one for one in sorted(folder.iterdir()) if one.name != "__pycache__"] == before


def test_a_loss_is_one_number(export, folder: Path) -> None:
    words = ("--input", "batch=dynamic,8", "--train-step", "steps.py:apart", "--no-library")
    result = export("networks.py:Net", *words)
    assert result.exit_code == 1, result.output
    assert "it must be one number" in result.output
    assert not list(folder.glob("*.pt2"))


def test_products_as_loops_call_no_matrix_library(export, folder: Path) -> None:
    words = ("networks.py:Net", "--input", "batch=dynamic,8", "--train-step", "mse")
    calls = {}
    for products in ("library", "loops"):
        file = f"{products}.pt2"
        result = export(*words, "--products", products, "-o", file, "--no-library")
        assert result.exit_code == 0, result.output
        with zipfile.ZipFile(folder / file) as archive:
            sources = [name for name in archive.namelist() if name.endswith(".cpp")]
            code = b"".join(archive.read(name) for name in sources)
        calls[products] = code.count(b"_mm_out(") + code.count(b"_addmm_out(")
    assert calls["library"] > 0
    assert calls["loops"] == 0


def test_products_are_those_of_a_training_step(export) -> None:
    result = export("networks.py:Net", "--input", "batch=dynamic,8", "--products", "loops")
    assert result.exit_code == 2, result.output
    assert "--products go with --train-step" in result.output
