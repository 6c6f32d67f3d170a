# SPDX-License-Identifier: MIT
"""Packages of AOTInductor where the code alone would give wrong numbers or end the process."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable
from ctypes import c_int64
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from compiled import network, package, respecified, step_package
from exported import export, given, results, same
from model_parts import all_parameters, part, sgd
from sessions import bind
from sessions import run as run_session
from test_compiled_state import share
from test_train_step import load, run
from torch import Tensor, nn
from torch.export import Dim

import shim
from ftorch_tools.export import aoti, formats
from shim import ShimError, create, forward, wrap

X = torch.linspace(-1.0, 1.0, 12).reshape(4, 3)


class Net(nn.Module):
    """A layer behind another."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.a, self.b = nn.Linear(3, 3), nn.Linear(3, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.b(torch.tanh(self.a(x)))


class Tied(Net):
    """Whose layers have one weight."""

    def __init__(self) -> None:
        super().__init__()
        self.b.weight = self.a.weight


class Penalty(Net):
    """A network that returns a number besides, and a column sum."""

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        h = torch.tanh(self.a(x))
        y = self.b(h)
        return nn.functional.mse_loss(h, torch.zeros_like(h)), (y * y).sum(0), torch.exp(y)


class Table(nn.Module):
    """Rows of a table."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.rows = nn.Embedding(50, 64)

    def forward(self, i: Tensor) -> Tensor:
        return torch.tanh(self.rows(i)) * 2


def compiled(module: nn.Module, file: Path, *arguments: Tensor) -> Path:
    """The package of a network, with a dynamic first size."""
    shapes = tuple({0: Dim("batch", min=1)} for _ in arguments)
    formats.write_package(module, file, arguments, shapes, {}, aoti.Compilation(aoti.PLAIN))
    return file


def step_of(name: str, module: nn.Module) -> Path:
    """The compiled training step of a network of this file."""
    shapes: tuple[list[Any], list[Any]] = ([{0: Dim("rows", min=1)}], [{0: Dim("rows", min=1)}])
    loss = nn.functional.mse_loss
    return step_package(f"faults_{name}", module, loss, (X,), [torch.zeros(4, 3)], shapes)


def model_of(module: nn.Module, folder: Path) -> shim.Object:
    return shim.load(export(module, [X], folder / "m.pt2", ({0: Dim("b", min=1)},)), train=1)


def test_compiled_on_one_thread_runs_on_several(tmp_path: Path) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        file = compiled(Penalty(), tmp_path / "p.pt2", X)
    finally:
        torch.set_num_threads(before)
    with torch.no_grad():
        expected = list(Penalty()(X))
    model = shim.load(file)
    for threads in (1, 2, 3):
        shim.call("ft_set_num_threads", c_int64(threads))
        for output, one in zip(results(model, given([X]), expected), expected):
            same(output.numpy(), one, 1e-6)
    shim.call("ft_set_num_threads", c_int64(0))


def test_an_index_out_of_range_is_an_error(tmp_path: Path) -> None:
    rows = torch.arange(4)
    model = shim.load(compiled(Table(), tmp_path / "t.pt2", rows))
    with torch.no_grad():
        expected = [Table()(rows)]
    for wrong in (50, -51):
        with pytest.raises(ShimError, match="out of bounds"):
            results(model, given([torch.tensor([0, 1, 2, wrong])]), expected)
    same(results(model, given([rows]), expected)[0].numpy(), expected[0], 1e-6)


def test_a_tensor_that_is_returned_twice_is_two_results() -> None:
    model = shim.load(package("twice"))
    x, y = (np.full((4, 3), value, np.float32, order="F") for value in (2.0, 5.0))
    one, other = create([4, 3]), create([4, 3])
    forward(model, [wrap(x), wrap(y)], [one, other])
    assert (one.numpy() == 15).all()
    assert (other.numpy() == 15).all()
    shim.binary(shim.ADD, one, one, into=one)
    assert (one.numpy() == 30).all()
    assert (other.numpy() == 15).all()
    arrays = [np.zeros((4, 3), np.float32, order="F") for _ in range(2)]
    session = bind(model, [wrap(x), wrap(y)], [wrap(array) for array in arrays])
    run_session(session)
    run_session(session)
    assert all((array == 25).all() for array in arrays)


def test_one_tensor_is_not_both_inputs_of_code_that_writes_one() -> None:
    model = shim.load(package("twice"))
    x = np.full((4, 3), 2.0, np.float32, order="F")
    both, outputs = wrap(x), [wrap(np.zeros((4, 3), np.float32)) for _ in range(2)]
    with pytest.raises(
        ShimError, match=r"input_tensors\(2\): .*same tensor as input_tensors\(1\)"
    ):
        forward(model, [both, both], outputs)
    shared = (
        r"(input\w*)\(1\): the model writes it in place, and it shares its memory with \1\(2\)"
    )
    with pytest.raises(ShimError, match=f"ft_invalid_argument: {shared}"):
        forward(model, [both, wrap(x)], outputs)
    for second in (both, wrap(x)):
        with pytest.raises(ShimError, match=f"ft_invalid_argument: {shared}"):
            bind(model, [both, second], outputs)
    assert (x == 2).all()


class Drawn(Net):
    """A layer over time, weights with one gradient, and tensors that no file of weights has."""

    def __init__(self) -> None:
        super().__init__()
        self.memory = nn.LSTM(3, 3, batch_first=True)
        self.c = nn.Parameter(torch.randn(3, 3))
        self.d = nn.Parameter(torch.randn(3, 3))
        self.register_buffer("scale", torch.arange(1.0, 4.0), persistent=False)
        self.shift = torch.arange(3.0)

    def forward(self, x: Tensor) -> Tensor:
        y, _ = self.memory(x.unsqueeze(1).expand(-1, 4, -1) * self.scale)
        return self.b(torch.tanh(self.a(y[:, -1]))) @ (self.c + self.d) + self.shift


def test_a_step_of_recurrent_layers_constants_and_equal_gradients(tmp_path: Path) -> None:
    module = Drawn()
    model = model_of(module, tmp_path)
    parameters = all_parameters(model)
    step = load(step_of("drawn", Drawn()), model, sgd(parameters, 0.1))
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    for rows in (4, 1, 7):
        x, y = torch.randn(rows, 3), torch.randn(rows, 3)
        optimizer.zero_grad()
        expected = nn.functional.mse_loss(module(x), y)
        expected.backward()
        optimizer.step()
        assert run(step, given([x]), given([y])) == pytest.approx(expected.item(), rel=1e-5)
        for one, tensor in zip(module.parameters(), parameters):
            same(tensor.numpy(), one, 1e-5)


def test_a_package_is_no_model_of_a_step(tmp_path: Path) -> None:
    model = shim.load(package("net"), requires_grad=1)
    with pytest.raises(ShimError, match="give the exported program or TorchScript"):
        load(step_of("net", Net()), model, sgd(all_parameters(model), 0.1))


def test_code_that_needs_elements_gets_some(tmp_path: Path) -> None:
    def change(specification: dict[str, Any]) -> None:
        specification["needs_elements"] = True

    model = shim.load(respecified(package("net"), tmp_path / "n.pt2", change))
    expected = [torch.zeros(0, 4)]
    with pytest.raises(ShimError, match="no elements, with which recurrent layers"):
        results(model, given([torch.zeros(0, 8)]), expected)
    memory = torch.export.export(nn.LSTM(3, 3), (torch.zeros(2, 1, 3),))
    assert aoti._needs_elements(memory)
    assert not aoti._needs_elements(torch.export.export(Net(), (X,)))


def test_tied_weights_are_those_of_the_source(tmp_path: Path) -> None:
    model = shim.load(compiled(Tied(), tmp_path / "t.pt2", X))
    source = model_of(Net(5), tmp_path)
    with pytest.raises(ShimError, match=r"b\.weight and a\.weight are one tensor of the code"):
        share(model, source)
    with torch.no_grad():
        same(results(model, given([X]), [X])[0].numpy(), Tied()(X), 1e-6)


@pytest.mark.parametrize(
    ("step", "module", "text"),
    [
        (Tied, Net, r"b\.weight: .*without one for it"),
        (Net, Tied, "under several names"),
    ],
    ids=["tied", "untied"],
)
def test_a_step_of_other_ties_is_refused(
    step: Callable[[], nn.Module], module: Callable[[], nn.Module], text: str, tmp_path: Path
) -> None:
    model = model_of(module(), tmp_path)
    with pytest.raises(ShimError, match=text):
        load(step_of(step.__name__, step()), model, sgd(all_parameters(model), 0.1))


def test_a_parameter_without_gradient_is_not_left_out(tmp_path: Path) -> None:
    frozen = Net()
    frozen.a.weight.requires_grad_(False)
    file = step_of("frozen", frozen)
    model = model_of(Net(), tmp_path)
    with pytest.raises(ShimError, match=r"a\.weight: the parameter requires a gradient"):
        load(file, model, sgd(shim.parameters(model, 4), 0.1))


def test_an_optimizer_of_another_model_is_refused(tmp_path: Path) -> None:
    model, other = model_of(Net(), tmp_path), model_of(Net(1), tmp_path)
    with pytest.raises(ShimError, match="the optimizer has none of the parameters"):
        load(step_of("Net", Net()), model, sgd(shim.parameters(other, 4), 0.1))


def test_an_input_with_a_graph_is_refused(tmp_path: Path) -> None:
    model = model_of(Net(), tmp_path)
    step = load(step_of("Net", Net()), model, sgd(shim.parameters(model, 4), 0.1))
    x = wrap(X.numpy().copy(), requires_grad=True)
    with pytest.raises(ShimError, match="gives none"):
        run(step, [x], given([torch.zeros(4, 3)]))


def test_buffers_that_the_code_does_not_use_are_shared(tmp_path: Path) -> None:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3))
    model = shim.load(compiled(module.eval(), tmp_path / "n.pt2", X))
    module.train()(X)
    source = model_of(module, tmp_path)
    share(model, source)
    assert int(part(model, "1.num_batches_tracked", True).numpy()) == 1


def without_checksums(file: Path) -> bytearray:
    """The bytes of an archive whose checksums are 0, as torch.serialization can write them."""
    raw = bytearray(file.read_bytes())
    place = zipfile.ZipFile(io.BytesIO(raw)).start_dir
    for record in zipfile.ZipFile(io.BytesIO(raw)).infolist():
        raw[record.header_offset + 14 : record.header_offset + 18] = bytes(4)
        raw[place + 16 : place + 20] = bytes(4)
        place += 46 + sum(struct.unpack("<HHH", raw[place + 28 : place + 34]))
    return raw


def test_packages_without_checksums_are_told_apart(tmp_path: Path) -> None:
    module = network("net")
    raw = without_checksums(package("net"))
    weight = module.last.weight.detach().numpy()
    place = raw.find(weight.tobytes())
    assert place > 0
    found = []
    kept = []
    for name, factor in (("one", 1.0), ("two", 10.0)):
        raw[place : place + weight.nbytes] = (weight * np.float32(factor)).tobytes()
        (tmp_path / name).write_bytes(raw)
        kept.append(shim.load(tmp_path / name))
        found.append(part(kept[-1], "last.weight").numpy().copy())
    assert np.allclose(found[0], weight)
    assert np.allclose(found[1], 10 * weight)
