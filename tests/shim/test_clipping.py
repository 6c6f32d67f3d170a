# SPDX-License-Identifier: MIT
"""Clipped gradients against torch.nn.utils."""

from __future__ import annotations

from ctypes import byref, c_double, c_int64
from typing import Any

import numpy as np
import pytest
import torch

from shim import ShimError, Tensor, call, create, handles, wrap

NORMS = [2.0, 1.0, 3.5, 0.0, float("inf")]


def clip_norm(parameters: list[Tensor], max_norm: float, norm_type: float = 2.0) -> float:
    """The norm before clipping."""
    norm = c_double(-1)
    size, numbers = c_int64(len(parameters)), (c_double(max_norm), c_double(norm_type))
    call("ft_clip_grad_norm", handles(parameters), size, *numbers, byref(norm))
    return norm.value


def clip_value(parameters: list[Tensor], max_value: float) -> None:
    """Bounds each element."""
    size = c_int64(len(parameters))
    call("ft_clip_grad_value", handles(parameters), size, c_double(max_value))


def with_gradients(dtypes: list[str], generator: Any) -> tuple[list[Tensor], list[torch.Tensor]]:
    """Parameters, here and in PyTorch, the last without a gradient."""
    ours, leaves = [], []
    for i, dtype in enumerate([*dtypes, dtypes[0]]):
        seed = generator.normal(size=(3, i + 1)) + 1j * generator.normal(size=(3, i + 1))
        seed = (seed if dtype.startswith("complex") else seed.real).astype(dtype)
        ours.append(wrap(np.asfortranarray(np.ones_like(seed)), 1))
        leaves.append(torch.ones(seed.shape, dtype=getattr(torch, dtype), requires_grad=True))
        if i < len(dtypes):
            ours[-1].backward(wrap(np.asfortranarray(seed)))
            leaves[-1].backward(torch.tensor(seed))
    return ours, leaves


@pytest.mark.parametrize("norm_type", NORMS)
@pytest.mark.parametrize("max_norm", [0.0, 0.5, 1e3, float("inf")])
@pytest.mark.parametrize(
    "dtypes",
    [["float32"], ["float64"] * 3, ["float32", "float64"], ["complex64", "complex128"]],
    ids=str,
)
def test_norm_is_that_of_pytorch(dtypes, max_norm, norm_type, generator) -> None:
    ours, leaves = with_gradients(dtypes, generator)
    got = clip_norm(ours, max_norm, norm_type)
    expected = torch.nn.utils.clip_grad_norm_(leaves, max_norm, norm_type).item()
    # PyTorch takes dtypes in an order of its own.
    tolerance = 0 if len(set(dtypes)) == 1 else 4e-16
    assert abs(got - expected) <= tolerance * expected
    for tensor, leaf in zip(ours[:-1], leaves):
        difference = np.abs(tensor.gradient().numpy() - leaf.grad.numpy())
        assert difference.max() <= tolerance * leaf.grad.abs().max().item()
    with pytest.raises(ShimError, match="no gradient"):
        ours[-1].gradient()


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_nonfinite_norm_is_told(bad, generator) -> None:
    ours, leaves = with_gradients(["float64"], generator)
    seed = np.full((3, 1), bad)
    ours[0].backward(wrap(seed))
    leaves[0].backward(torch.tensor(seed))
    got = clip_norm(ours, 1.0)
    expected = torch.nn.utils.clip_grad_norm_(leaves, 1.0).item()
    assert np.array_equal(got, expected, equal_nan=True)
    numbers = ours[0].gradient().numpy(), leaves[0].grad.numpy()
    assert np.array_equal(*numbers, equal_nan=True)


@pytest.mark.parametrize("max_value", [0.0, 0.3, 10.0])
def test_value_is_that_of_pytorch(max_value, generator) -> None:
    ours, leaves = with_gradients(["float32", "float64"], generator)
    clip_value(ours, max_value)
    torch.nn.utils.clip_grad_value_(leaves, max_value)
    for tensor, leaf in zip(ours[:-1], leaves):
        assert np.array_equal(tensor.gradient().numpy(), leaf.grad.numpy())


def test_without_gradients_the_norm_is_zero() -> None:
    weight = create([2], requires_grad=1)
    assert clip_norm([weight], 1.0) == 0
    assert clip_norm([], 1.0) == 0
    clip_value([weight], 1.0)


def test_what_is_refused_changes_nothing(generator) -> None:
    ours, _ = with_gradients(["float32", "complex64"], generator)
    before = [tensor.gradient().numpy() for tensor in ours[:-1]]
    for clip, text in [
        (lambda: clip_norm(ours, -1), "max_norm is -1"),
        (lambda: clip_norm(ours, float("nan")), "max_norm is nan"),
        (lambda: clip_norm(ours, 1, -2), "norm_type is -2"),
        (lambda: clip_norm([ours[0], ours[0]], 1), r"parameters\(2\).*was given before"),
        (lambda: clip_norm(ours, 1, float("nan")), "norm_type is nan"),
        (lambda: clip_value(ours, -1), "max_value is -1"),
        (lambda: clip_value(ours, 1), "complex gradient has no order"),
        (lambda: clip_norm([ours[0], create([2])], 1), r"parameters\(2\).*no leaf"),
        (lambda: clip_norm([ours[0], Tensor()], 1), r"parameters\(2\).*holds nothing"),
    ]:
        with pytest.raises(ShimError, match=text):
            clip()
        for tensor, numbers in zip(ours, before):
            assert np.array_equal(tensor.gradient().numpy(), numbers)


def test_gradient_that_was_got_stays() -> None:
    weight = wrap(np.ones(2), 1)
    weight.backward(wrap(np.array([3.0, 4.0])))
    got = weight.gradient()
    assert clip_norm([weight], 1.0) == 5
    assert got.numpy().tolist() == [3, 4]


@pytest.mark.parametrize("norm_type", NORMS)
def test_gradient_without_elements(norm_type) -> None:
    empty, weight = wrap(np.ones((0, 3)), 1), wrap(np.ones(2), 1)
    empty.backward(wrap(np.ones((0, 3))))
    weight.backward(wrap(np.array([3.0, 4.0])))
    alone = clip_norm([weight], 100.0, norm_type)
    assert clip_norm([empty, weight], 100.0, norm_type) == alone
    clip_value([empty, weight], 1.0)
    assert weight.gradient().numpy().tolist() == [1, 1]
