# SPDX-License-Identifier: MIT
"""Models: files of every kind, forward passes against PyTorch, parameters, saving."""

from __future__ import annotations

import zipfile
from ctypes import byref, c_int32, c_int64
from pathlib import Path

import numpy as np
import pytest
import torch

import shim
from shim import ShimError, Tensor, anything, call, create, forward, load, parameters, wrap


def is_training(model: shim.Object) -> bool:
    answer = c_int32(-1)
    call("ft_model_is_training", model.handle, byref(answer))
    return bool(answer.value)


def inputs(generator: np.random.Generator, *shapes: tuple[int, ...]) -> list[np.ndarray]:
    return [np.asfortranarray(generator.normal(size=shape).astype("f4")) for shape in shapes]


@pytest.mark.parametrize(
    ("name", "shapes", "count"),
    [
        ("mlp_float32", [(5, 8)], 1),
        ("mlp_float32", [(1, 8)], 1),
        ("convolution", [(4, 2, 6)], 1),
        ("two_inputs", [(3, 2), (3, 2)], 1),
        ("tuple_output", [(2,)], 2),
        ("list_output", [(2, 2)], 3),
        ("dict_output", [(3,)], 2),
        ("nested_output", [(3,)], 3),
        ("default_input", [(3,)], 1),
        ("scaling", [(2, 2)], 1),
    ],
)
@pytest.mark.parametrize("attached", [False, True])
def test_forward_is_that_of_pytorch(
    name, shapes, count, attached, models: Path, generator
) -> None:
    arrays = inputs(generator, *shapes)
    with torch.no_grad():
        expected = torch.jit.load(str(models / f"{name}.pt")).eval()(*map(torch.tensor, arrays))
    flat = flatten(expected)
    outputs = [anything(one.shape, str(one.dtype).removeprefix("torch.")) for one in flat]
    if attached:
        outputs = [wrap(np.zeros(tuple(one.shape), "f4", order="F")) for one in flat]
    forward(load(models / f"{name}.pt"), [wrap(one) for one in arrays], outputs)
    assert len(flat) == count
    for output, one in zip(outputs, flat):
        assert np.allclose(output.numpy(), one.numpy(), rtol=1e-6, atol=1e-7)
        assert not output.requires_grad()
        if attached:
            assert np.array_equal(output.array, output.numpy())


def flatten(value) -> list[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        return [value]
    return [
        one
        for part in (value.values() if isinstance(value, dict) else value)
        for one in flatten(part)
    ]


def test_gradients_are_those_of_pytorch(models: Path, generator) -> None:
    (array,) = inputs(generator, (5, 8))
    reference = torch.jit.load(str(models / "mlp_float32.pt"))
    leaf = torch.tensor(array, requires_grad=True)
    reference(leaf).sum().backward()
    model = load(models / "mlp_float32.pt")
    x, y, total = wrap(array, 1), wrap(np.zeros((5, 4), "f4", order="F")), create([])
    for _ in range(3):
        forward(model, [x], [y], requires_grad=1)
    shim.unary(shim.SUM, y, into=total)
    total.backward()
    assert np.allclose(x.gradient().numpy(), leaf.grad.numpy(), rtol=1e-6, atol=1e-7)
    expected = [one.grad for one in reference.parameters()]
    for parameter, gradient in zip(parameters(model, len(expected)), expected):
        assert np.allclose(parameter.gradient().numpy(), gradient.numpy(), rtol=1e-5, atol=1e-6)


def test_result_that_is_the_input_is_copied(models: Path) -> None:
    x, outputs = wrap(np.arange(3, dtype="f4")), [anything([3]) for _ in range(3)]
    forward(load(models / "list_output.pt"), [x], outputs)
    x.array[:] = 9
    assert outputs[0].numpy().tolist() == [0, 1, 2]


def test_wrong_counts(models: Path) -> None:
    model, x = load(models / "two_inputs.pt"), create([2])
    with pytest.raises(ShimError, match=r"2 inputs \(x, y\); 1 was given") as failure:
        forward(model, [x], [anything()])
    assert failure.value.status == "ft_invalid_argument"
    with pytest.raises(ShimError, match="3 were given"):
        forward(model, [x, x, x], [anything()])
    with pytest.raises(ShimError, match="1 to 2 inputs"):
        forward(load(models / "default_input.pt"), [], [anything()])
    for outputs in ([], [anything(), anything()]):
        with pytest.raises(ShimError, match="returns 1 tensor") as failure:
            forward(model, [x, x], outputs)
        assert failure.value.status == "ft_invalid_argument"


def test_wrong_inputs(models: Path) -> None:
    model = load(models / "mlp_float32.pt")
    with pytest.raises(ShimError, match=r"input_tensors\(1\).*holds nothing") as failure:
        forward(model, [Tensor()], [anything()])
    assert failure.value.status == "ft_invalid_argument"
    with pytest.raises(ShimError, match=r"cannot be multiplied \(5x9 and 8x32\)") as failure:
        forward(model, [create([5, 9])], [anything()])
    assert failure.value.status == "ft_shape_mismatch"
    assert "Traceback" not in str(failure.value)
    with pytest.raises(ShimError, match="factor, is of type float"):
        forward(load(models / "default_input.pt"), [create([2]), create([2])], [anything()])
    with pytest.raises(ShimError, match=r"output_tensors\(1\).*holds nothing"):
        forward(model, [create([5, 8])], [Tensor()])


def test_outputs_are_checked_before_any_is_written(models: Path) -> None:
    model, x = load(models / "tuple_output.pt"), create([2])
    first = wrap(np.full(2, -1, "f4"))
    for second, status in [
        (wrap(np.zeros(3, "f4")), "ft_shape_mismatch"),
        (wrap(np.zeros(2, "i4")), "ft_dtype_mismatch"),
        (create([2, 2]), "ft_shape_mismatch"),
    ]:
        with pytest.raises(ShimError, match=r"output_tensors\(2\)") as failure:
            forward(model, [x], [first, second])
        assert failure.value.status == status
        assert first.array.tolist() == [-1, -1]


def test_errors_of_the_model(models: Path) -> None:
    message = r"ft_model_error: RuntimeError: negative concentration in the input$"
    with pytest.raises(ShimError, match=message):
        forward(load(models / "failing.pt"), [wrap(np.array([-1.0], "f4"))], [anything()])
    with pytest.raises(ShimError, match="float64") as failure:
        forward(load(models / "number_output.pt"), [create([2])], [anything()])
    assert failure.value.status == "ft_dtype_mismatch"


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"", "the file is empty"),
        (b"some text", "no archive of a model"),
        (b"\x89HDF\r\n\x1a\n", "HDF5"),
        (b"CDF\x01", "netCDF"),
        (b"PK\x03\x04 and no more", "cut short or damaged"),
    ],
)
def test_files_that_are_no_model(content: bytes, part: str, tmp_path: Path) -> None:
    file = tmp_path / "model.pt"
    file.write_bytes(content)
    with pytest.raises(ShimError, match=f"model.pt'.*{part}") as failure:
        load(file)
    assert failure.value.status == "ft_model_error"


def test_archives_that_are_no_model(models: Path, tmp_path: Path) -> None:
    whole = (models / "mlp_float32.pt").read_bytes()
    (tmp_path / "truncated.pt").write_bytes(whole[: len(whole) // 2])
    torch.save({"weight": torch.ones(2)}, tmp_path / "weights.pt")
    torch.save({}, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    with zipfile.ZipFile(tmp_path / "compiled.pt2", "w") as archive:
        archive.writestr("compiled/data/aotinductor/model/model.so", b"")
    for name, part in [
        ("truncated.pt", "cut short"),
        ("weights.pt", "weights"),
        ("old.pt", "pickle"),
        ("compiled.pt2", "no library"),
    ]:
        with pytest.raises(ShimError, match=f"{name}.*{part}") as failure:
            load(tmp_path / name)
        assert failure.value.status == "ft_model_error"


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    for file, part in [
        (tmp_path / "none.pt", "No such file"),
        (tmp_path, "directory"),
        ("", "No such file"),
        (tmp_path / "no" / "model.pt", "No such file"),
    ]:
        with pytest.raises(ShimError, match=part) as failure:
            load(file)
        assert failure.value.status == "ft_io_error"


def test_device_of_a_model(models: Path) -> None:
    with pytest.raises(ShimError, match="offers: cpu") as failure:
        load(models / "scaling.pt", device=13)
    assert failure.value.status == "ft_device_unavailable"


def test_modes(models: Path) -> None:
    model = load(models / "normalised.pt")
    assert not is_training(model)
    call("ft_model_train", model.handle, 1)
    assert is_training(model)
    call("ft_model_train", model.handle, 0)
    assert not is_training(model)
    assert is_training(load(models / "normalised.pt", train=1))


def test_frozen_model_cannot_be_trained(tmp_path: Path) -> None:
    frozen = torch.jit.freeze(torch.jit.script(torch.nn.Linear(2, 2).eval()))
    frozen.save(str(tmp_path / "frozen.pt"))
    model = load(tmp_path / "frozen.pt")
    assert not is_training(model)
    with pytest.raises(ShimError, match="frozen"):
        call("ft_model_train", model.handle, 1)


@pytest.mark.parametrize(("requires_grad", "expected"), [(-1, True), (0, False), (1, True)])
def test_parameters_require_gradients(requires_grad: int, expected: bool, models: Path) -> None:
    model = load(models / "scaling.pt", requires_grad=requires_grad)
    assert parameters(model, 1)[0].requires_grad() is expected


@pytest.mark.parametrize("requires_grad", [0, 1])
def test_parameters_are_those_of_the_model(requires_grad: int, models: Path) -> None:
    model, y = load(models / "scaling.pt", requires_grad=requires_grad), anything([3])
    (scale,) = parameters(model, 1)
    assert scale.numpy().tolist() == [2]
    scale.zero()
    forward(model, [create([3])], [y])
    assert y.numpy().tolist() == [0, 0, 0]


def test_parameters_need_room(models: Path) -> None:
    model = load(models / "mlp_float32.pt")
    with pytest.raises(ShimError, match="has 6 parameters; there is room for 2") as failure:
        parameters(model, 2)
    assert failure.value.status == "ft_invalid_argument"
    attached = wrap(np.zeros(1, "f4"))
    scaling = load(models / "scaling.pt")
    with pytest.raises(ShimError, match="wraps an array"):
        call("ft_model_parameters", scaling.handle, shim.handles([attached]), c_int64(1))
    held = create([7])
    call("ft_model_parameters", scaling.handle, held.target, c_int64(1))
    assert held.numpy().tolist() == [2]


def test_text_names_the_parameters(models: Path) -> None:
    model = load(models / "scaling.pt")
    call("ft_model_text", model.handle)
    kind = "[ CPUFloatType{1} ] float32, shape [1], cpu, requires_grad"
    assert shim.text().split() == ["scale", "[1]", "2", *kind.split()]


def test_saved_model_is_read_by_pytorch(models: Path, tmp_path: Path) -> None:
    model = load(models / "scaling.pt")
    parameters(model, 1)[0].zero()
    call("ft_model_save", model.handle, str(tmp_path / "saved.pt").encode())
    assert [file.name for file in tmp_path.iterdir()] == ["saved.pt"]
    assert torch.jit.load(str(tmp_path / "saved.pt"))(torch.ones(1)).tolist() == [0]
    y = anything([1])
    forward(load(tmp_path / "saved.pt"), [create([1])], [y])
    assert y.numpy().tolist() == [0]


def test_saving_leaves_nothing_behind(models: Path, tmp_path: Path) -> None:
    model = load(models / "scaling.pt")
    for file in (tmp_path / "no" / "model.pt", tmp_path):
        with pytest.raises(ShimError, match="cannot be written") as failure:
            call("ft_model_save", model.handle, str(file).encode())
        assert failure.value.status == "ft_io_error"
    assert not list(tmp_path.iterdir())
    assert not list(tmp_path.parent.glob("*.part*"))
