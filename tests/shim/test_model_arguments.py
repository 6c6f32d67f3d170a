# SPDX-License-Identifier: MIT
"""TorchScript models: arguments and results that are no tensors, other methods, attributes."""

import warnings
from typing import NamedTuple

import model_parts
import numpy as np
import pytest
import torch
from torch import Tensor, nn

import shim
from shim import ShimError, anything, create, forward, load, wrap


class Step(nn.Module):
    def forward(self, x: Tensor, dt: float, count: int = 1, is_wet: bool = False) -> Tensor:
        for _ in range(count):
            x = x + dt
        return -x if is_wet else x


class Fields(nn.Module):
    def forward(self, fields: dict[str, Tensor], dt: float) -> dict[str, Tensor]:
        wind = fields["wind"]
        return {"sum": fields["heat"] + wind * dt, "wind": wind * 2}


class AnyKeys(nn.Module):
    def forward(self, fields: dict[str, Tensor]) -> Tensor:
        total = torch.zeros(2)
        for value in fields.values():
            total = total + value
        return total


class State(NamedTuple):
    h: Tensor
    c: Tensor


class Lstm(nn.Module):
    def forward(self, x: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, State]:
        return x + state[0], State(state[0] * 2, state[1] * 3)


class Stack(nn.Module):
    def forward(self, first: Tensor, rest: list[Tensor], scale: float) -> Tensor:
        return first + torch.stack(rest).sum(0) * scale


class Numbers(nn.Module):
    def forward(self, x: Tensor) -> tuple[float, Tensor | None, int, None, bool, Tensor]:
        return float(x.sum()), None, x.numel(), None, bool(x.sum() > 0), x


class Nothing(nn.Module):
    def forward(self, x: Tensor) -> None:
        x.mul_(2.0)


class Named(nn.Module):
    """Another method, a buffer, and a tensor that is neither."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(2, 2)
        self.register_buffer("mean", torch.ones(2))
        self.scale = torch.full((2,), 4.0)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x)

    @torch.jit.export
    def normalise(self, x: Tensor, times: int) -> tuple[Tensor, Tensor]:
        self.mean = self.mean + 1.0
        return (x - self.mean) / self.scale, self.mean


@pytest.fixture
def model(tmp_path):
    """The function that loads a scripted network."""

    def make(network: nn.Module) -> shim.Object:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return load(model_parts.saved(network, tmp_path))

    return make


def number(value, dtype: str) -> shim.Tensor:
    return wrap(np.array(value, dtype))


def run(model, inputs, *shapes, **options) -> list[np.ndarray]:
    outputs = [anything(shape, options.pop("dtype", "float32")) for shape in shapes]
    forward(model, inputs, outputs, **options)
    return [one.numpy() for one in outputs]


def test_numbers_are_tensors_without_dimensions(model) -> None:
    step, x = model(Step()), wrap(np.array([1, 2], "f4"))
    for dtype in ("float64", "float32", "int64", "int8"):
        assert run(step, [x, number(2, dtype)], [2])[0].tolist() == [3, 4]
    assert run(step, [x, number(0.5, "f8"), number(4, "i4")], [2])[0].tolist() == [3, 4]
    given = [x, number(0.5, "f8"), number(2, "i8"), number(True, "bool")]
    assert run(step, given, [2])[0].tolist() == [-2, -3]
    assert model_parts.names(step, 1) == ["x", "dt", "count", "is_wet"]


@pytest.mark.parametrize(
    ("given", "status", "text"),
    [
        ([create([2])], "ft_invalid_argument", r"takes 2 to 4 inputs \(x, dt, count, is_wet\); 1"),
        ([create([2])] * 5, "ft_invalid_argument", "5 were given"),
        ([create([2]), create([1])], "ft_shape_mismatch", r"\(2\): .* dt, is of type float: a"),
        ([create([2]), create([], "bool")], "ft_dtype_mismatch", r"dt, is of type float; got "),
        ([create([2]), create([], "complex64")], "ft_dtype_mismatch", r"dt, is of type float"),
        ([create([2]), create([]), create([])], "ft_dtype_mismatch", r"\(3\): .* type int; got"),
    ],
)
def test_numbers_that_do_not_fit(given, status, text, model) -> None:
    with pytest.raises(ShimError, match=text) as failure:
        run(model(Step()), given, [2])
    assert failure.value.status == status


def test_no_gradient_goes_through_a_number(model) -> None:
    given = [create([2]), create([], requires_grad=1)]
    assert run(model(Step()), given, [2])[0].tolist() == [2, 2]
    with pytest.raises(ShimError, match=r"dt, is of type float, through which no") as failure:
        run(model(Step()), given, [2], requires_grad=1)
    assert failure.value.status == "ft_autograd_error"


def test_dict_is_its_tensors_as_the_program_reads_them(model) -> None:
    fields = model(Fields())
    assert model_parts.names(fields, 1) == ["fields_wind", "fields_heat", "dt"]
    wind, heat = wrap(np.array([1, 2], "f4"), 1), wrap(np.array([10, 20], "f4"))
    given = [wind, heat, number(0.5, "f8")]
    assert [one.tolist() for one in run(fields, given, [2], [2])] == [[10.5, 21], [2, 4]]
    outputs = [anything([2]), anything([2])]
    forward(fields, given, outputs, requires_grad=1)
    outputs[0].backward(create([2]))
    assert wind.gradient().numpy().tolist() == [0.5, 0.5]
    with pytest.raises(
        ShimError, match=r"takes 3 inputs \(fields_wind, fields_heat, dt\); 2 were"
    ):
        run(fields, given[:2], [2], [2])
    with pytest.raises(ShimError, match=r"fields, is of type Dict.* the program does not name"):
        run(model(AnyKeys()), [], [2])


def test_tuples(model) -> None:
    lstm = model(Lstm())
    assert model_parts.names(lstm, 1) == ["x", "state_0", "state_1"]
    assert model_parts.count(lstm, 2) == 3
    given = [wrap(np.full(2, value, "f4")) for value in (1, 2, 3)]
    assert [one[0] for one in run(lstm, given, [2], [2], [2])] == [3, 4, 9]
    with pytest.raises(ShimError, match="takes 3 inputs"):
        run(lstm, given[:2], [2], [2], [2])


def test_list_takes_what_is_left(model) -> None:
    stack = model(Stack())
    for count in range(1, 4):
        given = [create([2]), *(create([2]) for _ in range(count)), number(2, "f8")]
        assert run(stack, given, [2])[0].tolist() == [1 + 2 * count] * 2
    with pytest.raises(ShimError, match=r"takes 2 or more inputs \(first, rest, scale\); 1 was"):
        run(stack, [create([2])], [2])


def test_results_that_are_numbers_or_none(model) -> None:
    outputs = [anything([], kind) for kind in ("float64", "int64", "bool")] + [anything([3])]
    forward(model(Numbers()), [create([3])], outputs)
    assert [one.numpy().tolist() for one in outputs] == [3.0, 3, True, [1, 1, 1]]


def test_nothing_is_returned(model) -> None:
    nothing, x = model(Nothing()), wrap(np.array([1, 2], "f4"))
    forward(nothing, [x], [])
    assert x.array.tolist() == [2, 4]
    assert model_parts.count(nothing, 2) == 0
    with pytest.raises(ShimError, match="returns 0 tensors; there is room for 1"):
        forward(nothing, [x], [anything()])
    assert x.array.tolist() == [2, 4]


def test_other_methods(model) -> None:
    named, x = model(Named()), create([2])
    mean = model_parts.part(named, "mean", is_buffer=True)
    given = [x, number(1, "i8")]
    for times in (2, 3):
        outputs = [anything([2]), anything([2])]
        forward(named, given, outputs, method="normalise")
        assert outputs[1].numpy().tolist() == [times, times]
        assert outputs[0].numpy().tolist() == [(1 - times) / 4] * 2
    assert mean.numpy().tolist() == [1, 1]
    assert run(named, [x], [2], method="forward")[0].shape == (2,)
    with pytest.raises(ShimError, match="no method normalize; it has ") as failure:
        run(named, given, [2], method="normalize")
    assert failure.value.status == "ft_model_error"
    with pytest.raises(ShimError, match=r"takes 2 inputs \(x, times\)"):
        run(named, [x], [2], [2], method="normalise")


def test_attribute_by_name(model) -> None:
    named = model(Named())
    scale = model_parts.part(named, "scale", is_buffer=True)
    assert scale.numpy().tolist() == [4, 4]
    scale.assign(create([2]))
    outputs = [anything([2]), anything([2])]
    forward(named, [create([2]), number(1, "i8")], outputs, method="normalise")
    assert outputs[0].numpy().tolist() == [-1, -1]
    with pytest.raises(ShimError, match="no buffer 'skale'"):
        model_parts.part(named, "skale", is_buffer=True)
