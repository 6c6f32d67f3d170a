# SPDX-License-Identifier: MIT
"""Steps of optimizers: who takes part, which gradients come, what a refused step leaves."""

from __future__ import annotations

import ctypes
import warnings
from ctypes import c_int64
from pathlib import Path

import numpy as np
import pytest
import torch
from test_optimizers import CASES, reference, values

import shim
from catalog import optimizers
from shim import MUL, Object, ShimError, Tensor, binary, call, create, wrap

ROWS = [(number, row) for number, row in enumerate(optimizers.OPTIMIZERS) if not row.needs_closure]


def name_of(one: object) -> str:
    return getattr(one, "name", str(one))


def square_backward(tensor: Tensor, leaf: torch.Tensor) -> None:
    """The same gradient, 2x, for both."""
    binary(MUL, tensor, tensor).backward(create(tensor.shape(), tensor.dtype()))
    (leaf * leaf).backward(torch.ones_like(leaf))


def load(module: torch.nn.Module, folder: Path) -> Object:
    """A module as a model of the library."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(module).save(str(folder / "module.pt"))
    return shim.load(folder / "module.pt")


def parameters_of(model: Object, size: int) -> list[Tensor]:
    tensors = [Tensor() for _ in range(size)]
    targets = (ctypes.c_void_p * size)()
    call("ft_model_parameters", model.handle, targets, c_int64(size))
    for tensor, handle in zip(tensors, targets):
        tensor.handle.value = handle
    return tensors


@pytest.mark.parametrize(("number", "row", "chosen"), CASES, ids=name_of)
def test_gradients_in_turn(number, row, chosen, generator) -> None:
    """Dtypes and layouts mixed, and a new choice of gradients in each step."""
    dtypes = ["float32", "float64", "complex64", "complex128", "float32", "float64"]
    arrays = [np.asfortranarray(generator.normal(size=(3, 4)).astype(one)) for one in dtypes]
    arrays[4] = np.ascontiguousarray(arrays[4])
    ours = [wrap(one, 1) for one in arrays[:5]] + [shim.section(arrays[5][::2], 1)]
    leaves = [torch.tensor(one.array, requires_grad=True) for one in ours]
    gap = arrays[5][1::2].copy()
    ours_optimizer = shim.optimizer(number, ours, values(row, chosen))
    optimizer = reference(row, chosen, leaves)
    for _ in range(25):
        call("ft_optim_zero_gradient", ours_optimizer.handle)
        optimizer.zero_grad()
        for i in np.flatnonzero(generator.random(6) < 0.6):
            square_backward(ours[i], leaves[i])
        call("ft_optim_step", ours_optimizer.handle)
        optimizer.step()
    for tensor, leaf in zip(ours, leaves):
        tolerance = 1e-5 if tensor.array.dtype.name in ("float32", "complex64") else 1e-12
        assert np.allclose(tensor.array, leaf.detach().numpy(), rtol=tolerance, atol=tolerance)
    assert np.array_equal(arrays[5][1::2], gap)


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(("number", "row"), ROWS, ids=name_of)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("extent", [1000, 32767, 32768, 32769, 100003])
def test_numbers_on_both_sides_of_the_threshold(
    number, row, dtype, extent, generator, two_threads
) -> None:
    """Bit for bit those of PyTorch's fused kernel, which opens a region at any extent."""
    array = generator.normal(size=extent).astype(dtype)
    leaf = torch.tensor(array, requires_grad=True)
    tensor = wrap(array, 1)
    chosen = {"momentum": 0.9} if row.name == "SGD" else {}
    optimizer = shim.optimizer(number, [tensor], values(row, chosen))
    keywords = {"fused": True} if row.is_fused else {"foreach": False}
    rate = row.hyperparameters[0].default
    expected = getattr(torch.optim, row.name)([leaf], lr=rate, **keywords, **chosen)
    for _ in range(3):
        call("ft_optim_zero_gradient", optimizer.handle)
        expected.zero_grad()
        square_backward(tensor, leaf)
        call("ft_optim_step", optimizer.handle)
        expected.step()
    assert np.array_equal(array, leaf.detach().numpy())


class Conjugate(torch.nn.Module):
    """Its backward pass leaves a gradient that is a lazy conjugate."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.tensor([1 + 2j, 3 - 1j]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.weight.conj() * x


@pytest.mark.parametrize(("number", "row"), ROWS, ids=name_of)
def test_lazily_conjugated_gradient(number, row, tmp_path) -> None:
    module = Conjugate()
    model = load(module, tmp_path)
    (weight,) = parameters_of(model, 1)
    optimizer = shim.optimizer(number, [weight], values(row, {}))
    expected = reference(row, {}, list(module.parameters()))
    x = np.ones(2, "complex64")
    seed = np.array([1 + 1j, 2 - 3j], "complex64")
    for _ in range(3):
        call("ft_optim_zero_gradient", optimizer.handle)
        expected.zero_grad()
        output = wrap(np.zeros(2, "complex64"))
        shim.forward(model, [wrap(x)], [output], 1)
        output.backward(wrap(seed))
        module(torch.tensor(x)).backward(torch.tensor(seed))
        assert module.weight.grad is not None
        assert module.weight.grad.is_conj()
        module.weight.grad = module.weight.grad.resolve_conj()  # torch.optim.Adam takes no other
        call("ft_optim_step", optimizer.handle)
        expected.step()
    assert np.allclose(weight.numpy(), module.weight.detach().numpy(), rtol=1e-6)


class Expanded(torch.nn.Module):
    """Three elements in one place."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(1).expand(3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.weight * x


def test_expanded_parameter(tmp_path) -> None:
    model = load(Expanded(), tmp_path)
    for number, row in ROWS:
        with pytest.raises(ShimError, match=r"parameters\(1\) has elements that share memory"):
            shim.optimizer(number, parameters_of(model, 1), values(row, {}))


class Embedded(torch.nn.Module):
    """A table with sparse gradients and a factor with dense ones."""

    def __init__(self) -> None:
        super().__init__()
        self.factor = torch.nn.Parameter(torch.tensor([2.0]))
        self.table = torch.nn.Embedding(4, 1, sparse=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.factor * self.table(x).flatten()


@pytest.mark.parametrize(("number", "row", "chosen"), CASES, ids=name_of)
def test_sparse_gradient_steps_nothing(number, row, chosen, tmp_path) -> None:
    """The state of the other parameter has not moved either."""
    module = Embedded()
    model = load(module, tmp_path)
    factor, table = parameters_of(model, 2)
    before = table.numpy()
    optimizer = shim.optimizer(number, [factor, table], values(row, chosen))
    leaf = torch.tensor([2.0], requires_grad=True)
    expected = reference(row, chosen, [leaf])
    for _ in range(3):
        output = wrap(np.zeros(2, "float32"))
        shim.forward(model, [wrap(np.array([1, 2]))], [output], 1)
        output.backward(create([2]))
        with pytest.raises(
            ShimError, match=r"the gradient of parameters\(2\) is sparse"
        ) as failure:
            call("ft_optim_step", optimizer.handle)
        assert failure.value.status == "ft_invalid_argument"
        call("ft_optim_zero_gradient", optimizer.handle)
        expected.zero_grad()
        square_backward(factor, leaf)
        call("ft_optim_step", optimizer.handle)
        expected.step()
        assert np.allclose(factor.numpy(), leaf.detach().numpy(), rtol=1e-6)
    assert np.array_equal(table.numpy(), before)


def test_leaves_over_one_memory() -> None:
    """Of thousands of pieces between one another."""
    data = np.zeros((40, 50))
    pieces = [shim.section(data[i::4, j::5], 1) for i in range(4) for j in range(5)]
    hyperparameters = values(optimizers.OPTIMIZERS[0], {})
    shim.optimizer(0, pieces, hyperparameters)
    pieces.append(shim.section(data[7:8, 12:13], 1))
    with pytest.raises(ShimError, match=r"parameters\(21\) has memory .* parameters\(18\)"):
        shim.optimizer(0, pieces, hyperparameters)
    pieces.insert(0, shim.section(data[:0], 1))
    with pytest.raises(ShimError, match=r"parameters\(22\) has memory .* parameters\(19\)"):
        shim.optimizer(0, pieces, hyperparameters)
