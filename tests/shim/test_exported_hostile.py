# SPDX-License-Identifier: MIT
"""Exported programs that somebody changed."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from exported import export
from torch import nn
from torch._higher_order_ops.scan import scan

from shim import ShimError, load

X = {"as_tensor": {"name": "x"}}


class Relu(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(x)


class Summed(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return scan(lambda h, row: (h + row, h * row), x[0], x)[1]


def changed(path: Path, change: Callable[[str, bytes], list[tuple[str, bytes]]]) -> Path:
    """The archive with other records."""
    with zipfile.ZipFile(path) as archive:
        records = [(one.filename, archive.read(one)) for one in archive.infolist()]
    other = path.with_name("changed.pt2")
    with zipfile.ZipFile(other, "w") as archive:
        for name, data in records:
            for record in change(name, data):
                archive.writestr(*record)
    return other


def with_program(path: Path, edit: Callable[[Any], None]) -> Path:
    """The archive with another program."""

    def change(name: str, data: bytes) -> list[tuple[str, bytes]]:
        if "/models/" not in name or not name.endswith(".json"):
            return [(name, data)]
        program = json.loads(data)
        edit(program["graph_module"])
        return [(name, json.dumps(program).encode())]

    return changed(path, change)


def relu_file(folder: Path) -> Path:
    """The file of one operator."""
    return export(Relu(), [torch.ones(2, 2)], folder / "model.pt2")


def with_node(folder: Path, target: str, arguments: dict[str, Any]) -> Path:
    """A program whose one node is another one."""

    def edit(module: Any) -> None:
        node = module["graph"]["nodes"][0]
        node["target"] = target
        node["inputs"] = [
            {"name": key, "arg": value, "kind": 1} for key, value in arguments.items()
        ]

    return with_program(relu_file(folder), edit)


@pytest.mark.parametrize(
    ("argument", "operator"),
    [("dtype", "_to_copy"), ("layout", "zeros_like"), ("memory_format", "clone")],
)
@pytest.mark.parametrize("number", [-1, 99, 2**40])
def test_a_dtype_that_is_none_is_refused(argument, operator, number, tmp_path: Path) -> None:
    target = f"torch.ops.aten.{operator}.default"
    file = with_node(tmp_path, target, {"self": X, argument: {"as_int": number}})
    with pytest.raises(
        ShimError, match=rf"ft_model_error.*argument '{argument}'.*number {number}"
    ):
        load(file)


@pytest.mark.parametrize(
    "namespace",
    ["aten.from_file", "c10d.broadcast_", "symm_mem.x", "profiler._record_function_enter_new"],
)
def test_operators_that_reach_out_of_the_process_are_refused(namespace, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    arguments = {
        "filename": {"as_string": str(victim)},
        "shared": {"as_bool": True},
        "size": {"as_int": 4000},
    }
    file = with_node(tmp_path, f"torch.ops.{namespace}.default", arguments)
    with pytest.raises(ShimError, match="ft_model_error"):
        load(file)
    assert not victim.exists()


@pytest.mark.parametrize("argument", [{"as_int": 3}, {"as_tensor": {"name": "y"}}])
def test_a_signature_that_is_not_that_of_the_graph_is_refused(argument, tmp_path: Path) -> None:
    def edit(module: Any) -> None:
        module["signature"]["input_specs"][0]["user_input"]["arg"] = argument

    file = with_program(relu_file(tmp_path), edit)
    with pytest.raises(ShimError, match="ft_model_error"):
        load(file)


def test_a_body_that_takes_fewer_values_than_it_is_given_is_refused(tmp_path: Path) -> None:
    def edit(module: Any) -> None:
        (node,) = [one for one in module["graph"]["nodes"] if "higher_order" in one["target"]]
        (body,) = [one["arg"]["as_graph"] for one in node["inputs"] if "as_graph" in one["arg"]]
        body["graph"]["inputs"] = [{"as_int": 1} for _ in body["graph"]["inputs"]]

    path = export(Summed(), [torch.ones(3, 2)], tmp_path / "model.pt2")
    file = with_program(path, edit)
    with pytest.raises(ShimError, match="ft_model_error"):
        load(file)


def test_two_records_of_one_name_are_refused(tmp_path: Path) -> None:
    path = export(Relu(), [torch.ones(2, 2)], tmp_path / "model.pt2")
    with pytest.warns(UserWarning, match="Duplicate name"):
        file = changed(
            path,
            lambda name, data: [(name, data)] * (2 if name.endswith("archive_format") else 1),
        )
    with pytest.raises(ShimError, match=r"ft_model_error.*two records archive_format"):
        load(file)
