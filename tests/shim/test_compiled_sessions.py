# SPDX-License-Identifier: MIT
"""Sessions of packages of AOTInductor: numbers, strides and sizes of each run."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from compiled import network, package
from exported import given, leaves
from model_parts import part
from sessions import bind, fortran, rebind, run
from test_exported import flat

from shim import ShimError, load, section, wrap


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("name", ["net", "frozen"])
def test_numbers_sizes_and_strides_of_the_run(name: str, order: str, generator) -> None:
    module = network(name)
    x, y = np.zeros((5, 8), np.float32, order=order), fortran([5, 4])
    session = bind(load(package(name)), [section(x)], [section(y)])
    for rows in (5, 5, 1, 7, 5):
        if rows != len(x):
            x, y = np.zeros((rows, 8), np.float32, order=order), fortran([rows, 4])
            rebind(session, 1, x)
            rebind(session, 1, y, is_output=True)
        x[...] = generator.normal(size=x.shape)
        run(session)
        with torch.no_grad():
            expected = module(torch.from_numpy(np.ascontiguousarray(x)))
        np.testing.assert_allclose(y, expected.numpy(), atol=2e-6)


def test_rebound_columns_of_an_array(generator) -> None:
    """Strides of the sample in one, others in the next."""
    module = network("net")
    x = np.asfortranarray(generator.normal(size=(8, 5, 3)).astype(np.float32))
    y = fortran([5, 4, 4])
    session = bind(load(package("net")), [section(x[:, :, 0].T)], [section(y[:, :, 0])])
    straight = np.ascontiguousarray(x[:, :, 1].T)
    for i, one in enumerate([x[:, :, 0].T, x[:, :, 2].T, straight, np.asfortranarray(straight)]):
        rebind(session, 1, section(one))
        rebind(session, 1, y[:, :, i], is_output=True)
        run(session)
        with torch.no_grad():
            expected = module(torch.from_numpy(np.ascontiguousarray(one)))
        np.testing.assert_allclose(y[:, :, i], expected.numpy(), atol=2e-6)


def test_wrong_sizes_are_refused() -> None:
    model = load(package("net"))
    x, y = fortran([5, 8]), fortran([5, 4], fill=9)
    with pytest.raises(ShimError, match=r"inputs\(1\)"):
        bind(model, [wrap(fortran([5, 7]))], [wrap(y)])
    session = bind(model, [wrap(x)], [wrap(y)])
    rebind(session, 1, fortran([5, 9]))
    for _ in range(2):
        with pytest.raises(ShimError, match=r"inputs\(1\)"):
            run(session)
    assert (y == 9).all()
    rebind(session, 1, x)
    run(session)
    assert not (y == 9).any()


def test_numbers_and_several_results() -> None:
    """A number that is given as a tensor is read at each run."""
    arguments = (
        torch.randn(2, 5, 3),
        {"z": torch.randn(5, 3).double(), "k": torch.arange(5)},
        0.5,
    )
    inputs = given(flat(arguments))
    with torch.no_grad():
        expected = leaves(network("mixed")(*arguments))
    outputs = [wrap(np.zeros_like(one.numpy())) for one in expected]
    session = bind(load(package("mixed")), inputs, outputs)
    run(session)
    for output, one in zip(outputs, expected):
        np.testing.assert_allclose(output.array, one.numpy(), atol=1e-6)
    inputs[-1].array[...] = 0.75
    with pytest.raises(ShimError, match=r"0\.5"):
        run(session)


def test_statistics_and_inputs_that_a_pass_writes() -> None:
    module = network("writing")
    model = load(package("writing"), train=1)
    x, y, calls = np.ones((4, 3), np.float32), fortran([4, 3]), fortran([2])
    x += np.arange(4, dtype=np.float32)[:, None]
    reference = torch.from_numpy(x.copy())
    session = bind(model, [wrap(x)], [wrap(y), wrap(calls)])
    assert (part(model, "calls", True).numpy() == 0).all()
    assert (x == reference.numpy()).all()
    for number in (1, 2):
        with torch.no_grad():
            expected = module(reference)[0]
        run(session)
        np.testing.assert_allclose(y, expected.numpy(), atol=1e-5)
        np.testing.assert_allclose(x, reference.numpy())
        assert calls.tolist() == [number, number]


def test_what_is_written_to_a_parameter_is_used() -> None:
    model = load(package("net"))
    x, y = fortran([5, 8]), fortran([5, 4])
    session = bind(model, [wrap(x)], [wrap(y)])
    part(model, "last.bias").zero()
    part(model, "last.weight").zero()
    run(session)
    assert not y.any()
