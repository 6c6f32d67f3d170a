# SPDX-License-Identifier: MIT
"""Weights of packages of AOTInductor: read, replaced, and shared with a model that is trained."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from compiled import CASES, network, package
from exported import export, given, leaves, names, results, same
from model_parts import clone, freeze, part, sgd
from test_exported import flat

import shim
from ftorch_tools.export.aoti import PLAIN, Compilation
from ftorch_tools.export.formats import write_package
from shim import Object, ShimError, wrap

TOLERANCE = 1e-6
X = torch.linspace(-1, 1, 40).reshape(5, 8)


def output(model: Object) -> np.ndarray:
    (found,) = results(model, given([X]), [torch.zeros(5, 4)])
    return found.numpy().copy()


def expected(module: torch.nn.Module) -> torch.Tensor:
    with torch.no_grad():
        return module(X)


def other() -> torch.nn.Module:
    """The network with other weights."""
    module = network("net")
    with torch.no_grad():
        for tensor in [*module.parameters(), *module.buffers()]:
            tensor.add_(torch.ones_like(tensor) * (1 if tensor.dtype == torch.int64 else 0.25))
    return module


def load_state(model: Object, file: Path, strict: int = 1) -> None:
    shim.call("ft_model_load_state", model.handle, str(file).encode(), strict)


def share(model: Object, source: Object) -> None:
    shim.call("ft_model_share_state", model.handle, source.handle)


def test_parameters_and_buffers_are_those_of_the_network() -> None:
    module = network("net")
    model = shim.load(package("net"))
    assert names(model, 0) == [name for name, _ in module.named_parameters()]
    for name, tensor in module.named_parameters():
        same(part(model, name).numpy(), tensor)
    for name, tensor in module.named_buffers():
        same(part(model, name, True).numpy(), tensor)


def test_what_is_written_to_a_parameter_is_used() -> None:
    module = network("net")
    model = shim.load(package("net"))
    values = np.arange(4, dtype=np.float32)
    part(model, "last.bias").assign(wrap(values))
    with torch.no_grad():
        module.last.bias.copy_(torch.from_numpy(values))
    same(output(model), expected(module), TOLERANCE)


def test_a_parameter_outlives_its_model() -> None:
    parameter = part(shim.load(package("net")), "last.bias")
    same(parameter.numpy(), network("net").last.bias)


def test_weights_are_replaced_by_names(tmp_path: Path) -> None:
    module = other()
    model = shim.load(package("net"))
    torch.save(module.state_dict(), tmp_path / "state.pt")
    load_state(model, tmp_path / "state.pt")
    same(output(model), expected(module), TOLERANCE)
    # Also what the code does not use.
    same(part(model, "norm.num_batches_tracked", True).numpy(), module.norm.num_batches_tracked)
    shim.call("ft_model_save_state", model.handle, str(tmp_path / "state.safetensors").encode())
    again = shim.load(package("net"))
    same(output(again), expected(network("net")), TOLERANCE)
    load_state(again, tmp_path / "state.safetensors")
    same(output(again), expected(module), TOLERANCE)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda state: state.pop("last.bias"), "last.bias"),
        (lambda state: state.update(extra=torch.ones(1)), "extra"),
        (lambda state: state.update({"last.bias": torch.ones(5)}), "last.bias"),
        (lambda state: state.update({"last.bias": torch.ones(4).double()}), "float64"),
    ],
)
def test_a_state_that_does_not_fit_changes_nothing(change, text: str, tmp_path: Path) -> None:
    state = other().state_dict()
    change(state)
    torch.save(dict(state), tmp_path / "state.pt")
    model = shim.load(package("net"))
    with pytest.raises(ShimError, match=text):
        load_state(model, tmp_path / "state.pt")
    same(output(model), expected(network("net")), TOLERANCE)


def test_tied_weights_are_one_tensor() -> None:
    model = shim.load(package("mixed"))
    part(model, "second.weight").assign(wrap(np.ones((3, 3), np.float32)))
    assert (part(model, "first.weight").numpy() == 1).all()
    same(part(model, "unused").numpy(), torch.tensor([1.0, 2.0]))


def test_small_and_uniform_weights_can_be_replaced() -> None:
    model, module = shim.load(package("mixed")), network("mixed")
    x, fields, dt = CASES["mixed"].arguments()
    with torch.no_grad():
        for name, shape in (("gain", []), ("offset", [3]), ("shift", [1])):
            values = np.full(shape, 2.5, np.float32)
            part(model, name, name == "shift").assign(wrap(values))
            getattr(module, name).copy_(torch.from_numpy(values))
        expected = leaves(module(x, fields, dt))
    for got, one in zip(results(model, given(flat((x, fields, dt))), expected), expected):
        same(got.numpy(), one, TOLERANCE)


def test_a_clone_has_weights_of_its_own() -> None:
    model = shim.load(package("net"))
    part(model, "last.bias").assign(wrap(np.arange(4, dtype=np.float32)))
    copy = clone(model)
    before = output(copy)
    assert (before == output(model)).all()
    part(model, "last.bias").assign(wrap(np.zeros(4, np.float32)))
    assert (output(copy) == before).all()


def test_two_loads_have_weights_of_their_own() -> None:
    first, second = shim.load(package("net")), shim.load(package("net"))
    part(first, "last.bias").assign(wrap(np.arange(4, dtype=np.float32)))
    same(output(second), expected(network("net")), TOLERANCE)


@pytest.mark.parametrize("form", ["exported", "script"])
def test_what_a_training_model_learns_is_used(form: str, tmp_path: Path) -> None:
    module = other()
    if form == "exported":
        file = export(module, [X], tmp_path / "m.pt2", ({0: torch.export.Dim("b", min=1)},))
    else:
        file = tmp_path / "m.pt"
        torch.jit.script(module).save(str(file))
    training = shim.load(file)
    model = shim.load(package("net"))
    kept = part(model, "last.bias")
    share(model, training)
    same(output(model), expected(module), TOLERANCE)
    parameters = shim.parameters(training, 6)
    optimizer = sgd(parameters, 0.1)
    torch_optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    for _ in range(3):
        found = results(training, given([X]), [torch.zeros(5, 4)], 1)[0]
        total = shim.create([], "float32")
        shim.unary(shim.SUM, found, into=total)
        shim.call("ft_optim_zero_gradient", optimizer.handle)
        total.backward()
        shim.call("ft_optim_step", optimizer.handle)
        torch_optimizer.zero_grad()
        module(X).sum().backward()
        torch_optimizer.step()
        same(output(model), expected(module), 1e-5)
    # A tensor of before is not the model's any more, and lives on.
    same(kept.numpy(), network("net").last.bias)
    part(model, "last.bias").assign(wrap(np.zeros(4, np.float32)))
    assert (part(training, "last.bias").numpy() == 0).all()
    # The memory stays when the model that was trained goes.
    before = output(model)
    del training, parameters, optimizer, found, total
    assert (output(model) == before).all()


def test_sharing_again_takes_the_last() -> None:
    model = shim.load(package("net"))
    for source in (shim.load(package("net")), shim.load(package("net"))):
        part(source, "last.bias").assign(wrap(np.full(4, 2.0, np.float32)))
        share(model, source)
        before = output(model)
        part(source, "last.bias").assign(wrap(np.zeros(4, np.float32)))
        assert np.allclose(output(model), before - 2, atol=1e-5)


def test_sharing_what_does_not_fit_changes_nothing(tmp_path: Path) -> None:
    file = export(torch.nn.Linear(8, 4), [X], tmp_path / "m.pt2")
    source = shim.load(file)
    model = shim.load(package("net"))
    before = output(model)
    with pytest.raises(ShimError, match=r"first\.weight is missing"):
        share(model, source)
    with pytest.raises(ShimError, match="no package of AOTInductor"):
        share(source, model)
    with pytest.raises(ShimError, match="itself"):
        share(model, model)
    assert (output(model) == before).all()


class Phase(torch.nn.Module):
    """A complex buffer; as a conjugate view it has the memory of another."""

    def __init__(self, is_conjugate: bool) -> None:
        super().__init__()
        values = torch.tensor([1 + 2j, 3 - 1j], dtype=torch.complex64)
        self.register_buffer("phase", values.conj() if is_conjugate else values)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.view_as_real(x * self.phase)


def test_a_conjugate_view_is_not_shared(tmp_path: Path) -> None:
    x = torch.ones(2, dtype=torch.complex64)
    file = tmp_path / "p.pt2"
    write_package(Phase(False), file, (x,), None, {}, Compilation(PLAIN))
    model = shim.load(file)
    for is_conjugate in (False, True):
        torch.jit.script(Phase(is_conjugate)).save(str(tmp_path / "s.pt"))
        source = shim.load(tmp_path / "s.pt")
        if is_conjugate:
            with pytest.raises(ShimError, match="phase is a view that is conjugate"):
                share(model, source)
        else:
            share(model, source)
        (found,) = results(model, given([x]), [torch.zeros(2, 2)])
        same(found.numpy(), Phase(False)(x))


def test_fixed_weights_cannot_be_got_at(tmp_path: Path) -> None:
    model = shim.load(package("frozen"), requires_grad=0)
    torch.save(network("frozen").state_dict(), tmp_path / "state.pt")
    attempts = [
        lambda: load_state(model, tmp_path / "state.pt"),
        lambda: shim.call("ft_model_save_state", model.handle, str(tmp_path / "s").encode()),
        lambda: part(model, "last.bias"),
        lambda: shim.parameters(model, 6),
        lambda: freeze(model),
        lambda: share(model, shim.load(package("net"))),
    ]
    for attempt in attempts:
        with pytest.raises(ShimError, match="--variant plain"):
            attempt()
    same(output(clone(model)), expected(network("frozen")), TOLERANCE)
