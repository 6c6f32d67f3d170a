# SPDX-License-Identifier: MIT
"""What losses refuse: class numbers out of range, tensors that do not fit, a wrong order."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import shim
from catalog.losses import LOSSES
from shim import MUL, ShimError, Tensor, binary, create, loss, wrap

NUMBERS = {row.name: number for number, row in enumerate(LOSSES)}
NONE, MEAN, SUM = range(3)


def evaluate(name, input, target, reduction=MEAN, into=None, tensors=None, **chosen):
    """A loss by name."""
    row = LOSSES[NUMBERS[name]]
    values = [chosen.get(one.name, one.default) for one in row.arguments]
    return loss(NUMBERS[name], input, target, reduction, into, values, tensors)


@pytest.mark.parametrize("name", ["cross_entropy", "nll"])
@pytest.mark.parametrize("reduction", [NONE, MEAN, SUM])
@pytest.mark.parametrize("shape", [(), (3,), (3, 4), (3, 4, 2)])
@pytest.mark.parametrize("number", [-1, 5, -101, 1 << 40])
@pytest.mark.parametrize("has_weight", [False, True])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_class_numbers_out_of_range(name, reduction, shape, number, has_weight, smoothing) -> None:
    target = np.zeros(shape, np.int64, order="F")
    target[(-1,) * len(shape)] = number
    input = wrap(np.asfortranarray(np.full((*shape[:1], 5, *shape[1:]), -1.0)), 1)
    tensors = {"weight": create([5], "float64")} if has_weight else {}
    chosen = {"label_smoothing": smoothing} if name == "cross_entropy" else {}
    with pytest.raises(
        ShimError, match=f"class number {number}; input_tensor has 5 classes, counted from 0"
    ) as failure:
        evaluate(name, input, wrap(target), reduction, tensors=tensors, **chosen)
    assert failure.value.status == "ft_invalid_argument"


@pytest.mark.parametrize("name", ["cross_entropy", "nll"])
@pytest.mark.parametrize("reduction", [NONE, MEAN, SUM])
@pytest.mark.parametrize("shape", [(4,), (4, 3), (4, 3, 2)])
@pytest.mark.parametrize("ignore", [-100, 2, 77])
def test_ignored_samples(name, reduction, shape, ignore, generator) -> None:
    numbers = generator.integers(0, 5, shape)
    numbers[0] = ignore
    input = generator.normal(size=(shape[0], 5, *shape[1:]))
    weight = generator.uniform(0.5, 2, 5)
    leaf = torch.tensor(input, requires_grad=True)
    expected = getattr(torch.nn.functional, LOSSES[NUMBERS[name]].reference)(
        leaf,
        torch.tensor(numbers),
        weight=torch.tensor(weight),
        ignore_index=ignore,
        reduction=["none", "mean", "sum"][reduction],
    )
    expected.sum().backward()
    x = wrap(np.asfortranarray(input), 1)
    target = wrap(np.asfortranarray(numbers))
    tensors = {"weight": wrap(weight)}
    got = evaluate(name, x, target, reduction, tensors=tensors, ignore_index=ignore)
    assert np.allclose(got.numpy(), expected.detach().numpy(), rtol=1e-12, atol=1e-14)
    got.backward()
    assert np.allclose(x.gradient().numpy(), leaf.grad.numpy(), rtol=1e-12, atol=1e-14)


def test_arguments_out_of_range() -> None:
    x, y = create([2, 3]), wrap(np.array([0, 1]))
    for chosen, message in [
        ({"label_smoothing": 1.5}, "label_smoothing is 1.5"),
        ({"label_smoothing": -0.1}, "label_smoothing is -0.1"),
        ({"label_smoothing": float("nan")}, "label_smoothing is nan"),
        ({"ignore_index": 1.5}, "ignore_index is 1.5.*no whole number"),
        ({"ignore_index": float("inf")}, "ignore_index is inf"),
    ]:
        with pytest.raises(ShimError, match=message) as failure:
            evaluate("cross_entropy", x, y, **chosen)
        assert failure.value.status == "ft_invalid_argument"


@pytest.mark.parametrize(
    ("name", "target", "tensors", "status", "message"),
    [
        ("nll", ([2], "int32"), {}, "dtype", "target_tensor has dtype int32"),
        ("nll", ([2, 3], "int64"), {}, "shape", r"have \[2\]"),
        ("cross_entropy", ([3], "int64"), {}, "shape", r"\[3\]; beside .* have \[2\]"),
        ("cross_entropy", ([2, 4], "float32"), {}, "shape", r"\[2, 3\], target_tensor \[2, 4\]"),
        ("nll", ([2], "int64"), {"weight": ([2], "float32")}, "shape", "weight has shape"),
        ("nll", ([2], "int64"), {"weight": ([3], "float64")}, "dtype", "weight float64"),
        (
            "cross_entropy",
            ([2, 3], "float32"),
            {"weight": ([3, 1], "float32")},
            "shape",
            "weight has",
        ),
        ("bce", ([2, 3], "float32"), {"weight": ([2], "float32")}, "shape", "weight .* broadcast"),
        ("bce", ([2, 3], "float32"), {"weight": ([4, 2, 3], "float32")}, "shape", "broadcast"),
        (
            "bce_with_logits",
            ([2, 3], "float32"),
            {"pos_weight": ([2], "float32")},
            "shape",
            "pos_weight",
        ),
        (
            "gaussian_nll",
            ([2, 3], "float32"),
            {"variance": ([2, 1], "float32")},
            "shape",
            "variance",
        ),
        (
            "gaussian_nll",
            ([2, 3], "float32"),
            {"variance": ([2, 3], "float64")},
            "dtype",
            "variance",
        ),
        ("cosine_embedding", ([2], "float32"), {"other": ([2, 4], "float32")}, "shape", "other"),
        (
            "cosine_embedding",
            ([3], "float32"),
            {"other": ([2, 3], "float32")},
            "shape",
            "one element a",
        ),
    ],
)
def test_tensors_that_do_not_fit(name, target, tensors, status, message) -> None:
    further = {key: create(*one) for key, one in tensors.items()}
    with pytest.raises(ShimError, match=message) as failure:
        evaluate(name, create([2, 3]), create(*target), tensors=further)
    assert failure.value.status == f"ft_{status}_mismatch"


def test_numbers_that_a_loss_is_not_of() -> None:
    half, one = wrap(np.full((2, 3), 0.5)), create([2, 3], "float64")
    for value in (-0.1, 1.1, float("nan")):
        wrong = wrap(np.full((2, 3), value))
        for input, target, name in [(wrong, half, "input"), (half, wrong, "target")]:
            with pytest.raises(ShimError, match=f"{name}_tensor has elements from") as failure:
                evaluate("bce", input, target)
            assert failure.value.status == "ft_invalid_argument"
    with pytest.raises(ShimError, match="variance has negative elements"):
        evaluate("gaussian_nll", one, half, tensors={"variance": wrap(np.full((2, 3), -1.0))})
    with pytest.raises(ShimError, match="eps is 0"):
        evaluate("gaussian_nll", one, half, tensors={"variance": half}, eps=0)
    with pytest.raises(ShimError, match="neither 1 nor -1"):
        evaluate("cosine_embedding", one, wrap(np.array([1.0, 0.0])), tensors={"other": half})


def test_required_tensors() -> None:
    with pytest.raises(ShimError, match="variance holds nothing") as failure:
        evaluate("gaussian_nll", create([2]), create([2]))
    assert failure.value.status == "ft_invalid_argument"
    operands = (create([2]).handle, create([2]).handle, None, shim.c_int64(0))
    values = ((shim.c_double * 2)(), shim.c_int64(2), 1, Tensor().target)
    with pytest.raises(ShimError, match="0 tensors were given, 1 are needed"):
        shim.call("ft_loss", NUMBERS["gaussian_nll"], *operands, *values)


ORDER = "the order of the arguments is loss_tensor, input_tensor, target_tensor"


@pytest.mark.parametrize("name", ["mse", "l1", "bce_with_logits"])
def test_output_target_loss(name) -> None:
    """The order of other libraries: what shapes and kinds of tensors tell."""
    output, target = create([4, 3]), create([4, 3])
    number = wrap(np.zeros((), np.float32))
    for last, message in [(number, ORDER), (Tensor(), "target_tensor holds nothing")]:
        with pytest.raises(ShimError, match=message) as failure:
            evaluate(name, target, last, into=output)
    assert failure.value.status == "ft_invalid_argument"
    with pytest.raises(ShimError, match=ORDER) as failure:
        evaluate(name, target, create([4, 3]), into=output)
    assert failure.value.status == "ft_shape_mismatch"
    assert np.array_equal(output.numpy(), np.ones((4, 3)))


def test_output_classes_loss() -> None:
    output, classes, number = create([4, 3]), create([4], "int64"), create([])
    for last in (number, output):
        with pytest.raises(ShimError, match=ORDER) as failure:
            evaluate("cross_entropy", classes, last, into=output)
        assert failure.value.status == "ft_dtype_mismatch"


def test_orders_that_are_right() -> None:
    """A scalar problem, a loss without reduction, a loss that was one, a target with a graph."""
    evaluate("mse", create([]), create([]), into=create([]))
    evaluate("mse", create([4, 3]), create([4, 3]), NONE, into=create([4, 3]))
    reused = Tensor().assign(create([4, 3]))
    evaluate("mse", create([4, 3]), create([4, 3]), into=reused)
    assert reused.shape() == []
    leaf = wrap(np.ones(2, np.float32), 1)
    evaluate("mse", create([2]), binary(MUL, leaf, leaf)).backward()
    assert leaf.gradient().shape() == [2]
