# SPDX-License-Identifier: MIT
"""Sessions: what is refused, and other arrays in the place of those that were bound."""

from __future__ import annotations

from pathlib import Path

import networks
import numpy as np
import pytest
import torch
from sessions import ROWS, bind, expected, fortran, make, mlp, rebind, run, saved
from torch import nn

import shim
from shim import Object, ShimError, create, load, section, wrap

__all__ = ["make"]


@pytest.mark.parametrize(
    ("inputs", "outputs", "text"),
    [
        ([[5, 8]], [[5, 3]], r"outputs\(1\).*\[5, 4\].*\[5, 3\]"),
        ([[5, 8]], [[4, 4]], r"outputs\(1\).*\[5, 4\].*\[4, 4\]"),
        ([[5, 8]], [[5, 4], [5, 4]], ": outputs: the model returns 1 tensor; there is room for 2"),
        ([[5, 8]], [], ": outputs: the model returns 1 tensor; there is room for 0"),
        ([[5, 8], [5, 8]], [[5, 4]], ": inputs: the model takes 1 input.*2 were given"),
        ([], [[5, 4]], ": inputs: the model takes 1 input.*0 were given"),
        ([[5, 7]], [[5, 4]], r"inputs\(1\).*7"),
    ],
)
def test_refused_at_binding(make, inputs, outputs, text: str) -> None:
    model = make(mlp(), torch.zeros(3, 8), dynamic=(ROWS,))
    sides = [[wrap(fortran(one)) for one in side] for side in (inputs, outputs)]
    with pytest.raises(ShimError, match=text) as failure:
        bind(model, *sides)
    assert "_tensors" not in str(failure.value)
    # A forward pass on this thread has the names of its own procedure.
    with pytest.raises(ShimError) as failure:
        shim.forward(model, *sides)
    assert "put_tensors" in str(failure.value)


def test_dtypes_are_checked_at_binding(make) -> None:
    model = make(mlp(), torch.zeros(5, 8))
    single, double = (fortran([5, 4], dtype) for dtype in (np.float32, np.float64))
    x = wrap(fortran([5, 8]))
    with pytest.raises(ShimError, match=r"outputs\(1\).*float32.*int32"):
        bind(model, [x], [wrap(fortran([5, 4], np.int32))])
    with pytest.raises(ShimError, match=r"float64|Double"):
        bind(model, [wrap(fortran([5, 8], np.float64))], [wrap(single)])
    run(bind(model, [x], [wrap(single)]))
    run(bind(model, [x], [wrap(double)]))
    assert (single == double).all()


def test_outputs_over_each_other_are_refused(models: Path) -> None:
    y = fortran([3], np.float64)
    pair = [section(y[:2]), section(y[1:]), wrap(fortran([1], np.float64))]
    with pytest.raises(ShimError, match=r"shares its memory with outputs\(1\)"):
        bind(load(models / "twin.pt"), [wrap(fortran([2], np.float64))], pair)


def test_shape_that_depends_on_numbers(models: Path, tmp_path: Path) -> None:
    class Positive(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x[x > 0]

    model = saved(Positive(), (torch.zeros(3),), tmp_path, "pt")
    x, y = fortran([3], fill=1), fortran([3], fill=9)
    session = bind(model, [wrap(x)], [wrap(y)])
    x[1] = -1
    with pytest.raises(ShimError, match=r"outputs\(1\).*\[2\].*\[3\]"):
        run(session)
    assert y.tolist() == [9, 9, 9]


def test_rebound_pointers(make, generator) -> None:
    module = mlp()
    model = make(module, torch.zeros(3, 8), dynamic=(ROWS,))
    x = np.asfortranarray(generator.normal(size=(5, 8, 4)).astype(np.float32))
    y = fortran([5, 4, 4])
    first, last = section(x[:, :, 0]), section(y[:, :, 0])
    session = bind(model, [first], [last])
    for i in range(4):
        rebind(session, 1, x[:, :, i])
        rebind(session, 1, y[:, :, i], is_output=True)
        run(session)
    for i in range(4):
        np.testing.assert_allclose(y[:, :, i], expected(module, x[:, :, i]), atol=2e-6)
    assert first.numpy().tolist() == x[:, :, 0].tolist()


def test_rebound_sizes(make, generator) -> None:
    module = mlp()
    model = make(module, torch.zeros(3, 8), dynamic=(ROWS,))
    session = bind(model, [wrap(fortran([5, 8]))], [wrap(fortran([5, 4]))])
    for rows in (1, 7, 5, 300):
        x = np.asfortranarray(generator.normal(size=(rows, 8)).astype(np.float32))
        y = fortran([rows, 4])
        rebind(session, 1, x)
        with pytest.raises(ShimError, match=rf"outputs\(1\).*\[{rows}, 4\]"):
            run(session)
        rebind(session, 1, y, is_output=True)
        run(session)
        np.testing.assert_allclose(y, expected(module, x), atol=2e-6)


def test_rebound_to_a_tensor_and_back(make) -> None:
    session = bind(
        make(networks.Scaling(), torch.zeros(2)), [wrap(fortran([2]))], [wrap(fortran([2]))]
    )
    y = create([2])
    rebind(session, 1, create([2]).assign(create([2])) and y)
    rebind(session, 1, y, is_output=True)
    run(session)
    assert y.numpy().tolist() == [2, 2]
    x, z = fortran([2], fill=5), fortran([2])
    rebind(session, 1, x)
    rebind(session, 1, z, is_output=True)
    run(session)
    assert z.tolist() == [10, 10]
    assert y.numpy().tolist() == [2, 2]


def test_refused_rebinding(make) -> None:
    model = make(mlp(), torch.zeros(5, 8))
    x, y = fortran([5, 8]), fortran([5, 4])
    session = bind(model, [wrap(x)], [wrap(y)])
    with pytest.raises(ShimError, match="i is 2; the session has 1 inputs"):
        rebind(session, 2, x)
    with pytest.raises(ShimError, match="i is 0; the session has 1 outputs"):
        rebind(session, 0, y, is_output=True)
    with pytest.raises(ShimError, match=r"inputs\(1\).*dtype float64.*float32"):
        rebind(session, 1, fortran([5, 8], np.float64))
    with pytest.raises(ShimError, match=r"inputs\(1\).*\[5\].*\[5, 8\]"):
        rebind(session, 1, fortran([5]))
    with pytest.raises(ShimError, match="backwards"):
        rebind(session, 1, x[::-1])
    y[...] = 9
    run(session)
    assert not (y == 9).any()


def test_a_model_that_writes_names_the_arguments_of_the_session(make) -> None:
    class Writing(nn.Module):
        def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
            x.add_(1.0)
            return x * y

    model = make(Writing(), torch.zeros(3), torch.zeros(3))
    a, z = fortran([4]), fortran([3], fill=9)
    session = bind(model, [section(a[:3]), wrap(fortran([3]))], [wrap(z)])
    rebind(session, 2, a[1:])
    with pytest.raises(ShimError, match=r": inputs\(1\): .*its memory with inputs\(2\)"):
        run(session)
    rebind(session, 2, fortran([3]))
    rebind(session, 1, fortran([2], fill=9), is_output=True)
    with pytest.raises(ShimError, match=r": outputs\(1\): .*\[3\].*\[2\]"):
        run(session)
    assert a.tolist() == [0, 0, 0, 0]
    assert z.tolist() == [9, 9, 9]


def test_rebound_over_another_output_is_refused(models: Path) -> None:
    y = [fortran([2], np.float64), fortran([2], np.float64), fortran([1], np.float64)]
    x = fortran([2], np.float64, 1)
    session = bind(load(models / "twin.pt"), [wrap(x)], [wrap(one) for one in y])
    rebind(session, 2, y[0], is_output=True)
    for _ in range(2):
        with pytest.raises(ShimError, match="shares its memory"):
            run(session)
    rebind(session, 2, y[1], is_output=True)
    run(session)
    assert y[1].tolist() == [2, 2]


def test_copies_share_a_session(make) -> None:
    x, y = fortran([2], fill=1), fortran([2])
    session = bind(make(networks.Scaling(), torch.zeros(2)), [wrap(x)], [wrap(y)])
    copy = Object()
    shim.call("ft_session_copy", session.handle, copy.target)
    shim.call("ft_release", session.handle)
    with pytest.raises(ShimError, match="was released"):
        run(session)
    run(copy)
    assert y.tolist() == [2, 2]


def test_warmup_changes_nothing(make) -> None:
    model = make(mlp(), torch.zeros(5, 8))
    x, y = wrap(fortran([5, 8])), wrap(fortran([5, 4], fill=9))
    one = shim.c_int64(1)
    shim.call("ft_model_warmup", model.handle, shim.handles([x]), one, shim.handles([y]), one)
    assert (y.array == 9).all()
    with pytest.raises(ShimError, match=r"outputs\(1\)"):
        shim.call("ft_model_warmup", model.handle, shim.handles([x]), one, shim.handles([x]), one)


def test_gradients_inside_a_program(tmp_path: Path) -> None:
    """A force field: minus the derivative of its energy, whatever mode it is called in."""

    class Force(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            torch.set_grad_enabled(True)
            place = x.detach().requires_grad_()
            (slope,) = torch.autograd.grad([(place**3).sum()], [place])
            assert slope is not None
            return -slope

    model = saved(Force(), (), tmp_path, "pt")
    x, y = fortran([2], fill=2), fortran([2])
    run(bind(model, [wrap(x)], [wrap(y)]))
    assert y.tolist() == [-12, -12]
    for _ in range(3):
        y[:] = 0
        shim.forward(model, [wrap(x)], [wrap(y)])
        assert y.tolist() == [-12, -12]
