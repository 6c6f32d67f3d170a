# SPDX-License-Identifier: MIT
"""Operators by name, against `torch.ops`."""

from __future__ import annotations

from collections.abc import Sequence
from ctypes import c_int64
from typing import Any

import numpy as np
import pytest
import torch
from arguments import Argument, argument_array, bits

import shim
from shim import LIBRARY, ShimError, Tensor, call, create, handles, wrap

X = np.asfortranarray(np.random.default_rng(5).normal(size=(3, 4)))
Y = np.asfortranarray(np.random.default_rng(6).normal(size=(3, 4)))
M = np.asfortranarray(np.random.default_rng(7).normal(size=(4, 2)))
INDEX = np.array([2, 0, 2])

# Name, arguments: arrays are tensors, with requires_grad where they are real. Keywords come last.
CASES: list[tuple[str, Sequence[Any]]] = [
    ("add", (X, Y)),
    ("add", (X, 2)),
    ("sub", (X, Y, {"alpha": 0.5})),
    ("mul", (X, 1.5)),
    ("div", (X, Y, {"rounding_mode": "floor"})),
    ("clamp", (X, None, 0.25)),
    ("clamp", (X, Y, None)),
    ("matmul", (X, M)),
    ("linear", (X, Y)),
    ("einsum", ("ij,jk->ik", (X, M))),
    ("cat", ((X, Y), 1)),
    ("stack", ((X, Y, X),)),
    ("sum", (X, [1])),
    ("sum", (X, [0, 1], True)),
    ("mean", (X, 1)),
    ("var", (X, [0])),
    ("norm", (X,)),
    ("max", (X, 1)),
    ("topk", (X, 2)),
    ("sort", (X, 0, True)),
    ("index_select", (X, 0, INDEX)),
    ("index", (X, (None, INDEX))),
    ("gather", (X, 0, INDEX.reshape(3, 1))),
    ("permute", (X, [1, 0])),
    ("reshape", (X, [2, -1])),
    ("view", (X, [3, 2, 2])),
    ("expand", (X, [2, 3, 4])),
    ("split", (X, 2)),
    ("unbind", (X, 1)),
    ("chunk", (X, 3, 1)),
    ("roll", (X, [1], [0])),
    ("triu", (X,)),
    ("where", (X > 0, X, Y)),
    ("masked_fill", (X, X > 0, 7)),
    ("softmax", (X, 1)),
    ("gelu", (X, {"approximate": "tanh"})),
    ("layer_norm", (X, [4])),
    ("avg_pool1d", (X, [2])),
    ("constant_pad_nd", (X, [1, 0], 0.5)),
    ("special_erfcx", (X,)),
    ("linalg_svd", (X, False)),
    ("linalg_norm", (X, "fro")),
    ("to", (X, 6)),
    ("_cast_Float", (X,)),
    ("histc", (X, 4, -2, 2)),
    ("bitwise_and", (INDEX, 3)),
    ("pow", (2, X)),
    ("pow", (X, 2)),
    ("cdist", (X, Y)),
]


def call_operator(name: str, arguments: Sequence[Argument], outputs: list[Tensor]) -> None:
    encoded, memory = name.encode(), handles(outputs)
    try:
        call(
            *("ft_call", encoded, c_int64(len(encoded)), argument_array(arguments)),
            *(c_int64(len(arguments)), memory, c_int64(len(outputs))),
        )
    finally:
        for output, handle in zip(outputs, memory):
            output.handle.value = handle


class Operand:
    """An argument of both sides."""

    def __init__(self, value: Any, requires_grad: bool) -> None:
        self.leaves: list[tuple[Tensor, torch.Tensor]] = []
        self.requires_grad = requires_grad
        self.ours, self.theirs = self._both(value)
        self.argument = Argument(self.ours)

    def _both(self, value: Any) -> tuple[Any, Any]:
        if isinstance(value, np.ndarray):
            grad = self.requires_grad and value.dtype.kind == "f"
            array = np.array(value, order="F")
            pair = wrap(array, int(grad)), torch.tensor(array, requires_grad=grad)
            if grad:
                self.leaves.append(pair)
            return pair
        if isinstance(value, tuple):
            pairs = [self._both(one) for one in value]
            return [one for one, _ in pairs], [one for _, one in pairs]
        return value, value


DTYPES = {("to", 1): torch.float32}


def flat(result: Any) -> list[torch.Tensor]:
    return [result] if isinstance(result, torch.Tensor) else [y for x in result for y in flat(x)]


@pytest.mark.parametrize("requires_grad", [False, True])
@pytest.mark.parametrize("case", range(len(CASES)))
def test_as_pytorch(case: int, requires_grad: bool) -> None:
    name, values = CASES[case]
    keywords = values[-1] if values and isinstance(values[-1], dict) else {}
    operands = [
        Operand(value, requires_grad)
        for value in (*(one for one in values if not isinstance(one, dict)), *keywords.values())
    ]
    given = [DTYPES.get((name, i), one.theirs) for i, one in enumerate(operands)]
    positional = given[: len(given) - len(keywords)]
    expected = flat(getattr(torch.ops.aten, name)(*positional, **keywords))
    outputs = [Tensor() for _ in expected]
    call_operator(name, [one.argument for one in operands], outputs)
    for got, reference in zip(outputs, expected):
        assert got.shape() == list(reference.shape)
        assert bits(got.numpy()) == bits(reference.detach().numpy())
        assert got.requires_grad() == reference.requires_grad
    for got, reference in zip(outputs, expected):
        if reference.requires_grad:
            got.backward(wrap(np.ones(got.shape(), got.dtype(), order="F")), retain_graph=True)
            reference.backward(torch.ones_like(reference), retain_graph=True)
    for operand in operands:
        for leaf, reference in operand.leaves:
            if reference.grad is not None:
                assert np.allclose(leaf.gradient().numpy(), reference.grad.numpy(), rtol=1e-13)


def test_arrays_may_be_written_after_the_operation() -> None:
    """What a graph holds is no memory of the program."""
    weight, array = wrap(np.ones(3), 1), np.array([1.0, 2.0, 3.0])
    outputs = [Tensor()]
    call_operator("mul", [Argument(weight), Argument(wrap(array))], outputs)
    array[:] = -5
    outputs[0].backward(wrap(np.ones(3)))
    assert weight.gradient().numpy().tolist() == [1, 2, 3]


def test_results_are_memory_of_their_own() -> None:
    array = np.arange(6.0)
    x, views = wrap(array), [Tensor(), Tensor()]
    call_operator("split", [Argument(x), Argument(3)], views)
    array[:] = -1
    views[0].zero()
    assert views[1].numpy().tolist() == [3, 4, 5]
    same = [Tensor()]
    call_operator("dropout", [Argument(x), Argument(0.5), Argument(False)], same)
    array[:] = 7
    assert same[0].numpy().tolist() == [-1] * 6


def test_a_result_that_is_none_is_no_zeros() -> None:
    """The gradient that a mask leaves out: an array has no numbers for it."""
    ones, sizes = torch.ones(2, 3, dtype=torch.float64), [3]
    mean, rstd = torch.zeros(2, 1).double(), torch.ones(2, 1).double()
    tensors = [wrap(one.numpy()) for one in (ones, ones, mean, rstd, ones[0].clone())]
    operands = [Argument(one) for one in tensors]
    given = [*operands[:2], Argument(sizes), *operands[2:], Argument(None)]
    given.append(Argument([True, False, False]))
    outputs = [Tensor(), create([3], "float64"), Tensor()]
    call_operator("native_layer_norm_backward", given, outputs)
    assert outputs[0].shape() == [2, 3]
    assert [one.handle.value for one in outputs[1:]] == [None, None]
    kept, first = wrap(np.full(3, 7.0)), wrap(np.full((2, 3), 7.0, order="F"))
    with pytest.raises(ShimError, match=r"outputs\(2\): the operator returns no tensor"):
        call_operator("native_layer_norm_backward", given, [first, kept, Tensor()])
    assert (kept.array == 7).all()
    assert (first.array == 7).all()


def test_random_numbers() -> None:
    outputs = [Tensor()]
    call("ft_manual_seed", c_int64(4))
    call_operator("bernoulli", [Argument(create([50])), Argument(0.5)], outputs)
    torch.manual_seed(4)
    expected = torch.bernoulli(torch.ones(50), 0.5)
    assert bits(outputs[0].numpy()) == bits(expected.numpy())


def test_a_failure_writes_nothing() -> None:
    first, second = wrap(np.full(2, -1.0)), wrap(np.full(3, -1, "i8"))
    x = wrap(np.array([3.0, 1.0, 2.0]))
    with pytest.raises(ShimError, match=r"topk: outputs\(2\): the value has shape \[2\]"):
        call_operator("topk", [Argument(x), Argument(2)], [first, second])
    assert first.array.tolist() == [-1, -1]
    with pytest.raises(ShimError, match=r"outputs\(2\): the tensor shares its memory with"):
        call_operator("topk", [Argument(x), Argument(2)], [first, first])
    assert first.array.tolist() == [-1, -1]


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("to_sparse", [np.ones(2)], "only plain tensors can be taken"),
        ("add", ["x"], "the arguments do not fit"),
        ("resize_", [np.ones(2), [3]], "writes its arguments"),
        ("na\xefve", [], "characters that no name"),
        ("inductor::_alloc_from_pool", [], "more than compute with tensors"),
        ("as_strided", [np.ones(2), [100], [1]], "out of bounds"),
    ],
)
def test_refused(name: str, arguments: Sequence[Any], message: str) -> None:
    operands = [Operand(one, requires_grad=False) for one in arguments]
    with pytest.raises(ShimError, match=message):
        call_operator(name, [one.argument for one in operands], [Tensor()])


def test_a_held_argument_outlives_its_tensor() -> None:
    outputs, before = [Tensor()], shim.live()
    x = create([2])
    call("ft_argument_hold", x.handle)
    held = Argument(x)
    LIBRARY.ft_release(x.handle)
    call_operator("mul", [held, Argument(3)], outputs)
    assert outputs[0].numpy().tolist() == [3, 3]
    with pytest.raises(ShimError, match="was released"):
        call_operator("mul", [held, Argument(3)], outputs)
    del outputs
    assert shim.live() == before


def test_an_argument_over_an_array_is_named_alone() -> None:
    x = wrap(np.ones(2))
    call("ft_argument_hold", x.handle)
    argument = Argument(x)
    LIBRARY.ft_release(x.handle)
    with pytest.raises(ShimError, match="was released"):
        call_operator("mul", [argument, Argument(3)], [Tensor()])


def test_kinds_of_arguments() -> None:
    wrong = Argument()
    wrong.kind = 77
    with pytest.raises(ShimError, match=r"arguments\(1\): an argument of the kind 77"):
        call_operator("exp", [wrong], [Tensor()])
    listed = Argument([1, 2])
    listed.data = None
    with pytest.raises(ShimError, match="null pointer"):
        call_operator("flip", [Argument(create([2])), listed], [Tensor()])
