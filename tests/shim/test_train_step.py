# SPDX-License-Identifier: MIT
"""Compiled training steps: gradients, buffers and weights are those of autograd."""

from __future__ import annotations

import copy
from ctypes import byref, c_double, c_int64
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from compiled import package, respecified, step_package
from exported import export, given, results, same
from exported_networks import CASES
from model_parts import freeze, part, sgd
from test_exported import flat
from torch import Tensor, nn
from torch.export import Dim
from torch.utils._pytree import tree_map

import shim
from catalog.optimizers import OPTIMIZERS, Optimizer
from shim import Object, ShimError, handles, section, wrap

TOLERANCE = 1e-6


class Net(nn.Module):
    """Statistics of batches, and dropout."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(8, 16)
        self.norm = nn.BatchNorm1d(16)
        self.drop = nn.Dropout(0.3)
        self.last = nn.Linear(16, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.drop(torch.tanh(self.norm(self.first(x)))))


def network() -> nn.Module:
    torch.manual_seed(3)
    return Net()


def package_of_step() -> Path:
    rows = Dim("rows", min=1)
    shapes = ([{0: rows}], [{0: rows}])
    arguments = (torch.randn(5, 8),)
    loss = nn.functional.mse_loss
    return step_package("net", network(), loss, arguments, [torch.randn(5, 4)], shapes)


def model_of(module: nn.Module, folder: Path, form: str = "exported") -> Object:
    """A model of FTorch with the weights of a network."""
    if form == "exported":
        rows = ({0: Dim("rows", min=1)},)
        return shim.load(
            export(module, [torch.randn(5, 8)], folder / "m.pt2", rows), train=int(module.training)
        )
    torch.jit.script(module).save(str(folder / "m.pt"))
    return shim.load(folder / "m.pt", train=int(module.training))


def load(file: Path, model: Object, optimizer: Object) -> Object:
    step = Object()
    shim.call(
        "ft_train_step_load", str(file).encode(), model.handle, optimizer.handle, step.target
    )
    return step


def run(step: Object, inputs: list[Any], targets: list[Any]) -> float:
    loss = c_double(-1.0)
    shim.call(
        *("ft_train_step_run", step.handle, handles(inputs), c_int64(len(inputs))),
        *(handles(targets), c_int64(len(targets)), 1, byref(loss)),
    )
    return loss.value


def seed(number: int) -> None:
    shim.call("ft_manual_seed", c_int64(number))
    torch.manual_seed(number)


def batch(rows: int, number: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(number)
    return torch.randn(rows, 8, generator=generator), torch.randn(rows, 4, generator=generator)


@pytest.mark.parametrize("form", ["exported", "script"])
def test_steps_are_those_of_autograd(form: str, tmp_path: Path) -> None:
    module = network()
    model = model_of(module, tmp_path, form)
    parameters = shim.parameters(model, 6)
    step = load(package_of_step(), model, sgd(parameters, 0.1))
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    for number, rows in enumerate([5, 2, 64, 7]):
        x, y = batch(rows, number)
        seed(number)
        expected = nn.functional.mse_loss(module(x), y)
        optimizer.zero_grad()
        expected.backward()
        optimizer.step()
        seed(number)
        loss = run(step, given([x]), given([y]))
        assert loss == pytest.approx(expected.item(), rel=TOLERANCE)
        scale = max(float(one.grad.abs().max()) for one in module.parameters())
        for tensor, one in zip(parameters, module.parameters()):
            got = tensor.gradient().numpy()
            assert np.allclose(got, one.grad.numpy(), rtol=0, atol=TOLERANCE * scale)
            same(tensor.numpy(), one, 10 * TOLERANCE)
        for name, buffer in module.named_buffers():
            same(part(model, name, True).numpy(), buffer, 10 * TOLERANCE)


def test_what_is_learned_is_used_by_a_compiled_model(tmp_path: Path) -> None:
    import compiled

    module = compiled.network("net").eval()
    rows = Dim("rows", min=1)
    file = step_package(
        "eval",
        compiled.network("net").eval(),
        nn.functional.mse_loss,
        (torch.randn(5, 8),),
        [torch.randn(5, 4)],
        ([{0: rows}], [{0: rows}]),
    )
    training = model_of(module, tmp_path)
    fast = shim.load(package("net"))
    shim.call("ft_model_share_state", fast.handle, training.handle)
    step = load(file, training, sgd(shim.parameters(training, 6), 0.1))
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    x, y = batch(6, 1)
    for _ in range(3):
        optimizer.zero_grad()
        nn.functional.mse_loss(module(x), y).backward()
        optimizer.step()
        run(step, given([x]), given([y]))
        with torch.no_grad():
            expected = module(x)
        (output,) = results(fast, given([x]), [expected])
        same(output.numpy(), expected, 1e-5)


def test_frozen_parameters_stay(tmp_path: Path) -> None:
    model = model_of(network(), tmp_path)
    parameters = shim.parameters(model, 6)
    optimizer = sgd(parameters, 0.1)
    step = load(package_of_step(), model, optimizer)
    freeze(model, "first.*")
    x, y = batch(5, 2)
    before = [one.numpy().copy() for one in parameters]
    run(step, given([x]), given([y]))
    is_same = [bool((one.numpy() == old).all()) for one, old in zip(parameters, before)]
    assert is_same == [True, True, False, False, False, False]
    freeze(model)
    with pytest.raises(ShimError, match="requires one"):
        load(package_of_step(), model, optimizer)


def test_other_strides_are_copied(tmp_path: Path) -> None:
    model = model_of(network(), tmp_path)
    step = load(package_of_step(), model, sgd(shim.parameters(model, 6), 0.0))
    x, y = batch(5, 2)
    seed(1)
    expected = run(step, given([x]), given([y]))
    seed(1)
    got = run(
        step, [section(np.asfortranarray(x.numpy()))], [section(np.asfortranarray(y.numpy()))]
    )
    assert got == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("x", "y", "text"),
    [
        ([(5, 7)], [(5, 4)], r"inputs\(1\): dimension 2 is 7; the model takes 8"),
        ([(5, 8)], [(6, 4)], r"targets\(1\): dimension 1 is 6; the model takes 5"),
        ([(5, 8)], [(5,)], r"targets\(1\): the tensor has 1 dimension"),
        ([(5, 8), (5, 8)], [(5, 4)], "inputs: the training step takes 1; 2 were given"),
        ([(5, 8)], [], "targets: the training step takes 1; 0 were given"),
    ],
)
def test_wrong_tensors_change_nothing(x, y, text: str, tmp_path: Path) -> None:
    model = model_of(network(), tmp_path)
    parameters = shim.parameters(model, 6)
    step = load(package_of_step(), model, sgd(parameters, 0.1))
    before = [one.numpy().copy() for one in parameters]
    with pytest.raises(ShimError, match=text):
        run(step, *([wrap(np.ones(one, np.float32)) for one in side] for side in (x, y)))
    assert all((one.numpy() == old).all() for one, old in zip(parameters, before))
    assert (part(model, "norm.num_batches_tracked", True).numpy() == 0).all()
    with pytest.raises(ShimError, match="float64"):
        run(step, [wrap(np.ones((5, 8)))], [wrap(np.ones((5, 4), np.float32))])


def test_files_and_models_that_do_not_fit(tmp_path: Path) -> None:
    model = model_of(network(), tmp_path)
    optimizer = sgd(shim.parameters(model, 6), 0.1)
    with pytest.raises(ShimError, match="torch_model_load reads"):
        load(package("net"), model, optimizer)
    with pytest.raises(ShimError, match="no compiled training step"):
        load(tmp_path / "m.pt2", model, optimizer)
    with pytest.raises(ShimError, match="No such file"):
        load(tmp_path / "none.pt2", model, optimizer)
    with pytest.raises(ShimError, match="torch_train_step_load"):
        shim.load(package_of_step(), train=1)
    other = shim.load(export(nn.Linear(8, 4), [torch.randn(5, 8)], tmp_path / "o.pt2"))
    with pytest.raises(ShimError, match=r"the model lacks .* first\.weight"):
        load(package_of_step(), other, optimizer)
    with pytest.raises(ShimError, match="the model is a package of AOTInductor"):
        load(package_of_step(), shim.load(package("frozen")), optimizer)
    wide = network().double()
    torch.export.save(
        torch.export.export(wide, (torch.randn(5, 8).double(),), strict=False),
        tmp_path / "w.pt2",
    )
    with pytest.raises(ShimError, match=r"parameter 'first\.weight' of the model: .*float64"):
        load(package_of_step(), shim.load(tmp_path / "w.pt2", train=1), optimizer)
    file = respecified(
        package_of_step(), tmp_path / "s.pt2", lambda all: all["train_step"].update(inputs=2)
    )
    with pytest.raises(ShimError, match="other inputs or outputs"):
        load(file, model, optimizer)


@pytest.mark.parametrize("row", OPTIMIZERS, ids=lambda row: row.name)
def test_optimizers_that_evaluate_the_loss_are_refused(row: Optimizer, tmp_path: Path) -> None:
    model = model_of(network(), tmp_path)
    parameters = shim.parameters(model, 6)
    # One of several words is its number.
    defaults = [0 if isinstance(one.default, str) else one.default for one in row.hyperparameters]
    optimizer = shim.optimizer(OPTIMIZERS.index(row), parameters, defaults)
    if row.needs_closure:
        with pytest.raises(ShimError, match=f"{row.name} evaluates the loss several times") as one:
            load(package_of_step(), model, optimizer)
        assert one.value.status == "ft_invalid_argument"
        return
    before = [one.numpy().copy() for one in parameters]
    x, y = batch(5, 2)
    run(load(package_of_step(), model, optimizer), given([x]), given([y]))
    assert any((one.numpy() != old).any() for one, old in zip(parameters, before))


def squares(result: Any, _: Any) -> Tensor:
    """A loss of all real tensors that a network returns."""
    found = [one for one in flat(result) if isinstance(one, Tensor) and one.is_floating_point()]
    return sum(one.square().mean() for one in found if one.requires_grad)


def doubled(arguments: Any) -> Any:
    """Arguments of the same network in double precision, where rounding hides nothing."""
    return tree_map(
        lambda one: (
            one.double()
            if isinstance(one, Tensor) and one.is_floating_point()
            else copy.deepcopy(one)
        ),
        arguments,
    )


def check_gradients(
    model: Object, eager: nn.Module, loss: Tensor, tolerance: float = TOLERANCE
) -> None:
    """Compares gradients of a step with those of autograd."""
    trained = {name: one for name, one in eager.named_parameters() if one.requires_grad}
    gradients = torch.autograd.grad(loss, list(trained.values()), allow_unused=True)
    scale = max(float(one.abs().max()) for one in gradients if one is not None)
    for name, one in zip(trained, gradients):
        if one is not None:
            got = torch.from_numpy(part(model, name).gradient().numpy())
            assert float((got - one).abs().max()) <= tolerance * scale, name


TRAINED = [
    name
    for name, case in CASES.items()
    if case.has_gradients and not case.kwargs and any(True for _ in case.make().parameters())
]
QUICK = {"dynamic", "tied"}


@pytest.mark.parametrize(
    "name",
    [one if one in QUICK else pytest.param(one, marks=pytest.mark.slow) for one in TRAINED],
)
def test_gradients_of_the_corpus(name: str, tmp_path: Path) -> None:
    torch.manual_seed(5)
    case = CASES[name]
    module = case.make().double()
    arguments = doubled(case.inputs())
    try:
        file = export(module, arguments, tmp_path / "m.pt2", case.dynamic)
    except Exception as error:
        pytest.skip(f"PyTorch does not export it in double precision: {str(error)[:200]}")
    model = shim.load(file)
    tensors = [one for one in flat(arguments) if isinstance(one, Tensor)]
    eager = copy.deepcopy(module)
    try:
        step_file = step_package(
            f"{name}_double",
            module,
            squares,
            arguments,
            [torch.zeros(1)],
            ([{} for _ in tensors], [{}]),
        )
    except Exception as error:
        pytest.xfail(f"not compiled: {str(error).splitlines()[0][:200]}")
    parameters = [part(model, name) for name, one in eager.named_parameters() if one.requires_grad]
    step = load(step_file, model, sgd(parameters, 0.0))
    expected = squares(eager(*copy.deepcopy(arguments)), torch.zeros(1))
    loss = run(step, given(tensors), [wrap(np.zeros(1, np.float32))])
    assert loss == pytest.approx(expected.item(), rel=TOLERANCE)
    check_gradients(model, eager, expected)
