# SPDX-License-Identifier: MIT
"""Packages of AOTInductor: results are those of the network, and what is given is checked."""

from __future__ import annotations

import threading
from ctypes import c_int64
from pathlib import Path
from typing import Any

import compiled
import numpy as np
import pytest
import torch
from compiled import network, package
from exported import given, leaves, names, results, same
from model_parts import count, part
from sessions import bind, run
from test_exported import flat

import shim
from shim import ShimError, anything, forward, wrap

TOLERANCE = 1e-6


def check(name: str, *arguments: Any) -> None:
    """Compares a package with its network."""
    module = network(name)
    with torch.no_grad():
        expected = leaves(module(*arguments))
    model = shim.load(package(name), train=int(compiled.CASES[name].is_training))
    outputs = results(model, given(flat(arguments)), expected)
    for output, one in zip(outputs, expected):
        same(output.numpy(), one, TOLERANCE)


def refused(name: str, inputs: list[Any], status: str, *parts: str, like: int = 1) -> None:
    """Fails unless the package refuses these inputs, with its outputs untouched."""
    model = shim.load(package(name))
    outputs = [wrap(np.full((3, 4), 7.0, dtype=np.float32)) for _ in range(like)]
    with pytest.raises(ShimError) as failure:
        forward(model, inputs, outputs)
    assert failure.value.status == f"ft_{status}"
    for text in parts:
        assert text in str(failure.value)
    assert all((one.numpy() == 7.0).all() for one in outputs)


@pytest.mark.parametrize("name", ["net", "frozen"])
@pytest.mark.parametrize("rows", [1, 2, 3, 64])
def test_any_number_of_rows(name: str, rows: int) -> None:
    check(name, torch.randn(rows, 8))


def test_no_rows() -> None:
    check("net", torch.randn(0, 8))
    empty = wrap(np.zeros((0, 8), dtype=np.float32))
    refused("frozen", [empty], "shape_mismatch", "one has no elements", "--variant plain")


@pytest.mark.parametrize("n", [3, 5, 60])
def test_containers_numbers_and_tied_weights(n: int) -> None:
    fields = {"z": torch.randn(n, 3).double(), "k": torch.arange(n)}
    check("mixed", torch.randn(2, n, 3), fields, 0.5)


def test_other_strides_are_copied() -> None:
    module = network("net")
    memory = np.asfortranarray(np.random.default_rng(3).random((5, 8), dtype=np.float32))
    wide = np.random.default_rng(4).random((10, 16), dtype=np.float32)
    for array in (memory, wide[::2, ::2]):
        with torch.no_grad():
            expected = module(torch.from_numpy(np.ascontiguousarray(array)))
        (output,) = results(shim.load(package("net")), [shim.section(array)], [expected])
        same(output.numpy(), expected, TOLERANCE)


def test_the_strides_that_were_compiled_are_those_of_the_sample() -> None:
    array = np.random.default_rng(3).random((3, 5), dtype=np.float32)
    for one in (array, np.asfortranarray(array), array[:1], array[:, :1]):
        expected = torch.sin(torch.from_numpy(np.ascontiguousarray(one))) * 2
        (output,) = results(shim.load(package("turned")), [shim.section(one)], [expected])
        same(output.numpy(), expected, TOLERANCE)


def test_what_a_pass_writes() -> None:
    module = network("writing")
    model = shim.load(package("writing"), train=1)
    for order in ("C", "F", "C"):
        array = np.array(np.random.default_rng(5).random((4, 3)), dtype=np.float32, order=order)
        x = torch.tensor(array)
        with torch.no_grad():
            expected = [one.clone() for one in module(x)]
        tensor = shim.section(array)
        outputs = results(model, [tensor], expected)
        for output, one in zip(outputs, expected):
            same(output.numpy(), one, TOLERANCE)
        same(array, x, TOLERANCE)
    for name, buffer in module.named_buffers():
        same(part(model, name, True).numpy(), buffer, TOLERANCE)


def test_a_pass_that_fails_changes_no_state() -> None:
    model = shim.load(package("writing"), train=1)
    with pytest.raises(ShimError):
        forward(model, [wrap(np.ones((4, 3), dtype=np.float32))], [anything([9]), anything([2])])
    assert (part(model, "calls", True).numpy() == 0).all()
    assert (part(model, "norm.running_mean", True).numpy() == 0).all()


def test_names_and_forms() -> None:
    model = shim.load(package("mixed"))
    assert names(model, 1) == ["x", "fields_z", "fields_k", "dt"]
    assert names(model, 2) == ["y", "z", "count"]
    own = [name for name, _ in network("mixed").named_parameters()]
    assert names(model, 0) == own


def test_metadata_of_the_user() -> None:
    model = shim.load(package("net"))
    shim.call("ft_model_metadata", model.handle, b"who", c_int64(3))
    assert shim.text() == "tests"


@pytest.mark.parametrize(
    ("array", "status", "parts"),
    [
        (
            np.ones((3, 7), np.float32),
            "shape_mismatch",
            ["input_tensors(1), x", "is 7", "takes 8"],
        ),
        (np.ones((3, 8), np.float64), "dtype_mismatch", ["input_tensors(1), x", "float64"]),
        (np.ones((3, 8), np.int64), "dtype_mismatch", ["int64", "float32"]),
        (np.ones((8,), np.float32), "shape_mismatch", ["1 dimension", "takes 2"]),
        (np.ones((1, 3, 8), np.float32), "shape_mismatch", ["3 dimensions", "takes 2"]),
    ],
)
def test_wrong_inputs_are_refused(array, status: str, parts: list[str]) -> None:
    refused("net", [wrap(array)], status, *parts)
    refused("frozen", [wrap(array)], status, *parts)


def test_wrong_counts_are_refused() -> None:
    x = wrap(np.ones((3, 8), np.float32))
    refused("net", [x, x], "invalid_argument", "takes 1 input", "2 were given")
    refused("net", [], "invalid_argument", "0 were given")
    refused("net", [x], "invalid_argument", "returns 1 tensor", "room for 2", like=2)


@pytest.mark.parametrize(
    ("n", "m", "dt", "parts"),
    [
        (2, 2, 0.5, ["is 2", "3 to 60"]),
        (61, 61, 0.5, ["is 61", "3 to 60"]),
        (5, 6, 0.5, ["is 6", "takes 5"]),
        (5, 5, 0.25, ["0.5", "0.25"]),
    ],
)
def test_ranges_relations_and_numbers_are_checked(n, m, dt, parts) -> None:
    arguments = (torch.randn(2, n, 3), {"z": torch.randn(m, 3).double(), "k": torch.arange(m)}, dt)
    model = shim.load(package("mixed"))
    outputs = [anything([n, 3]), anything([3, m], "float64"), anything([m], "int64")]
    with pytest.raises(ShimError) as failure:
        forward(model, given(flat(arguments)), outputs)
    for text in parts:
        assert text in str(failure.value)


def test_gradients_are_refused() -> None:
    model = shim.load(package("net"))
    x = wrap(np.ones((3, 8), np.float32), 1)
    with pytest.raises(ShimError, match="no gradients") as failure:
        forward(model, [x], [anything([3, 4])], requires_grad=1)
    assert failure.value.status == "ft_autograd_error"
    (output,) = results(model, [x], [torch.zeros(3, 4)])
    assert not output.requires_grad()


def test_the_mode_is_that_of_the_compilation() -> None:
    with pytest.raises(ShimError, match="--train"):
        shim.load(package("net"), train=1)
    with pytest.raises(ShimError, match="training mode"):
        shim.load(package("writing"))


@pytest.mark.parametrize("order", ["C", "F"])
def test_sessions_follow_the_arrays(order: str) -> None:
    module = network("net")
    x, y = np.zeros((5, 8), np.float32, order=order), np.zeros((5, 4), np.float32, order="F")
    session = bind(shim.load(package("net")), [shim.section(x)], [shim.section(y)])
    for seed in range(3):
        x[...] = np.random.default_rng(seed).random((5, 8))
        run(session)
        with torch.no_grad():
            same(np.ascontiguousarray(y), module(torch.tensor(x)), TOLERANCE)


def test_a_session_of_a_model_with_state() -> None:
    module = network("writing")
    model = shim.load(package("writing"), train=1)
    x = np.random.default_rng(1).random((4, 3), dtype=np.float32)
    y, calls = np.zeros((4, 3), np.float32), np.zeros(2, np.float32)
    session = bind(model, [wrap(x)], [wrap(y), wrap(calls)])
    assert (part(model, "calls", True).numpy() == 0).all()
    for _ in range(3):
        given_x = torch.tensor(x)
        with torch.no_grad():
            expected = module(given_x)
        run(session)
        same(y, expected[0], TOLERANCE)
        same(calls, expected[1])
        same(x, given_x)


def test_no_other_device() -> None:
    with pytest.raises(ShimError) as failure:
        shim.load(package("net"), device=1)
    assert failure.value.status == "ft_device_unavailable"


def test_it_cannot_be_saved(tmp_path: Path) -> None:
    model = shim.load(package("net"))
    with pytest.raises(ShimError, match="torch_model_save_state"):
        shim.call("ft_model_save", model.handle, str(tmp_path / "m.pt2").encode())
    assert not list(tmp_path.iterdir())


def test_threads_run_one_model() -> None:
    model = shim.load(package("net"))
    module = network("net")
    failures = []

    def work(seed: int) -> None:
        generator = np.random.default_rng(seed)
        for _ in range(50):
            array = generator.random((seed + 1, 8), dtype=np.float32)
            with torch.no_grad():
                expected = module(torch.from_numpy(array))
            (output,) = results(model, [wrap(array)], [expected])
            if not np.allclose(output.numpy(), expected.numpy(), atol=1e-5):
                failures.append(seed)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert count(model, 0) == 6
