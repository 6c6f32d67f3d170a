# SPDX-License-Identifier: MIT
"""Parameters of a model: every write goes into the model, in place and outside the graph."""

from __future__ import annotations

from collections.abc import Callable
from ctypes import c_int64
from pathlib import Path

import numpy as np
import pytest
import torch

import shim
from shim import ADD, MUL, SUB, SUM, ShimError, Tensor, anything, binary, call, create, wrap
from shim import parameters as parameters_of


def scale_of(model: shim.Object) -> list[float]:
    """What the model `passing` computes with: its parameter, returned by forward."""
    outputs = [anything([2], "float64") for _ in range(5)]
    shim.forward(model, [create([2], "float64")], outputs)
    return outputs[1].numpy().tolist()


def to(source: Tensor, target: Tensor, lossy: bool = False) -> None:
    call("ft_tensor_to", source.handle, target.target, 0, lossy)


def graph_of(value: Tensor) -> Tensor:
    """The same numbers as the result of a graph."""
    return binary(MUL, wrap(value.numpy(), 1), 1.0)


def gradient_of(value: Tensor) -> Tensor:
    leaf = wrap(np.ones(value.shape()), 1)
    binary(MUL, leaf, value).backward()
    return leaf


WRITERS: dict[str, Callable[[Tensor, Tensor], object]] = {
    "assign": lambda w, value: w.assign(value),
    "move": lambda w, value: w.assign(binary(ADD, value, 0.0)),
    "graph": lambda w, value: w.assign(graph_of(value)),
    "to": lambda w, value: to(value, w),
    "to from float32": lambda w, value: to(wrap(value.numpy().astype("f4")), w),
    "operator": lambda w, value: binary(ADD, value, 0.0, into=w),
    "operator with itself": lambda w, value: binary(SUB, w, binary(SUB, w, value), into=w),
    "update": lambda w, value: w.assign(binary(SUB, w, binary(SUB, w, value))),
    "gradient": lambda w, value: gradient_of(value).gradient(into=w),
    "float32": lambda w, value: w.assign(wrap(value.numpy().astype("f4"))),
    "row": lambda w, value: w.assign(wrap(value.numpy().reshape(1, 2))),
}


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
@pytest.mark.parametrize("requires_grad", [0, 1])
def test_write_changes_the_model(write, requires_grad: int, models: Path, tmp_path: Path) -> None:
    model = shim.load(models / "passing.pt", requires_grad=requires_grad)
    (w,), (again,) = parameters_of(model, 1), parameters_of(model, 1)
    copy = Tensor().assign(w)
    write(w, wrap(np.array([10.0, 20.0])))
    assert scale_of(model) == [10, 20]
    assert w.numpy().tolist() == again.numpy().tolist() == [10, 20]
    assert w.requires_grad() is bool(requires_grad)
    assert copy.numpy().tolist() == [3, 4]
    copy.assign(wrap(np.zeros(2)))
    assert scale_of(model) == [10, 20]
    write(again, wrap(np.array([1.0, 2.0])))
    assert scale_of(model) == w.numpy().tolist() == [1, 2]
    call("ft_model_save", model.handle, str(tmp_path / "model.pt").encode())
    with torch.no_grad():
        assert torch.jit.load(str(tmp_path / "model.pt")).w.tolist() == [1, 2]


def test_forward_and_loss_into_a_parameter(models: Path) -> None:
    passing, scaling = shim.load(models / "passing.pt"), shim.load(models / "scaling.pt")
    (w,), (scale,) = parameters_of(passing, 1), parameters_of(scaling, 1)
    shim.forward(scaling, [create([2])], [w])
    assert scale_of(passing) == [2, 2]
    shim.loss(0, create([3]), wrap(np.zeros(3, "f4")), into=scale)
    shim.forward(scaling, [create([2])], [w], requires_grad=1)
    assert scale_of(passing) == [1, 1]
    shim.unary(SUM, wrap(np.array([2.0, 3.0], "f4")), into=scale)
    assert scale.numpy().tolist() == [5]
    w.zero()
    assert scale_of(passing) == [0, 0]


@pytest.mark.parametrize("write", [*WRITERS.values(), "zero"], ids=[*WRITERS, "zero"])
def test_old_graph_that_saved_the_parameter_fails(write, models: Path) -> None:
    model, x, y = shim.load(models / "recurrent.pt"), wrap(np.ones(2)), anything([2], "float64")
    (w,) = parameters_of(model, 1)
    for _ in range(2):
        shim.forward(model, [x], [y], requires_grad=1)
    if write == "zero":
        w.zero()
    else:
        write(w, wrap(np.array([1.0, 2.0])))
    with pytest.raises(ShimError, match="modified by an inplace operation") as failure:
        y.backward()
    assert failure.value.status == "ft_autograd_error"


def test_what_does_not_fit_changes_nothing(models: Path) -> None:
    model = shim.load(models / "passing.pt")
    (w,) = parameters_of(model, 1)
    for wrong, status, part in [
        (create([3], "float64"), "ft_shape_mismatch", r"\[3\].*the model's tensor.*\[2\]"),
        (create([], "float64"), "ft_shape_mismatch", r"\[\].*\[2\]"),
        (create([2], "int64"), "ft_dtype_mismatch", "int64.*the model's tensor.*float64"),
        (create([2], "complex128"), "ft_dtype_mismatch", "complex128.*float64"),
    ]:
        with pytest.raises(ShimError, match=part) as failure:
            w.assign(wrong)
        assert failure.value.status == status
        with pytest.raises(ShimError, match=part):
            binary(MUL, wrong, wrong, into=w)
    with pytest.raises(ShimError, match="right-hand side holds nothing"):
        w.assign(Tensor())
    assert scale_of(model) == w.numpy().tolist() == [3, 4]


def test_float64_does_not_go_into_a_float32_parameter(models: Path) -> None:
    (scale,) = parameters_of(shim.load(models / "scaling.pt"), 1)
    with pytest.raises(ShimError, match=r"float64.*float32"):
        scale.assign(create([1], "float64"))
    to(wrap(np.array([7.0])), scale, lossy=True)
    assert scale.numpy().tolist() == [7]


def test_variable_lets_go_and_the_model_stays(models: Path) -> None:
    model, other = shim.load(models / "passing.pt"), shim.load(models / "scaling.pt")
    (w,) = parameters_of(model, 1)
    taken = shim.handles([w])
    call("ft_model_parameters", other.handle, taken, c_int64(1))
    w.handle.value = taken[0]
    w.zero()
    assert scale_of(model) == [3, 4]
    assert parameters_of(other, 1)[0].numpy().tolist() == [0]
    (w,) = parameters_of(model, 1)
    shim.LIBRARY.ft_release(w.handle)
    assert scale_of(model) == [3, 4]


def test_parameter_outlives_its_model(models: Path) -> None:
    model = shim.load(models / "passing.pt")
    (w,) = parameters_of(model, 1)
    del model
    w.assign(binary(MUL, w, 2.0))
    assert w.numpy().tolist() == [6, 8]


def test_optimizer_and_own_updates_alternate(models: Path, generator) -> None:
    """Adam of the library and a step by hand in turn, against torch.optim."""
    x = generator.normal(size=(4, 8))
    model, reference = (load(models / "mlp_float64.pt") for load in (shim.load, torch.jit.load))
    weights, expected = parameters_of(model, 6), list(reference.parameters())
    adam = shim.optimizer(1, weights, [0.01, 0.9, 0.999, 1e-8, 0, 0, 0])
    y = create([4, 4], "float64")
    theirs = torch.optim.Adam(expected, lr=0.01)
    for _ in range(3):
        theirs.zero_grad()
        reference(torch.tensor(x)).square().sum().backward()
        theirs.step()
        with torch.no_grad():
            for one in expected:
                one -= 0.1 * one.grad
        call("ft_optim_zero_gradient", adam.handle)
        shim.forward(model, [wrap(np.asfortranarray(x))], [y], requires_grad=1)
        binary(MUL, y, y).backward()
        call("ft_optim_step", adam.handle)
        for one in weights:
            one.assign(binary(SUB, one, binary(MUL, one.gradient(), 0.1)))
    for got, one in zip(weights, expected):
        assert np.allclose(got.numpy(), one.detach().numpy(), rtol=1e-10, atol=1e-12)


def test_tied_weights_are_listed_once(models: Path) -> None:
    reference = torch.jit.load(str(models / "tied.pt"))
    model = shim.load(models / "tied.pt")
    expected = list(reference.named_parameters())
    weights = parameters_of(model, len(expected))
    for got, (_, one) in zip(weights, expected):
        assert np.array_equal(got.numpy(), one.detach().numpy())
    call("ft_model_text", model.handle)
    names = [line.split()[0] for line in shim.text().split("\n") if "." in line or "scale" in line]
    assert [name for name in names if name[0].isalpha()] == [name for name, _ in expected]
    x, y = wrap(np.array([[1.0, 2.0]])), anything([1, 2], "float64")
    weights[1].assign(wrap(np.asfortranarray([[1.0, 2.0], [3.0, 4.0]])))
    shim.forward(model, [x], [y], requires_grad=1)
    weight = torch.tensor([[1.0, 2.0], [3.0, 4.0]], dtype=torch.float64, requires_grad=True)
    bias = expected[2][1].detach()
    expected_y = torch.tensor(x.array) @ weight.T @ weight.T + bias
    assert np.allclose(y.numpy(), expected_y.detach().numpy(), rtol=1e-14)
    y.backward()
    expected_y.sum().backward()
    assert np.allclose(weights[1].gradient().numpy(), weight.grad.numpy(), rtol=1e-14)
