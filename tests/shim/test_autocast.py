# SPDX-License-Identifier: MIT
"""Regions of autocast against torch.autocast: passes, losses, training; state after errors."""

from __future__ import annotations

import threading
import warnings

import numpy as np
import pytest
import torch
from functions import function
from model_parts import part, saved, sgd
from torch import nn

import shim
from catalog.losses import LOSSES
from catalog.optimizers import OPTIMIZERS
from shim import ShimError, Tensor, call, create, forward, load, loss, wrap

warnings.filterwarnings("ignore", category=DeprecationWarning)
BFLOAT16, FLOAT16, FLOAT32, CPU = 15, 5, 6, 0
ROWS = {row.name: number for number, row in enumerate(LOSSES)}
ADAM = next(i for i, row in enumerate(OPTIMIZERS) if row.name == "Adam")


class Attention(nn.Module):
    """Products of matrices, softmax and normalisation."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(8, 24)
        self.norm = nn.LayerNorm(8)
        self.outer = nn.Linear(8, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        q, k, v = self.inner(self.norm(x)).chunk(3, -1)
        weights = torch.softmax(q @ k.transpose(-1, -2) / 2.8, -1)
        return self.outer(weights @ v)


class Siamese(nn.Module):
    """One layer twice: its converted weight is used by both."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(8, 8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(torch.tanh(self.layer(x)))[:, :4]


class Recurrent(nn.Module):
    """The last state of a GRU."""

    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.GRU(8, 4, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.cell(x.unsqueeze(1))[0].squeeze(1)


NETWORKS = {
    "mlp": lambda: nn.Sequential(nn.Linear(8, 32), nn.Tanh(), nn.Linear(32, 4)),
    "convolution": lambda: nn.Sequential(
        nn.Unflatten(1, (2, 4)),
        nn.Conv1d(2, 3, 3, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(12, 4),
    ),
    "normalised": lambda: nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.Linear(16, 4)),
    "attention": Attention,
    "siamese": Siamese,
    "recurrent": Recurrent,
}


def begin(dtype: int = BFLOAT16, device: int = CPU) -> None:
    """Begins a region."""
    call("ft_autocast_begin", dtype, device)


def end() -> None:
    """Ends the innermost region."""
    call("ft_autocast_end")


@pytest.fixture(params=NETWORKS)
def network(request):
    """A network in Python."""
    torch.manual_seed(5)
    return NETWORKS[request.param]()


@pytest.fixture
def path(network, tmp_path):
    """Its file."""
    return saved(network, tmp_path)


def batch(generator, rows: int = 6):
    """Inputs and targets."""
    return (
        generator.normal(size=(rows, 8)).astype(np.float32),
        generator.normal(size=(rows, 4)).astype(np.float32),
    )


def expected_pass(model, x, dtype=torch.bfloat16):
    with torch.autocast("cpu", dtype=dtype):
        return model(torch.from_numpy(x))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("recorded", [0, 1])
def test_forward(network, path, generator, dtype, recorded) -> None:
    """With gradients a program runs as it is written, else by PyTorch's executor."""
    model = load(path)
    reference = (network if recorded else torch.jit.load(str(path))).eval()
    code = BFLOAT16 if dtype == torch.bfloat16 else FLOAT16
    for _ in range(3):
        x, _ = batch(generator)
        with torch.set_grad_enabled(bool(recorded)):
            expected = expected_pass(reference, x, dtype)
        for kind in ("float32", "float64"):
            y = wrap(np.zeros((6, 4), kind))
            begin(code)
            forward(model, [wrap(x)], [y], recorded)
            end()
            assert np.array_equal(y.array, expected.detach().to(torch.float64).numpy())
            assert y.requires_grad() == bool(recorded)
    plain = wrap(np.zeros((6, 4), np.float32))
    forward(model, [wrap(x)], [plain])
    reference = torch.jit.load(str(path)).eval()
    with torch.no_grad():
        exact = reference(torch.from_numpy(x)).numpy()
    assert np.array_equal(plain.array, exact)
    assert not np.array_equal(plain.array, expected.detach().float().numpy())


@pytest.mark.parametrize("name", ["mse", "l1", "smooth_l1", "huber", "cross_entropy"])
def test_losses(network, path, generator, name) -> None:
    model, reference = load(path), network.eval()
    x, target = batch(generator)
    target = np.abs(target)
    function = getattr(torch.nn.functional, LOSSES[ROWS[name]].reference)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        expected = function(reference(torch.from_numpy(x)), torch.from_numpy(target))
    expected.backward()
    y = create([6, 4])
    begin()
    forward(model, [wrap(x)], [y], 1)
    got = loss(ROWS[name], y, wrap(target))
    end()
    assert got.dtype() == "float32"
    assert got.numpy() == expected.item()
    got.backward()
    for key, parameter in reference.named_parameters():
        gradient = part(model, key).gradient().numpy()
        assert np.array_equal(gradient, parameter.grad.numpy()), key


def test_training(network, path, generator) -> None:
    model, reference = load(path, train=1), network.train()
    wanted = dict(reference.named_parameters())
    parameters = [part(model, key) for key in wanted]
    optimizer = shim.optimizer(
        ADAM, parameters, [0.01, *(one.default for one in OPTIMIZERS[ADAM].hyperparameters[1:])]
    )
    adam = torch.optim.Adam(reference.parameters(), lr=0.01, fused=True)
    y = create([6, 4])
    for _ in range(50):
        x, target = batch(generator)
        adam.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            expected = nn.functional.mse_loss(
                reference(torch.from_numpy(x)), torch.from_numpy(target)
            )
        expected.backward()
        adam.step()
        call("ft_optim_zero_gradient", optimizer.handle)
        begin()
        forward(model, [wrap(x)], [y], 1)
        got = loss(ROWS["mse"], y, wrap(target))
        end()
        got.backward()
        call("ft_optim_step", optimizer.handle)
        assert got.numpy() == expected.item()
    for (key, expected), one in zip(wanted.items(), parameters):
        assert np.array_equal(one.numpy(), expected.detach().numpy()), key


def test_one_region_around_the_whole_loop(path, generator) -> None:
    """Converted copies of weights are forgotten when these change, or have no graph."""
    long, short = load(path, train=1), load(path, train=1)
    keys = [key for key, _ in torch.jit.load(str(path)).named_parameters()]
    batches = [batch(generator) for _ in range(5)]
    results = []
    for model, is_long in [(long, True), (short, False)]:
        parameters = [part(model, key) for key in keys]
        optimizer = sgd(parameters, 0.1)
        y = create([6, 4])
        if is_long:
            begin()
        for x, target in batches:
            if not is_long:
                begin()
            call("ft_model_train", model.handle, 0)
            forward(model, [wrap(x)], [y])
            call("ft_model_train", model.handle, 1)
            if not is_long:
                end()
                begin()
            forward(model, [wrap(x)], [y], 1)
            got = loss(ROWS["mse"], y, wrap(target))
            if not is_long:
                end()
            got.backward()
            call("ft_optim_step", optimizer.handle)
            call("ft_optim_zero_gradient", optimizer.handle)
        if is_long:
            end()
        results.append([one.numpy() for one in parameters])
    for one, other in zip(*results):
        assert np.array_equal(one, other)


def test_a_weight_over_an_array_that_is_written(generator) -> None:
    weight = wrap(np.ones((4, 4), np.float32), 1)
    x = wrap(np.eye(4, dtype=np.float32))
    begin()
    first = loss(ROWS["mse"], shim.binary(shim.MUL, weight, x), x)
    weight.assign(wrap(np.full((4, 4), 2, np.float32)))
    second = loss(ROWS["mse"], shim.binary(shim.MUL, weight, x), x)
    end()
    assert (first.numpy(), second.numpy()) == (0, 0.25)


@pytest.mark.parametrize("name", ["matmul", "einsum"])
def test_a_leaf_that_the_program_writes(name) -> None:
    leaf = wrap(np.ones((4, 4), np.float32), 1)
    arguments = {"matmul": (leaf, leaf), "einsum": ("ij,jk->ik", [leaf, leaf])}[name]
    begin()
    first = function(name, *arguments)
    leaf.array[:] = 2
    second = function(name, *arguments)
    end()
    assert [one.text().split()[0] for one in (first, second)] == ["4", "16"]


def test_an_input_that_the_program_writes(network, path, generator) -> None:
    """A leaf over an array: each pass takes its numbers, and its gradient is that of Python."""
    model, reference = load(path), network.eval()
    x, _ = batch(generator)
    leaf, y = wrap(x, 1), create([6, 4])
    begin()
    for _ in range(3):
        x[:] = generator.normal(size=x.shape)
        theirs = torch.tensor(x, requires_grad=True)
        with torch.autocast("cpu", dtype=torch.bfloat16, cache_enabled=False):
            expected = reference(theirs)
        forward(model, [leaf], [y], 1)
        assert np.array_equal(y.numpy(), expected.detach().float().numpy())
    end()
    shim.unary(shim.SUM, y).backward()
    expected.float().sum().backward()
    assert np.array_equal(leaf.gradient().numpy(), theirs.grad.numpy())


@pytest.mark.parametrize("has_region", [False, True])
def test_a_weight_that_another_thread_writes(path, generator, has_region) -> None:
    model = load(path)
    weight = part(model, next(key for key, _ in torch.jit.load(str(path)).named_parameters()))
    numbers = wrap(generator.normal(size=weight.shape()).astype(np.float32))
    x, _ = batch(generator)
    results = [wrap(np.zeros((6, 4), np.float32)) for _ in range(3)]

    def write() -> None:
        if has_region:
            begin()
        weight.assign(numbers)
        if has_region:
            end()

    begin()
    forward(model, [wrap(x)], results[:1], 1)
    thread = threading.Thread(target=write)
    thread.start()
    thread.join()
    forward(model, [wrap(x)], results[1:2], 1)
    end()
    begin()
    forward(model, [wrap(x)], results[2:], 1)
    end()
    assert not np.array_equal(results[0].array, results[1].array)
    assert np.array_equal(results[1].array, results[2].array)


def test_regions_are_nested() -> None:
    assert not torch.is_autocast_enabled("cpu")
    begin()
    begin(FLOAT16)
    assert torch.get_autocast_dtype("cpu") == torch.float16
    end()
    assert torch.get_autocast_dtype("cpu") == torch.bfloat16
    assert torch.is_autocast_enabled("cpu")
    end()
    assert not torch.is_autocast_enabled("cpu")
    with torch.autocast("cpu", dtype=torch.float16):
        begin()
        end()
        assert torch.is_autocast_enabled("cpu")
        assert torch.get_autocast_dtype("cpu") == torch.float16


def test_ends_without_a_beginning() -> None:
    for _ in range(2):
        with pytest.raises(
            ShimError, match="no autocast region is open on this thread"
        ) as failure:
            end()
        assert failure.value.status == "ft_invalid_argument"
    begin()
    end()
    with pytest.raises(ShimError, match="no autocast region"):
        end()


@pytest.mark.parametrize(
    ("dtype", "device", "message"),
    [
        (FLOAT32, CPU, "dtype is float32; it must be bfloat16 or float16"),
        (99, CPU, "dtype 99 is none"),
        (BFLOAT16, 7, "device type 7 is none"),
        (BFLOAT16, 12, "xpu"),
    ],
)
def test_regions_that_cannot_be(dtype, device, message) -> None:
    with pytest.raises(ShimError, match=message):
        begin(dtype, device)
    assert not torch.is_autocast_enabled("cpu")
    with pytest.raises(ShimError, match="no autocast region"):
        end()


def test_a_pass_that_fails_inside(models) -> None:
    model = load(models / "failing.pt")
    y = wrap(np.zeros(2, np.float32))
    begin()
    with pytest.raises(ShimError, match="negative concentration"):
        forward(model, [wrap(np.full(2, -1, np.float32))], [y])
    assert torch.is_autocast_enabled("cpu")
    end()
    assert not torch.is_autocast_enabled("cpu")


def test_regions_are_this_threads(path, generator) -> None:
    model = load(path)
    x, _ = batch(generator)
    y, there = (wrap(np.zeros((6, 4), np.float32)) for _ in range(2))
    begin()
    thread = threading.Thread(target=lambda: forward(model, [wrap(x)], [there]))
    thread.start()
    thread.join()
    forward(model, [wrap(x)], [y])
    end()
    reference = torch.jit.load(str(path)).eval()
    with torch.no_grad():
        assert np.array_equal(there.array, reference(torch.from_numpy(x)).numpy())
    assert not np.array_equal(there.array, y.array)


def test_numbers_are_not_lost_outside(path, generator) -> None:
    """A bfloat16 tensor that a region leaves is converted by `ft_tensor_to` alone."""
    x, _ = batch(generator)
    model = load(path)
    result = Tensor()
    begin()
    y = wrap(np.zeros((6, 4), np.float32))
    forward(model, [wrap(x)], [y])
    with pytest.raises(ShimError, match="complex64"):
        forward(model, [wrap(x)], [create([6, 4], "complex64")])
    with pytest.raises(ShimError, match="int64"):
        forward(model, [wrap(x)], [create([6, 4], "int64")])
    end()
    assert result.handle.value is None
