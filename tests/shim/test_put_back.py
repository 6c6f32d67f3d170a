# SPDX-License-Identifier: MIT
"""A forward pass that fails leaves no trace in the model, whoever finds the fault."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import shim
from shim import ShimError, Tensor, call, create, load, wrap


class Statistics(nn.Module):
    """Two normalisations, a counter, a replaced tensor; fails by itself for a negative sum."""

    last: torch.Tensor
    count: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.BatchNorm1d(3)
        self.layers = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
        self.register_buffer("count", torch.zeros(2))
        self.register_buffer("last", torch.zeros(3))
        self.register_buffer("table", torch.arange(3.0))
        self.kept = torch.ones(1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.layers(self.first(x) + self.table)
        self.count[1] += 1
        self.last = x.sum(0)
        self.kept.mul_(2)
        if bool(x.sum() < 0):
            raise ValueError("negative")
        return y


def state(model: shim.Object, folder: Path) -> dict[str, torch.Tensor]:
    file = folder / "state.pt"
    call("ft_model_save", model.handle, str(file).encode())
    module = torch.jit.load(str(file))
    attributes = {"kept": module.kept.clone()} if hasattr(module, "kept") else {}
    return {**module.state_dict(), **attributes}


def check_same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> None:
    assert one.keys() == other.keys()
    for name, value in one.items():
        assert torch.equal(value, other[name]), name


def scripted(folder: Path) -> Path:
    torch.manual_seed(3)
    file = folder / "statistics.pt"
    torch.jit.script(Statistics()).save(str(file))
    return file


FAULTS = {
    "shape": lambda: wrap(np.zeros((5, 3), "f4")),
    "dtype": lambda: wrap(np.zeros((5, 4), "i4")),
    "declared": lambda: create([4, 5]),
}


@pytest.mark.parametrize("is_training", [0, 1])
@pytest.mark.parametrize("requires_grad", [0, 1])
@pytest.mark.parametrize("fault", FAULTS)
def test_output_that_does_not_fit(
    fault: str, requires_grad: int, is_training: int, tmp_path: Path
) -> None:
    model = load(scripted(tmp_path))
    call("ft_model_train", model.handle, is_training)
    before = state(model, tmp_path)
    x = wrap(np.random.default_rng(1).random((5, 3)).astype("f4"))
    output = FAULTS[fault]()
    with pytest.raises(ShimError, match=r"output_tensors\(1\)"):
        shim.forward(model, [x], [output], requires_grad)
    check_same(state(model, tmp_path), before)
    good = wrap(np.zeros((5, 4), "f4"))
    shim.forward(model, [x], [good], requires_grad)
    after = state(model, tmp_path)
    assert after["count"].tolist() == [0, 1]
    assert after["kept"].tolist() == [2]
    assert int(after["first.num_batches_tracked"]) == is_training
    assert bool((after["first.running_mean"] != 0).all()) == bool(is_training)


@pytest.mark.parametrize("is_training", [0, 1])
def test_model_that_was_traced_in_training(is_training: int, tmp_path: Path) -> None:
    """It updates its statistics in evaluation mode too, since the trace has no modes."""
    network, file = nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 4)), tmp_path / "traced.pt"
    torch.jit.trace(network, torch.randn(5, 3), check_trace=False).save(str(file))
    model = load(file)
    call("ft_model_train", model.handle, is_training)
    before = state(model, tmp_path)
    x = wrap(np.random.default_rng(1).random((5, 3)).astype("f4"))
    with pytest.raises(ShimError, match=r"output_tensors\(1\)"):
        shim.forward(model, [x], [create([4, 4])])
    check_same(state(model, tmp_path), before)
    shim.forward(model, [x], [create([5, 4])])
    assert not torch.equal(state(model, tmp_path)["0.running_mean"], before["0.running_mean"])


def test_model_that_fails_midway(tmp_path: Path) -> None:
    model = load(scripted(tmp_path))
    call("ft_model_train", model.handle, 1)
    before = state(model, tmp_path)
    x = wrap(-np.ones((5, 3), "f4"))
    with pytest.raises(ShimError, match="negative"):
        shim.forward(model, [x], [wrap(np.zeros((5, 4), "f4"))])
    check_same(state(model, tmp_path), before)


def test_number_of_outputs_is_seen_before_the_model_runs(tmp_path: Path) -> None:
    model = load(scripted(tmp_path))
    call("ft_model_train", model.handle, 1)
    before = state(model, tmp_path)
    outputs = [wrap(np.zeros((5, 4), "f4")) for _ in range(2)]
    with pytest.raises(ShimError, match="output_tensors: the model returns 1 tensor; there is"):
        shim.forward(model, [wrap(np.ones((5, 3), "f4"))], outputs)
    check_same(state(model, tmp_path), before)


def test_a_value_that_was_assigned_is_checked(models: Path) -> None:
    model, x = load(models / "scaling.pt"), create([3])
    output = Tensor().assign(create([4]))
    with pytest.raises(ShimError, match=r"output_tensors\(1\).*shape \[3\].*has shape \[4\]") as f:
        shim.forward(model, [x], [output])
    assert f.value.status == "ft_shape_mismatch"
    assert output.numpy().tolist() == [1, 1, 1, 1]
    output.assign(create([3], "int32"))
    with pytest.raises(ShimError, match=r"float32.*int32") as f:
        shim.forward(model, [x], [output])
    assert f.value.status == "ft_dtype_mismatch"
    output.assign(create([3, 1], "float64"))
    shim.forward(model, [x], [output])
    assert output.dtype() == "float64"
    assert output.shape() == [3, 1]
    assert output.numpy().ravel().tolist() == [2, 2, 2]
