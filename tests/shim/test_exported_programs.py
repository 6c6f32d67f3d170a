# SPDX-License-Identifier: MIT
"""Exported programs: several threads, operators of extensions and their libraries."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from exported import export, given, results, same, total
from exported_networks import CASES
from torch import nn

import shim
from shim import ShimError, call


@pytest.fixture(scope="module")
def extension() -> Iterator[torch.library.Library]:
    """An operator of an extension, here one of Python."""
    library = torch.library.Library("ftorch_test", "DEF")
    library.define("twice(Tensor x, float by=2.0) -> Tensor")
    library.impl("twice", lambda x, by=2.0: x * by, "CompositeImplicitAutograd")
    yield library
    library._destroy()


class Twice(nn.Module):
    """Calls an operator of an extension."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.ops.ftorch_test.twice(x) + 1


def test_operators_of_extensions_run(extension: torch.library.Library, tmp_path: Path) -> None:
    file = export(Twice(), (torch.ones(2, 3),), tmp_path / "m.pt2")
    model = shim.load(file)
    x = torch.randn(2, 3)
    (output,) = results(model, given([x]), [x])
    same(output.numpy(), x * 2 + 1)
    tensors = given([x], True)
    total(results(model, tensors, [x], 1)).backward()
    same(tensors[0].gradient().numpy(), torch.full((2, 3), 2.0))


def test_libraries_are_loaded() -> None:
    call("ft_load_library", b"libm.so.6")
    with pytest.raises(ShimError, match=r"library 'no/such\.so'.*cannot open") as failure:
        call("ft_load_library", b"no/such.so")
    assert failure.value.status == "ft_io_error"


@pytest.mark.parametrize("name", ["dynamic", "regions", "loops"])
def test_threads_run_one_model(name: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    case = CASES[name]
    module = case.make()
    model = shim.load(export(module, case.inputs(), tmp_path / "m.pt2", case.dynamic))
    (x,) = case.inputs()
    with torch.no_grad():
        value = module(x)
    expected = list(value) if isinstance(value, tuple) else [value]

    def run(_: int) -> list[np.ndarray]:
        return [one.numpy() for one in results(model, given([x]), expected)]

    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(run, range(40)):
            for one, wanted in zip(found, expected):
                same(one, wanted, case.tolerance)
