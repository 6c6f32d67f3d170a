# SPDX-License-Identifier: MIT
"""Whatever a model keeps, failed passes leave no trace: good ones among them are PyTorch's."""

import time
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from keeping_models import MODELS
from torch import Tensor, nn

import shim
from shim import ShimError, load, parameters, wrap


def saved(module: nn.Module, folder: Path) -> Path:
    file = folder / "model.pt"
    torch.jit.script(module).save(str(file))
    return file


def check(file: Path, is_training: int, requires_grad: int) -> None:
    reference = torch.jit.load(str(file))
    reference.train(bool(is_training))
    model = load(file, train=is_training)
    for round_ in range(3):
        x = 0.1 * np.arange(1, 7, dtype="f4").reshape(2, 3)
        x[0, 0] += round_
        y = wrap(np.zeros((2, 3), "f4"))
        shim.forward(model, [wrap(x)], [y], requires_grad)
        expected = reference(torch.from_numpy(x)).detach().numpy()
        np.testing.assert_allclose(y.numpy(), expected, rtol=1e-6)
        with pytest.raises(ShimError, match=r"output_tensors\(1\)"):
            shim.forward(model, [wrap(x)], [wrap(np.zeros(5, "f4"))], requires_grad)
        x[0, 0] = 1000
        with pytest.raises(ShimError, match="too large"):
            shim.forward(model, [wrap(x)], [y], requires_grad)
        np.testing.assert_allclose(y.numpy(), expected, rtol=1e-6)


@pytest.mark.parametrize("is_training", [0, 1])
@pytest.mark.parametrize("requires_grad", [0, 1])
@pytest.mark.parametrize("kind", MODELS)
def test_good_passes_among_others(
    kind: str, requires_grad: int, is_training: int, tmp_path: Path
) -> None:
    torch.manual_seed(4)
    check(saved(MODELS[kind](), tmp_path), is_training, requires_grad)


def test_constant_of_a_trace(tmp_path: Path) -> None:
    kept, file = torch.zeros(3), tmp_path / "trace.pt"

    class Adding(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            kept.add_(1)
            return x + kept

    torch.jit.trace(Adding(), torch.zeros(2, 3), check_trace=False).save(str(file))
    kept.zero_()
    reference, model = torch.jit.load(str(file)), load(file)
    x, y = wrap(np.ones((2, 3), "f4")), wrap(np.zeros((2, 3), "f4"))
    for _ in range(3):
        with pytest.raises(ShimError, match=r"output_tensors\(1\)"):
            shim.forward(model, [x], [wrap(np.zeros(5, "f4"))])
        shim.forward(model, [x], [y])
        np.testing.assert_array_equal(y.numpy(), reference(torch.ones(2, 3)).numpy())


class History(nn.Module):
    """A buffer that becomes part of the graph."""

    h: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.full((3,), 2.0))
        self.register_buffer("h", torch.ones(3))

    def forward(self, x: Tensor) -> Tensor:
        self.h.mul_(self.w)
        if bool(x.sum() > 100):
            raise ValueError("too large")
        return self.h * 1 + x


class Saved(nn.Module):
    """A buffer that the graph of a good pass has saved."""

    h: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.full((3,), 2.0))
        self.register_buffer("h", torch.full((3,), 5.0))

    def forward(self, x: Tensor) -> Tensor:
        y = self.w * self.h + x
        if bool(x.sum() > 100):
            self.h.add_(1)
            raise ValueError("too large")
        return y


def forward(model: shim.Object, value: float) -> shim.Tensor:
    y = wrap(np.zeros(3, "f4"))
    shim.forward(model, [wrap(np.full(3, value, "f4"))], [y], 1)
    return y


def gradient(model: shim.Object, y: shim.Tensor) -> list[float]:
    (w,) = parameters(model, 1)
    shim.unary(shim.SUM, y).backward()
    return list(w.gradient().numpy())


def test_gradient_after_a_failed_pass(tmp_path: Path) -> None:
    model = load(saved(History(), tmp_path))
    for _ in range(2):
        with pytest.raises(ShimError, match="too large"):
            forward(model, 1000)
    assert gradient(model, forward(model, 1)) == [1, 1, 1]


def test_gradient_of_a_pass_before_a_failed_one(tmp_path: Path) -> None:
    model = load(saved(Saved(), tmp_path))
    y = forward(model, 1)
    with pytest.raises(ShimError, match="too large"):
        forward(model, 1000)
    assert gradient(model, y) == [5, 5, 5]


def test_failed_passes_keep_no_graphs(tmp_path: Path) -> None:
    model = load(saved(History(), tmp_path))

    def memory() -> int:
        pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
        return int(pages) * 4096

    def fail(times: int) -> None:
        for _ in range(times):
            with pytest.raises(ShimError, match="too large"):
                forward(model, 1000)

    fail(200)
    before = memory()
    fail(1000)
    assert memory() - before < 1_000_000


@torch.jit.script
class Box:
    def __init__(self, x: Tensor):
        self.x = x
        self.list = [x]

    def twice(self) -> Tensor:
        self.list.append(self.x * 2)
        return self.list[1]


class Boxed(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return Box(x).twice()


def test_class_that_is_no_module(tmp_path: Path) -> None:
    y = wrap(np.zeros(3, "f4"))
    shim.forward(load(saved(Boxed(), tmp_path)), [wrap(np.ones(3, "f4"))], [y])
    assert y.numpy().tolist() == [2, 2, 2]


def test_time_to_load_grows_with_the_number_of_layers(tmp_path: Path) -> None:
    def seconds(layers: int) -> float:
        folder = tmp_path / str(layers)
        folder.mkdir()
        network = nn.Sequential(*(nn.BatchNorm1d(2) for _ in range(layers)))
        file = folder / "model.pt"
        torch.jit.trace(network, torch.ones(4, 2)).save(str(file))
        load(file)
        begin = time.process_time()
        load(file)
        return time.process_time() - begin

    assert seconds(800) < 24 * seconds(100)


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.attention(x, x, x)[0]


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.LSTM(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x)[0]


class Large(nn.Module):
    """A part, and beside it a weight of 64 MB."""

    def __init__(self, part: nn.Module) -> None:
        super().__init__()
        self.part = part
        self.weight = nn.Parameter(torch.ones(4, 4000000))

    def forward(self, x: Tensor) -> Tensor:
        return self.part(x) + self.weight[0, :4]


PARTS = {
    "batch_norm": lambda: nn.BatchNorm1d(4),
    "conv": lambda: nn.Sequential(nn.Conv1d(2, 2, 1), nn.ReLU(inplace=True)),
    "dropout": lambda: nn.Sequential(nn.Linear(4, 4), nn.Dropout(), nn.LayerNorm(4), nn.GELU()),
    "encoder": lambda: nn.TransformerEncoderLayer(4, 2, 8),
    "attention": Attention,
    "lstm": Recurrent,
}


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="peak memory is Linux's")
@pytest.mark.parametrize("is_training", [0, 1])
@pytest.mark.parametrize("part", PARTS)
def test_only_what_may_change_is_copied(part: str, is_training: int, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = load(saved(Large(PARTS[part]()), tmp_path), train=is_training)
    x, y = wrap(np.random.default_rng(1).random((2, 4)).astype("f4")), wrap(np.zeros((2, 4), "f4"))

    def memory(name: str) -> int:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(name))

    for _ in range(3):
        shim.forward(model, [x], [y])
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    before = memory("VmRSS")
    shim.forward(model, [x], [y])
    assert memory("VmHWM") - before < 32000
