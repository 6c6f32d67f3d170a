# SPDX-License-Identifier: MIT
"""Files of parameters and buffers: safetensors both ways, and dictionaries of torch.save."""

from __future__ import annotations

import json
import resource
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, load_model, save_file, save_model
from state_files import restore, same, save, state
from torch import nn

import shim
from shim import ShimError, anything, call, create, forward, load, parameters

warnings.filterwarnings("ignore", category=DeprecationWarning)


class Every(nn.Module):
    """A buffer of each dtype, and a parameter under three names."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(3, 2)
        self.norm = nn.BatchNorm1d(2)
        self.tied = self.linear.weight
        self.a_tied = self.linear.weight
        numbers = torch.arange(6).reshape(2, 3)
        for dtype in (
            *(torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64),
            *(torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool),
        ):
            self.register_buffer(str(dtype).replace("torch.", "b_"), numbers.to(dtype).clone())
        self.register_buffer("b_complex64", torch.randn(2, 3, dtype=torch.complex64))
        self.register_buffer("b_complex128", torch.randn(2, 3, dtype=torch.complex128))
        self.register_buffer("strided", torch.randn(4, 5).t())
        self.register_buffer("scalar", torch.tensor(2.5))
        self.register_buffer("nothing", torch.zeros(0, 3))
        self.register_buffer("none", None)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.norm(self.linear(x))


def every(seed: int) -> Every:
    torch.manual_seed(seed)
    module = Every()
    with torch.no_grad():
        module.norm.running_mean.normal_()
    return module


@pytest.fixture
def scripted(tmp_path: Path) -> Path:
    torch.jit.script(every(1)).save(str(tmp_path / "every.pt"))
    return tmp_path / "every.pt"


def test_python_reads_ours(scripted: Path, tmp_path: Path) -> None:
    save(load(scripted), tmp_path / "state.safetensors")
    found = load_file(tmp_path / "state.safetensors")
    expected = dict(every(1).state_dict())
    found["b_complex128"] = torch.view_as_complex(found["b_complex128"])
    # As safetensors.torch.save_model does: one of several names.
    found["tied"] = found["linear.weight"] = found["a_tied"]
    assert same(found, expected)


def test_python_loads_ours_into_a_module(tmp_path: Path, models: Path) -> None:
    save(load(models / "mlp_float64.pt"), tmp_path / "state.safetensors")
    module = nn.Sequential(
        nn.Linear(8, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 4)
    ).double()
    assert load_model(module, tmp_path / "state.safetensors") == (set(), [])
    assert same(module.state_dict(), torch.jit.load(str(models / "mlp_float64.pt")).state_dict())


def test_metadata_says_what_python_needs_to_know(scripted: Path, tmp_path: Path) -> None:
    from safetensors import safe_open

    save(load(scripted), tmp_path / "state.safetensors")
    with safe_open(tmp_path / "state.safetensors", "pt") as file:
        metadata = file.metadata()
    assert json.loads(metadata["ftorch_view_as_complex"]) == ["b_complex128"]
    assert metadata["linear.weight"] == metadata["tied"] == "a_tied"
    assert metadata["format"] == "pt"


def write_safetensors(module: nn.Module, file: Path) -> None:
    tensors = {name: tensor.contiguous() for name, tensor in module.state_dict().items()}
    tensors["b_complex128"] = torch.view_as_real(tensors["b_complex128"])
    for name in ("tied", "a_tied"):
        tensors[name] = tensors[name].clone()
    save_file(tensors, file)


def without_complex128(module: nn.Module) -> nn.Module:
    del module.b_complex128
    return module


WRITERS: dict[str, Callable[[nn.Module, Path], None]] = {
    "safetensors": lambda module, file: save_model(module, str(file), force_contiguous=True),
    "torch": lambda module, file: torch.save(module.state_dict(), file),
    "dict": lambda module, file: torch.save(dict(module.state_dict()), file),
    "protocol 4": lambda module, file: torch.save(module.state_dict(), file, pickle_protocol=4),
    "parameters": lambda module, file: torch.save(
        {**module.state_dict(), **dict(module.named_parameters())}, file
    ),
}


@pytest.mark.parametrize("writer", WRITERS)
def test_python_files_are_read(writer, tmp_path: Path) -> None:
    torch.jit.script(without_complex128(every(1))).save(str(tmp_path / "model.pt"))
    model, other = load(tmp_path / "model.pt"), without_complex128(every(2))
    WRITERS[writer](other, tmp_path / "state")
    restore(model, tmp_path / "state")
    assert same(state(model, tmp_path), other.state_dict())


def test_complex_numbers_of_both_kinds_in_a_pickle(scripted: Path, tmp_path: Path) -> None:
    model, values = load(scripted), every(2).state_dict()
    values["b_complex128"] = values["b_complex128"].conj()
    torch.save(values, tmp_path / "state.pt")
    restore(model, tmp_path / "state.pt")
    values["b_complex128"] = values["b_complex128"].resolve_conj()
    assert same(state(model, tmp_path), values)


def test_own_file_comes_back(scripted: Path, tmp_path: Path) -> None:
    torch.jit.script(every(2)).save(str(tmp_path / "other.pt"))
    model, other = load(scripted), load(tmp_path / "other.pt")
    save(other, tmp_path / "state")
    restore(model, tmp_path / "state")
    assert same(state(model, tmp_path), every(2).state_dict())


def test_memory_stays(models: Path, tmp_path: Path) -> None:
    """Tensors that name parameters, and optimizers over them, see the new numbers."""
    source, model = load(models / "mlp_float64.pt"), load(models / "mlp_float64.pt")
    for one in parameters(source, 6):
        one.zero()
    save(source, tmp_path / "zeros")
    named = parameters(model, 6)
    adam = shim.optimizer(0, named, [0.5, 0, 0, 0, 0, 0])
    x, y = create([1, 8], "float64"), anything([1, 4], "float64")
    forward(model, [x], [y], 1)
    y.backward(create([1, 4], "float64"))
    gradients = [one.gradient().numpy() for one in named]
    restore(model, tmp_path / "zeros")
    for one, gradient in zip(named, gradients):
        assert one.requires_grad()
        assert not one.numpy().any()
        assert np.array_equal(one.gradient().numpy(), gradient)
    call("ft_optim_step", adam.handle)
    for one, gradient in zip(named, gradients):
        assert np.array_equal(one.numpy(), -0.5 * gradient)
    forward(model, [x], [y])
    assert y.numpy().any()


def test_a_graph_that_needs_the_old_numbers_fails(models: Path, tmp_path: Path) -> None:
    model = load(models / "mlp_float64.pt")
    save(model, tmp_path / "state")
    y = anything([1, 4], "float64")
    forward(model, [create([1, 8], "float64")], [y], 1)
    restore(model, tmp_path / "state")
    with pytest.raises(ShimError, match="modified by an inplace operation"):
        y.backward(create([1, 4], "float64"))


CHANGES: dict[str, tuple[Callable[[dict[str, torch.Tensor]], object], str]] = {
    "missing": (lambda s: s.pop("0.bias"), "ft_invalid_argument: '.*': missing: '0.bias'$"),
    "unknown": (
        lambda s: s.update({"9.bias": torch.ones(1)}),
        "ft_invalid_argument: '.*': unknown: '9.bias'$",
    ),
    "shape": (
        lambda s: s.update({"0.bias": torch.ones(33, dtype=torch.float64)}),
        r"ft_shape_mismatch: '.*': another shape: '0.bias' \[33\] instead of \[32\]$",
    ),
    "ones": (
        lambda s: s.update({"0.bias": torch.ones(1, 32, dtype=torch.float64)}),
        r"ft_shape_mismatch: '.*': another shape: '0.bias' \[1, 32\] instead of \[32\]$",
    ),
    "dtype": (
        lambda s: s.update({"0.bias": torch.ones(32)}),
        "ft_dtype_mismatch: '.*': another dtype: '0.bias' float32 instead of float64$",
    ),
    "all": (
        lambda s: s.update({"0.bias": s.pop("2.bias").float()[:2], "x": torch.ones(1)}),
        r"missing: '2.bias'; unknown: 'x'; another shape: '0.bias' \[2\] .*; another dtype: '0.b",
    ),
}


@pytest.mark.parametrize("writer", [save_file, torch.save])
@pytest.mark.parametrize("change", CHANGES)
def test_differences_are_listed_and_nothing_changes(change, writer, models, tmp_path) -> None:
    model = load(models / "mlp_float64.pt")
    before = state(model, tmp_path)
    changed = {name: tensor + 1 for name, tensor in before.items()}
    alter, message = CHANGES[change]
    alter(changed)
    writer(changed, tmp_path / "state")
    with pytest.raises(ShimError, match=message):
        restore(model, tmp_path / "state")
    assert same(state(model, tmp_path), before)


def test_without_strict_names_may_differ_but_no_shapes(models: Path, tmp_path: Path) -> None:
    model = load(models / "mlp_float64.pt")
    before = state(model, tmp_path)
    save_file({"0.bias": torch.ones(32).double(), "x": torch.ones(1)}, tmp_path / "some")
    restore(model, tmp_path / "some", strict=0)
    assert same(state(model, tmp_path), {**before, "0.bias": torch.ones(32).double()})
    save_file({"0.bias": torch.ones(31).double(), "x": torch.ones(1)}, tmp_path / "some")
    with pytest.raises(
        ShimError, match=r"ft_shape_mismatch: '.*': another shape: '0.bias' \[31\]"
    ):
        restore(model, tmp_path / "some", strict=0)


def test_writing_copies_nothing(tmp_path: Path) -> None:
    """A large state is written without a copy of it."""
    torch.jit.script(nn.Linear(4096, 4096)).save(str(tmp_path / "large.pt"))
    model = load(tmp_path / "large.pt")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    save(model, tmp_path / "state")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 32 << 10


@pytest.mark.parametrize("strict", [0, 1])
@pytest.mark.parametrize("number", [2.0, float("nan")])
def test_names_of_one_tensor_that_disagree(
    strict: int, number: float, scripted: Path, tmp_path: Path
) -> None:
    model = load(scripted)
    save(model, tmp_path / "before")
    whole = (tmp_path / "before").read_bytes()
    found = {name: tensor.clone() for name, tensor in every(2).state_dict().items()}
    found["tied"][0, 0] = number
    torch.save(found, tmp_path / "state")
    with pytest.raises(
        ShimError,
        match=r"ft_model_error: .*'(a_tied|linear.weight)' and '(linear.weight|tied)' are",
    ):
        restore(model, tmp_path / "state", strict)
    save(model, tmp_path / "before")
    assert (tmp_path / "before").read_bytes() == whole
    for name in ("linear.weight", "a_tied"):
        found[name][0, 0] = number
    torch.save(found, tmp_path / "state")
    restore(model, tmp_path / "state", strict)
    assert same(state(model, tmp_path), found)
