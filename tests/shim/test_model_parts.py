# SPDX-License-Identifier: MIT
"""What a model has under a name: counts, names, single tensors, freezing by pattern, clones."""

from __future__ import annotations

import fnmatch

import numpy as np
import pytest
import torch
from model_parts import Tied, all_parameters, clone, count, freeze, name, names, part, saved, sgd

import shim
from shim import ShimError, create, forward, load, wrap


@pytest.fixture
def path(tmp_path):
    torch.manual_seed(3)
    return saved(Tied(), tmp_path)


def test_counts_and_names(path, models) -> None:
    model = load(path)
    reference = torch.jit.load(str(path))
    assert names(model, 0) == [one for one, _ in reference.named_parameters()]
    assert names(model, 1) == ["x", "scale"]
    assert names(model, 2) == ["mean", "spread"]
    for file, inputs, outputs in [
        ("two_inputs", ["x", "y"], ["output_1"]),
        ("tuple_output", ["x"], ["output_1", "output_2"]),
        ("nested_output", ["x"], ["output_1"]),
        ("dict_output", ["x"], ["output_1"]),
        ("default_input", ["x", "factor"], ["output_1"]),
    ]:
        other = load(models / f"{file}.pt")
        assert (count(other, 0), names(other, 1), names(other, 2)) == (0, inputs, outputs)


def test_names_that_are_not_there(path) -> None:
    model = load(path)
    for index in (0, count(model, 0) + 1, -1):
        with pytest.raises(
            ShimError, match=f"i is {index}; the model has 6 parameters"
        ) as failure:
            name(model, 0, index)
        assert failure.value.status == "ft_invalid_argument"


def test_a_parameter_is_the_models_memory(path) -> None:
    model = load(path)
    weight = part(model, "first.weight")
    assert weight.requires_grad()
    assert np.array_equal(part(model, "second.weight").numpy(), weight.numpy())
    weight.assign(wrap(np.full((3, 3), 0.25, np.float32)))
    x, y, z = (create([2, 3]) for _ in range(3))
    forward(model, [x], [y, z])
    reference = torch.jit.load(str(path)).eval()
    with torch.no_grad():
        reference.first.weight.fill_(0.25)
        expected = reference(torch.ones(2, 3))
    assert np.array_equal(y.numpy(), expected[0].numpy())
    assert np.array_equal(part(model, "second.weight").numpy(), np.full((3, 3), 0.25))
    optimizer = sgd([weight], 0.5)
    assert optimizer.handle


def test_a_buffer_is_the_models_memory(path) -> None:
    model = load(path)
    variance = part(model, "norm.running_var", True)
    variance.assign(create([3], fill=2))
    variance.zero()
    assert np.array_equal(part(model, "norm.running_var", True).numpy(), np.zeros(3))
    assert part(model, "norm.num_batches_tracked", True).dtype() == "int64"


def test_what_a_model_has_no_tensor_for(path) -> None:
    model = load(path)
    tensor = create([1])
    for wanted, is_buffer, message in [
        ("first.wieght", False, "no parameter 'first.wieght'; it has first.weight, "),
        ("first.weight", True, "is no buffer of the model but a parameter: torch_model_get_par"),
        ("norm.running_mean", False, "is no parameter of the model but a buffer: torch_model_get"),
        ("running_var", True, "no buffer 'running_var'; it has norm.running_var, "),
        ("", False, "no parameter ''"),
        ("first.weight\0x", False, "no parameter"),
    ]:
        with pytest.raises(ShimError, match=message) as failure:
            part(model, wanted, is_buffer, into=tensor)
        assert failure.value.status == "ft_invalid_argument"
    assert tensor.shape() == [1]
    with pytest.raises(ShimError, match="wraps an array"):
        part(model, "first.weight", into=wrap(np.zeros((3, 3), np.float32)))


def test_a_long_list_of_names_is_cut(tmp_path) -> None:
    layers = torch.nn.Sequential(*(torch.nn.Linear(1, 1) for _ in range(9)))
    with pytest.raises(ShimError, match=r"it has 7.bias, .* and 10 more$"):
        part(load(saved(layers, tmp_path)), "7.bios")


@pytest.mark.parametrize(
    "pattern",
    ["*", "first.*", "*.bias", "norm.??????", "[fn]*.bias", "[!f]*", "se*weight", "first.weight"],
)
def test_freezing_by_a_pattern(path, pattern) -> None:
    model = load(path)
    freeze(model, pattern)
    reference = torch.jit.load(str(path))
    matching = {
        id(one)
        for key, one in reference.named_parameters(remove_duplicate=False)
        if fnmatch.fnmatchcase(key, pattern)
    }
    for key, one in reference.named_parameters(remove_duplicate=False):
        expected = one.requires_grad and id(one) not in matching
        assert part(model, key).requires_grad() == expected, key
    freeze(model, "*", frozen=False)
    for key, one in reference.named_parameters():
        assert part(model, key).requires_grad() == one.is_floating_point()


def test_frozen_parameters_stay(path) -> None:
    model = load(path, requires_grad=1)
    parameters = all_parameters(model)
    trained = [one for one in parameters if one.requires_grad()]
    optimizer = sgd(trained, 0.5)
    x, y, z = (create([4, 3]) for _ in range(3))

    def step() -> None:
        forward(model, [x], [y, z], requires_grad=1)
        shim.unary(shim.SUM, y).backward()
        shim.call("ft_optim_step", optimizer.handle)

    step()
    freeze(model, "first.*")
    before = [part(model, key).numpy() for key in ("first.weight", "first.bias", "second.bias")]
    step()
    after = [part(model, key).numpy() for key in ("first.weight", "first.bias", "second.bias")]
    assert np.array_equal(before[0], after[0])
    assert np.array_equal(before[1], after[1])
    assert not np.array_equal(before[2], after[2])
    with pytest.raises(ShimError, match="requires_grad"):
        sgd([part(model, "first.bias")], 0.5)
    with pytest.raises(ShimError, match="without requires_grad"):
        part(model, "first.bias").gradient()


def test_a_pattern_of_no_parameter(path) -> None:
    model = load(path)
    with pytest.raises(
        ShimError, match=r"pattern 'frist\.\*' is that of no .* first.bias"
    ) as failure:
        freeze(model, "frist.*")
    assert failure.value.status == "ft_invalid_argument"
    assert part(model, "first.bias").requires_grad()


def test_a_clone_is_a_model_of_its_own(path) -> None:
    model = load(path, train=1)
    freeze(model, "norm.*")
    x, y, z = (create([4, 3]) for _ in range(3))
    forward(model, [x], [y, z], requires_grad=1)
    shim.unary(shim.SUM, y).backward()
    copy = clone(model)
    training = shim.c_int32()
    shim.call("ft_model_is_training", copy.handle, shim.byref(training))
    assert training.value == 1
    for key in names(model, 0):
        one, other = part(model, key), part(copy, key)
        assert np.array_equal(one.numpy(), other.numpy())
        assert one.requires_grad() == other.requires_grad(), key
        if other.requires_grad():
            with pytest.raises(ShimError, match="no gradient"):
                other.gradient()
    for key in ("running_mean", "running_var", "num_batches_tracked"):
        values = [part(one, f"norm.{key}", True).numpy() for one in (model, copy)]
        assert np.array_equal(*values)
    for one in (model, copy):
        shim.call("ft_model_train", one.handle, 0)
    results = [create([4, 3]) for _ in range(2)]
    forward(copy, [x], results)
    forward(model, [x], [y, z])
    # Its own list of tensors went on from the same state.
    assert np.array_equal(results[1].numpy(), z.numpy())
    part(copy, "second.weight").zero()
    assert np.array_equal(part(copy, "first.weight").numpy(), np.zeros((3, 3)))
    assert part(model, "first.weight").numpy().any()
    del model
    forward(copy, [x], results)


def test_a_clone_of_a_model_that_has_run(models) -> None:
    """Its passes without gradients have no graph, whichever ran before."""
    model = load(models / "mlp_float32.pt")
    x, y = create([5, 8]), create([5, 4])
    for _ in range(3):
        forward(model, [x], [y], requires_grad=1)
    copy = clone(model)
    other = create([5, 4])
    forward(copy, [x], [other])
    assert not other.requires_grad()
    assert np.array_equal(other.numpy(), y.numpy())
