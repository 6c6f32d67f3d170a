# SPDX-License-Identifier: MIT
"""Exported programs: training, its two modes, state, and archives that Python loads again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import state_files
import torch
from checkpoints import Checkpoint
from exported import export, given, names, results, same, twin
from exported_networks import CASES, Tied
from model_parts import all_parameters, clone, freeze, part, set_gradient
from safetensors.torch import load_file
from torch import nn

import shim
from catalog.optimizers import OPTIMIZERS
from shim import ShimError, call


class Full(nn.Module):
    """Everything that depends on the mode."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Sequential(
            nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 4)
        )
        self.instance = nn.InstanceNorm1d(4, track_running_stats=True)
        self.attention = nn.MultiheadAttention(4, 2, dropout=0.25, batch_first=True)
        self.cell = nn.LSTM(4, 4, 2, dropout=0.5, batch_first=True)
        self.drop = nn.Dropout1d(0.5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.inner(x)[None]
        y = self.cell(self.attention(y, y, y)[0])[0]
        return self.drop(self.instance(y.transpose(1, 2)))


class Stateful(nn.Module):
    """A buffer that remembers, and one that counts."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.randn(4))
        self.register_buffer("memory", torch.zeros(4))
        self.register_buffer("count", torch.zeros((), dtype=torch.int64))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.count.add_(1)
        self.memory.mul_(0.5).add_(x.detach().mean(0))
        return (x + self.memory) * self.w * self.count


class Adding(nn.Module):
    """Writes its first input, and returns what it found there."""

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        before = x * 1
        x.add_(y)
        return before


def adam(parameters: list[shim.Tensor]) -> shim.Object:
    """Adam as it is by default."""
    row = next(one for one in OPTIMIZERS if one.name == "Adam")
    return shim.optimizer(
        OPTIMIZERS.index(row), parameters, [one.default_value for one in row.hyperparameters]
    )


def trainable(model: shim.Object) -> list[shim.Tensor]:
    return [one for one in all_parameters(model) if one.requires_grad()]


def state(model: shim.Object, folder: Path) -> dict[str, torch.Tensor]:
    """As Python's safetensors has it."""
    state_files.save(model, folder / "seen.safetensors")
    return load_file(folder / "seen.safetensors")


def check_state(
    model: shim.Object, module: nn.Module, folder: Path, tolerance: float = 0.0
) -> None:
    """That of a module, under all names that the file has."""
    expected = module.state_dict()
    found = state(model, folder)
    assert found
    assert set(found) <= set(expected)
    for name, tensor in found.items():
        same(tensor.numpy(), expected[name], tolerance)


@torch.no_grad()
def no_graph(module: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """The result without gradients, for which some kernels are others."""
    return module(x)


def gradient_step(model: shim.Object, x: torch.Tensor, like: torch.Tensor) -> np.ndarray:
    """One pass and the gradients of the sum of the results."""
    (y,) = results(model, given([x]), [like], 1)
    total = shim.create([])
    shim.unary(shim.SUM, shim.binary(shim.MUL, y, y), into=total)
    total.backward()
    return y.numpy()


@pytest.mark.parametrize("name", ["fixed", "tied", "regions", "normed"])
def test_fifty_steps_of_adam_are_those_of_pytorch(name: str, tmp_path: Path) -> None:
    torch.manual_seed(1)
    case = CASES[name]
    module = case.make()
    file = export(module, case.inputs(), tmp_path / "m.pt2")
    model = shim.load(file, train=1)
    reference = torch.optim.Adam([p for p in module.parameters() if p.requires_grad], fused=True)
    optimizer = adam(trainable(model))
    for _ in range(50):
        (x,) = case.inputs()
        y = module(x)
        reference.zero_grad()
        (y * y).sum().backward()
        reference.step()
        call("ft_optim_zero_gradient", optimizer.handle)
        gradient_step(model, x, y)
        call("ft_optim_step", optimizer.handle)
    check_state(model, module, tmp_path, 2e-6)
    call("ft_model_save", model.handle, str(tmp_path / "trained.pt2").encode())
    loaded = torch.export.load(tmp_path / "trained.pt2")
    for key, value in loaded.state_dict.items():
        same(value.detach().numpy(), module.state_dict()[key], 2e-6)
    (x,) = case.inputs()
    with torch.no_grad():
        expected = loaded.module()(x)
    again = shim.load(tmp_path / "trained.pt2", train=1)
    same(results(again, given([x]), [expected])[0].numpy(), expected, 2e-6)


@pytest.mark.parametrize("exported_in", [False, True])
def test_modes_are_switched(exported_in: bool, tmp_path: Path) -> None:
    torch.manual_seed(2)
    module = Full().train(exported_in)
    x = torch.randn(6, 4)
    model = shim.load(export(module, (x,), tmp_path / "m.pt2"))
    expected = no_graph(twin(module).eval(), x)
    same(results(model, given([x]), [expected])[0].numpy(), expected)
    check_state(model, module, tmp_path)
    if not exported_in:
        # The dropout of attention is not known.
        return
    call("ft_model_train", model.handle, 1)
    for seed in range(3):
        module.train()
        torch.manual_seed(seed)
        expected = no_graph(module, x)
        torch.manual_seed(seed)
        same(results(model, given([x]), [expected])[0].numpy(), expected)
    check_state(model, module, tmp_path)


def test_a_program_exported_in_evaluation_is_trained(tmp_path: Path) -> None:
    torch.manual_seed(2)
    module = nn.Sequential(
        nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 4)
    ).eval()
    x = torch.randn(6, 4)
    model = shim.load(export(module, (x,), tmp_path / "m.pt2"), train=1)
    module.train()
    for seed in range(2):
        torch.manual_seed(seed)
        expected = no_graph(module, x)
        torch.manual_seed(seed)
        same(results(model, given([x]), [expected])[0].numpy(), expected)
    check_state(model, module, tmp_path)
    call("ft_model_train", model.handle, 0)
    expected = no_graph(module.eval(), x)
    same(results(model, given([x]), [expected])[0].numpy(), expected)
    check_state(model, module, tmp_path)


def test_a_frozen_part_stays_frozen(tmp_path: Path) -> None:
    module = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Dropout(0.5))
    module[1].eval()
    x = torch.randn(6, 4)
    model = shim.load(export(module, (x,), tmp_path / "m.pt2"), train=1)
    torch.manual_seed(0)
    expected = no_graph(module, x)
    torch.manual_seed(0)
    same(results(model, given([x]), [expected])[0].numpy(), expected)
    check_state(model, module, tmp_path)


@pytest.mark.parametrize(
    ("module", "exported_in", "decompose", "train", "part"),
    [
        (nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5)), False, True, 1, "run_decompositions"),
        (nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4)), False, True, 1, "model.train"),
        (nn.Linear(4, 4), True, True, 1, "train it without is_training"),
        (
            nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4, momentum=None)),
            False,
            False,
            1,
            "momentum",
        ),
        (Full(), False, False, 1, "attention"),
        (nn.Sequential(nn.Linear(4, 4), nn.Dropout1d(0.5)), True, True, 0, "dropout"),
    ],
)
def test_modes_that_cannot_be_switched(
    module, exported_in, decompose, train, part, tmp_path
) -> None:
    file = export(
        module.train(exported_in), (torch.ones(6, 4),), tmp_path / "m.pt2", decompose=decompose
    )
    with pytest.raises(ShimError, match=part) as failure:
        shim.load(file, train=train)
    assert failure.value.status == "ft_model_error"
    shim.load(file, train=1 - train)


@pytest.mark.parametrize("decompose", [False, True])
def test_buffers_that_a_pass_writes(decompose: bool, tmp_path: Path) -> None:
    torch.manual_seed(3)
    module = Stateful()
    model = shim.load(export(module, (torch.ones(6, 4),), tmp_path / "m.pt2", decompose=decompose))
    for _ in range(3):
        x = torch.randn(6, 4)
        expected = no_graph(module, x)
        same(results(model, given([x]), [expected])[0].numpy(), expected, 1e-6)
    check_state(model, module, tmp_path, 1e-6)
    before = state(model, tmp_path)
    with pytest.raises(ShimError):
        results(model, given([torch.ones(6, 4)]), [torch.empty(2)])
    assert state_files.same(before, state(model, tmp_path))


@pytest.mark.parametrize("decompose", [False, True])
def test_inputs_that_a_pass_writes(decompose: bool, tmp_path: Path) -> None:
    inputs = torch.ones(2, 3), torch.full((2, 3), 2.0)
    model = shim.load(export(Adding(), inputs, tmp_path / "m.pt2", decompose=decompose))
    x, y = given(inputs)
    (before,) = results(model, [x, y], [inputs[0]])
    assert np.array_equal(before.numpy(), np.ones((2, 3)))
    assert np.array_equal(x.numpy(), np.full((2, 3), 3.0))
    assert np.array_equal(x.array, x.numpy())


def test_parts_of_a_model(tmp_path: Path) -> None:
    module = Tied()
    model = shim.load(export(module, (torch.ones(6, 4),), tmp_path / "m.pt2"))
    flags = [one.requires_grad for one in module.parameters()]
    assert [one.requires_grad() for one in all_parameters(model)] == flags
    # One tensor with two names, and two buffers over one memory.
    shared = part(model, "a.weight")
    same(part(model, "b.weight").numpy(), module.a.weight)
    shared.zero()
    assert not part(model, "b.weight").numpy().any()
    part(model, "left", True).zero()
    assert not part(model, "right", True).numpy()[:2].any()
    freeze(model, "a.*")
    call("ft_model_save", model.handle, str(tmp_path / "frozen.pt2").encode())
    loaded = torch.export.load(tmp_path / "frozen.pt2").state_dict
    assert not loaded["a.weight"].requires_grad
    assert loaded["b.bias"].requires_grad
    assert not loaded["left"].any()
    assert not loaded["a.weight"].any()
    assert loaded["a.weight"].data_ptr() == loaded["b.weight"].data_ptr()
    assert list(loaded) == list(torch.export.load(tmp_path / "m.pt2").state_dict)


def test_requires_grad_that_is_asked_for(tmp_path: Path) -> None:
    file = export(Tied(), (torch.ones(6, 4),), tmp_path / "m.pt2")
    for flag in (0, 1):
        model = shim.load(file, requires_grad=flag)
        assert {one.requires_grad() for one in all_parameters(model)} == {bool(flag)}


def test_a_clone_is_a_model_of_its_own(tmp_path: Path) -> None:
    model = shim.load(export(Stateful(), (torch.ones(6, 4),), tmp_path / "m.pt2"), train=1)
    copy = clone(model)
    results(copy, given([torch.ones(6, 4)]), [torch.empty(6, 4)])
    assert state(model, tmp_path)["count"] == 0
    assert state(copy, tmp_path)["count"] == 1
    assert names(copy, 0) == names(model, 0) == ["w"]


def test_a_checkpoint_holds_an_exported_program(tmp_path: Path) -> None:
    file = export(Stateful(), (torch.ones(6, 4),), tmp_path / "m.pt2")
    model = shim.load(file)
    results(model, given([torch.randn(6, 4)]), [torch.empty(6, 4)])
    checkpoint = Checkpoint()
    checkpoint.put("model", model)
    checkpoint.save(tmp_path / "c")
    other = shim.load(file)
    Checkpoint().load(tmp_path / "c").get("model", other)
    assert state_files.same(state(model, tmp_path), state(other, tmp_path))


def test_states_of_python_are_loaded(tmp_path: Path) -> None:
    file = export(Tied(), (torch.ones(6, 4),), tmp_path / "m.pt2")
    other = Tied()
    torch.save(other.state_dict(), tmp_path / "state.pt")
    model = shim.load(file)
    state_files.restore(model, tmp_path / "state.pt")
    check_state(model, other, tmp_path)


def test_an_archive_is_written_over_itself(tmp_path: Path) -> None:
    file = export(CASES["fixed"].make(), (torch.ones(5, 4),), tmp_path / "m.pt2")
    model = shim.load(file)
    for parameter in all_parameters(model):
        parameter.zero()
    call("ft_model_save", model.handle, str(file).encode())
    call("ft_model_save", model.handle, str(file).encode())
    loaded: Any = torch.export.load(file)
    assert not any(one.any() for one in loaded.state_dict.values())
    assert loaded.example_inputs[0][0].shape == (5, 4)


def test_gradients_are_given_to_parameters(tmp_path: Path) -> None:
    model = shim.load(export(CASES["fixed"].make(), (torch.ones(5, 4),), tmp_path / "m.pt2"))
    (first, *_) = all_parameters(model)
    set_gradient(first, first)
    same(first.gradient().numpy(), torch.tensor(first.numpy()))
