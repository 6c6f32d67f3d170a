# SPDX-License-Identifier: MIT
"""Models that keep tensors or change them in place: whose memory results and inputs are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import shim
from shim import MUL, ShimError, Tensor, anything, binary, create, forward, load, wrap

DELAYS = ["delay", "delay_attribute", "delay_list", "nested_delay"]


def vector(*numbers: float) -> np.ndarray:
    return np.array(numbers, "f8")


def result(attached: bool) -> Tensor:
    return wrap(np.zeros(2)) if attached else anything([2], "float64")


@pytest.mark.parametrize("name", ["accumulating", "accumulating_attribute", "recurrent"])
@pytest.mark.parametrize("attached", [False, True])
@pytest.mark.parametrize("requires_grad", [0, 1])
def test_result_is_not_the_state(name, attached, requires_grad, models: Path) -> None:
    model, x = load(models / f"{name}.pt"), wrap(vector(1, 2))
    reference = torch.jit.load(str(models / f"{name}.pt"))
    results = [result(attached) for _ in range(4)]
    expected = []
    for y in results:
        forward(model, [x], [y], requires_grad)
        with torch.set_grad_enabled(bool(requires_grad)):
            expected.append(reference(torch.tensor(x.array)).detach().clone().numpy())
    for y, one in zip(results, expected):
        assert np.allclose(y.numpy(), one, rtol=1e-15)
    results[-1].zero()
    forward(model, [x], [results[0]])
    with torch.no_grad():
        assert np.allclose(results[0].numpy(), reference(torch.tensor(x.array)), rtol=1e-15)


@pytest.mark.parametrize("name", DELAYS)
@pytest.mark.parametrize("attached", [False, True])
@pytest.mark.parametrize("requires_grad", [0, 1])
@pytest.mark.parametrize("leaf", [0, 1])
def test_kept_input_is_a_copy(name, attached, requires_grad, leaf, models: Path) -> None:
    model = load(models / f"{name}.pt")
    x, y = wrap(vector(1, 2), leaf), result(attached)
    for i in range(5):
        x.array[:] = [i + 1, 2 * i + 2]
        forward(model, [x], [y], requires_grad)
        assert y.numpy().tolist() == [i, 2 * i]
        if i % 2 == 1:
            x.zero()
    assert y.requires_grad() is bool(requires_grad and leaf)


def test_kept_input_stays_in_the_graph(models: Path) -> None:
    model = load(models / "delay.pt")
    x, y = wrap(vector(1, 2), 1), result(False)
    forward(model, [x], [y], requires_grad=1)
    forward(model, [create([2], "float64")], [y], requires_grad=1)
    binary(MUL, y, wrap(vector(5, 7))).backward()
    assert x.gradient().numpy().tolist() == [5, 7]


def test_state_goes_on_in_the_graph(models: Path) -> None:
    """Back-propagation through the state of two passes, against PyTorch."""
    model, y = load(models / "recurrent.pt"), wrap(np.zeros(2))
    reference = torch.jit.load(str(models / "recurrent.pt"))
    for numbers in (vector(0.1, 0.2), vector(0.3, -0.4)):
        forward(model, [wrap(numbers)], [y], requires_grad=1)
        expected = reference(torch.tensor(numbers))
    y.backward()
    expected.sum().backward()
    (w,) = shim.parameters(model, 1)
    assert np.allclose(w.gradient().numpy(), reference.w.grad.numpy(), rtol=1e-14)


@pytest.mark.parametrize("attached", [False, True])
@pytest.mark.parametrize("requires_grad", [0, 1])
def test_results_in_one_memory_part(attached, requires_grad, models: Path) -> None:
    model, x = load(models / "twin.pt"), wrap(vector(1, 2), 1)
    one = wrap(np.zeros(1)) if attached else anything([1], "float64")
    results = [result(attached), result(attached), one]
    for _ in range(3):
        forward(model, [x], results, requires_grad)
        results[0].zero()
        assert results[1].numpy().tolist() == [2, 4]
        results[1].zero()
        assert results[2].numpy().tolist() == [2]


def test_result_given_to_a_model_that_writes_it(models: Path) -> None:
    twin, doubling, x = (
        load(models / "twin.pt"),
        load(models / "doubling.pt"),
        wrap(vector(1, 2)),
    )
    results, y = [*(result(False) for _ in range(2)), anything([1], "float64")], result(False)
    forward(twin, [x], results)
    forward(doubling, [results[0]], [y])
    assert y.numpy().tolist() == [5, 9]
    assert [one.numpy().tolist() for one in results] == [[4, 8], [2, 4], [2]]


@pytest.mark.parametrize("requires_grad", [0, 1])
def test_results_that_are_memory_of_others(requires_grad: int, models: Path) -> None:
    model, x = load(models / "passing.pt"), wrap(vector(1, 2))
    results = [result(False) for _ in range(5)]
    for _ in range(3):
        forward(model, [x], results, requires_grad)
        expected = [[1, 2], [3, 4], [5, 6], [7, 8], [3, 3]]
        assert [one.numpy().tolist() for one in results] == expected
        assert results[4].strides() == [1]
        for one in results:
            one.zero()
        assert x.array.tolist() == [1, 2]


@pytest.mark.parametrize("requires_grad", [0, 1])
def test_array_follows_an_input_that_is_written(requires_grad: int, models: Path) -> None:
    model, y = load(models / "doubling.pt"), wrap(np.zeros(2))
    x = wrap(vector(1, 2))
    same = wrap(x.array)
    for i in range(1, 4):
        forward(model, [x], [y], requires_grad)
        assert x.array.tolist() == x.numpy().tolist() == [2**i, 2 ** (i + 1)]
        assert same.numpy().tolist() == x.array.tolist()
        assert y.array.tolist() == [2**i + 1, 2 ** (i + 1) + 1]
    view, other = load(models / "doubling_view.pt"), wrap(vector(1, 1))
    forward(view, [x, other], [y], requires_grad)
    assert x.array.tolist() == [32, 16]
    assert y.array.tolist() == [33, 17]
    assert other.array.tolist() == [1, 1]


@pytest.mark.parametrize("requires_grad", [0, 1])
def test_written_data(requires_grad: int, models: Path) -> None:
    """`x.data` is written, which PyTorch allows for a leaf too."""
    model, y = load(models / "doubling_data.pt"), wrap(np.zeros(2))
    for leaf in (0, 1):
        x = wrap(vector(1, 2), leaf)
        forward(model, [x], [y], requires_grad)
        assert x.array.tolist() == x.numpy().tolist() == [2, 4]
        assert y.array.tolist() == [3, 5]
        if leaf and requires_grad:
            y.backward(wrap(vector(1, 1)))
            assert x.gradient().numpy().tolist() == [1, 1]


@pytest.mark.parametrize("requires_grad", [0, 1])
@pytest.mark.parametrize("same", [False, True])
def test_graph_keeps_what_a_model_writes(requires_grad: int, same: bool, models: Path) -> None:
    model, y = load(models / "doubling.pt"), result(False)
    x, w = wrap(vector(5, 7)), wrap(vector(3, 3), 1)
    held = wrap(x.array) if same else x
    product = binary(MUL, w, held)
    forward(model, [x], [y], requires_grad)
    assert x.array.tolist() == [10, 14]
    product.backward()
    assert w.gradient().numpy().tolist() == [5, 7]


def test_written_input_in_the_graph(models: Path) -> None:
    """An input that is itself a result of a graph, with and without gradients."""
    model, y, w = load(models / "doubling.pt"), result(False), wrap(vector(5, 7), 1)
    x = binary(MUL, w, 3.0)
    forward(model, [x], [y], requires_grad=1)
    assert x.numpy().tolist() == [30, 42]
    binary(MUL, x, y).backward()
    assert w.gradient().numpy().tolist() == [6 * (31 + 30), 6 * (43 + 42)]


def test_written_leaf(models: Path) -> None:
    model, y = load(models / "doubling.pt"), wrap(np.zeros(2))
    leaf = wrap(vector(1, 2), 1)
    with pytest.raises(ShimError, match=r"input_tensors\(1\).*in place.*leaf") as failure:
        forward(model, [leaf], [y], requires_grad=1)
    assert failure.value.status == "ft_autograd_error"
    assert leaf.array.tolist() == [1, 2]
    assert y.array.tolist() == [0, 0]
    square = binary(MUL, leaf, leaf)
    forward(model, [leaf], [y])
    assert leaf.array.tolist() == [2, 4]
    assert leaf.requires_grad()
    with pytest.raises(ShimError, match="modified by an inplace"):
        square.backward()


def test_written_input_that_is_two(models: Path) -> None:
    model, y = load(models / "doubling_view.pt"), wrap(np.zeros(2))
    x = wrap(vector(1, 2))
    forward(model, [x, x], [y])
    assert x.array.tolist() == [4, 2]
    assert y.array.tolist() == [8, 4]
    y.array[:] = -1
    with pytest.raises(ShimError, match=r"input_tensors\(1\).*shares its memory.*\(2\)"):
        forward(model, [x, wrap(x.array)], [y])
    assert x.array.tolist() == [4, 2]
    assert y.array.tolist() == [-1, -1]


def test_outputs_need_memory_of_their_own(models: Path) -> None:
    model, x = load(models / "accumulating.pt"), wrap(vector(1, 2))
    twin, data = load(models / "twin.pt"), np.zeros(4)
    y, z, part = wrap(data[:2]), wrap(np.zeros(2)), anything([1], "float64")
    free = result(False)
    for outputs in (
        [y, y, part],
        [free, free, part],
        [y, wrap(data[:2]), part],
        [y, wrap(data[1:3]), part],
    ):
        with pytest.raises(ShimError, match=r"tensors\(2\).*output_tensors\(1\)") as failure:
            forward(twin, [x], outputs)
        assert failure.value.status == "ft_invalid_argument"
    leaf = create([1], "float64", 1, 1)
    with pytest.raises(ShimError, match=r"output_tensors\(3\).*output_tensors\(2\)"):
        forward(twin, [x], [y, leaf, leaf])
    assert not data.any()
    forward(twin, [x], [shim.section(data[::2]), shim.section(data[1::2]), part])
    assert data.tolist() == [2, 2, 4, 4]
    with pytest.raises(ShimError, match="shares its memory"):
        forward(model, [x], [z, z])
    forward(model, [x], [z])
    assert z.array.tolist() == [1, 2]


@pytest.mark.parametrize("order", ["ttttffftfft", "tfffff", "ffttttff"])
@pytest.mark.parametrize("name", ["mlp_float64", "recurrent", "normalised"])
def test_pass_without_gradients_has_no_graph(order: str, name: str, models: Path) -> None:
    model = load(models / f"{name}.pt")
    shape, out = {"mlp_float64": ((5, 8), (5, 4)), "normalised": ((5, 4), (5, 4))}.get(
        name, ((2,), (2,))
    )
    dtype = "f4" if name == "normalised" else "f8"
    x, free = wrap(np.ones(shape, dtype, "F")), anything(out, np.dtype(dtype).name)
    attached = wrap(np.ones(out, dtype, "F"))
    for flag in order:
        for y in (attached, free):
            forward(model, [x], [y], requires_grad=flag == "t")
            assert y.requires_grad() is (flag == "t")
        if flag == "f":
            attached.array[:] = 7
            assert (attached.numpy() == 7).all()


def test_inputs_with_gradients_give_no_graph(models: Path) -> None:
    model, x = load(models / "passing.pt"), wrap(vector(1, 2), 1)
    results = [result(False) for _ in range(5)]
    forward(model, [binary(MUL, x, 2.0)], results)
    forward(model, [x], results)
    assert not any(one.requires_grad() for one in results)
