# SPDX-License-Identifier: MIT
"""Exported programs that are not known or not whole, and inputs that they do not take."""

from __future__ import annotations

import copy
import io
import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from exported import export, given, results
from exported_networks import CASES
from model_parts import count
from torch import nn

import shim
from shim import ShimError

Change = Callable[[dict[str, Any]], None]
PROGRAM = "models/model.json"
WEIGHTS = "data/weights/model_weights_config.json"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """An archive of a small net with dynamic rows."""
    torch.manual_seed(0)
    case = CASES["dynamic"]
    path = tmp_path_factory.mktemp("exported") / "m.pt2"
    return export(case.make(), case.inputs(), path, case.dynamic).read_bytes()


def changed(whole: bytes, record: str, change: Change) -> bytes:
    """The archive with another JSON."""
    result = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(whole)) as source, zipfile.ZipFile(result, "w") as target:
        for entry in source.infolist():
            content = source.read(entry)
            if entry.filename.endswith(record):
                value = json.loads(content)
                change(value)
                content = json.dumps(value).encode()
            target.writestr(entry.filename, content)
    return result.getvalue()


def refuses(content: bytes, folder: Path, part: str) -> str:
    """The message with which a file is refused."""
    (folder / "bad.pt2").write_bytes(content)
    with pytest.raises(ShimError, match=part) as failure:
        shim.load(folder / "bad.pt2")
    assert failure.value.status == "ft_model_error"
    assert "Exception raised" not in str(failure.value)
    return str(failure.value)


def status_of(action: Callable[[], Any]) -> str:
    """The status with which something fails; empty if it does not."""
    try:
        action()
    except ShimError as failure:
        return failure.status
    return ""


def load_and_run(file: Path) -> None:
    """What a program does with a file."""
    results(shim.load(file), given([torch.ones(5, 4)]), [torch.empty(5, 3)])


def put(path: str, value: Any) -> Change:
    """Sets what stands at `a/0/b`."""

    def change(json_value: Any) -> None:
        *way, last = [int(part) if part.isdigit() else part for part in path.split("/")]
        for part in way:
            json_value = json_value[part]
        json_value[last] = value

    return change


def nest(program: dict[str, Any]) -> None:
    """Regions in regions in regions."""
    graph = copy.deepcopy(program["graph_module"]["graph"])
    for _ in range(40):
        inner = {"as_graph": {"name": "g", "graph": graph}}
        given_to = {"name": "", "arg": {"as_tensor": {"name": "input"}}, "kind": 1}
        graph = {
            **copy.deepcopy({**graph, "nodes": []}),
            "nodes": [
                {
                    "target": "torch.ops.higher_order.wrap",
                    "inputs": [{"name": "", "arg": inner, "kind": 1}, given_to],
                    "outputs": [],
                    "metadata": {},
                    "name": "wrap",
                }
            ],
        }
    program["graph_module"]["graph"] = graph


NODES = "graph_module/graph/nodes"
PROGRAMS: list[tuple[Change, str]] = [
    (put("schema_version/major", 9), r"version 9\.\d+.*FTorch reads 8"),
    (
        put(f"{NODES}/1/target", "torch.ops.aten.fold_up.default"),
        r"node tanh, .*fold_up.*not known",
    ),
    (put(f"{NODES}/1/target", "torch.ops.lab.fold.default"), r"not known.*extension"),
    (put(f"{NODES}/1/target", "torch.ops.higher_order.vmap"), r"not known"),
    (put(f"{NODES}/1/target", "os.system"), r"not known"),
    (put(f"{NODES}/1/target", "torch.ops.aten.from_file.default"), r"not known"),
    (put("graph_module/graph/inputs", []), "its graph has 0 inputs"),
    (put("graph_module/graph/inputs/4", {"as_int": 1}), "another one than its signature says"),
    (put(f"{NODES}/1/inputs/0/arg", {"as_tensor": {"name": "linear_1"}}), "not exist, or not yet"),
    (put(f"{NODES}/1/inputs/0/arg", {"as_tensor": {"name": "nobody"}}), "'nobody' does not exist"),
    (put(f"{NODES}/1/inputs/0/arg", {"as_surprise": 1}), "as_surprise is not known"),
    (put(f"{NODES}/1/inputs/0/arg", {"as_ints": [1, 2]}), "given, not Tensor"),
    (put(f"{NODES}/1/inputs/0/name", "nose"), "no argument 'nose'"),
    (put(f"{NODES}/1/inputs", []), "'self' is missing"),
    (put(f"{NODES}/1/inputs/0/arg", {"as_scalar_type": 99}), "dtype, number 99, is not known"),
    (put(f"{NODES}/1/outputs", []), "'tanh' does not exist"),
    (put(f"{NODES}/1/outputs/0/as_tensor/name", "linear"), "two values have the name"),
    (put(f"{NODES}/2/inputs/1/arg", {"as_float": "many"}), "stands where a number is wanted"),
    (put("graph_module/graph/nodes", 3), "where an array is wanted"),
    (put("graph_module/graph/tensor_values/input/dtype", 77), "dtype, number 77"),
    (
        put(
            "graph_module/graph/tensor_values/input/sizes/0/as_expr/expr_str",
            "Riemann(Symbol('s77'))",
        ),
        r"the expression 'Riemann.*not known",
    ),
    (put("guards_code", ["__import__('os').system('true')"]), "expression .* is not known"),
    (put("guards_code", ["(" * 5000]), "expression .* is not known"),
    (put("guards_code", ["+".join(["1"] * 5000)]), "expression .* is not known"),
    (put("graph_module/signature/input_specs/0/parameter/parameter_name", "x"), "no weight 'x'"),
    (put("graph_module/signature/input_specs", []), "its signature 0"),
    (nest, "nested too deeply"),
]
FORM = "config/0.weight"
PAYLOADS: list[tuple[Change, str]] = [
    (put(f"{FORM}/path_name", "../../../etc/passwd"), "has no record"),
    (put(f"{FORM}/path_name", "weight_99"), "has no record"),
    (put(f"{FORM}/use_pickle", True), "pickled"),
    (put(f"{FORM}/tensor_meta/sizes/0/as_int", 9), "does not lie within its record"),
    (put(f"{FORM}/tensor_meta/sizes/0/as_int", 1 << 62), "does not lie within its record"),
    (put(f"{FORM}/tensor_meta/sizes/0/as_int", -1), "no number"),
    (put(f"{FORM}/tensor_meta/strides/0/as_int", 1 << 40), "does not lie within its record"),
    (put(f"{FORM}/tensor_meta/storage_offset/as_int", 1), "does not lie within its record"),
    (put(f"{FORM}/tensor_meta/strides", []), "does not lie within its record"),
    (put(f"{FORM}/tensor_meta/dtype", 8), "does not lie within its record"),
    (put(f"{FORM}/tensor_meta/device/type", "abacus"), "abacus"),
]


@pytest.mark.parametrize(("change", "part"), PROGRAMS)
def test_programs_that_are_not_known(
    change: Change, part: str, whole: bytes, tmp_path: Path
) -> None:
    refuses(changed(whole, PROGRAM, change), tmp_path, part)


@pytest.mark.parametrize(("change", "part"), PAYLOADS)
def test_weights_that_are_not_there(
    change: Change, part: str, whole: bytes, tmp_path: Path
) -> None:
    refuses(changed(whole, WEIGHTS, change), tmp_path, part)


def test_an_unknown_operator_is_named_with_its_line(tmp_path: Path) -> None:
    file = export(CASES["regions"].make(), CASES["regions"].inputs(), tmp_path / "m.pt2")
    content = changed(
        file.read_bytes(), PROGRAM, put(f"{NODES}/2/target", "torch.ops.lab.sum_up.default")
    )
    message = refuses(content, tmp_path, r"\(exported_networks.py:\d+\)")
    line = int(re.search(r"networks.py:(\d+)", message)[1])
    assert (
        "torch.cond"
        in (Path(__file__).parent / "exported_networks.py").read_text().split("\n")[line - 1]
    )


def test_damaged_archives(whole: bytes, tmp_path: Path) -> None:
    for end in (*range(0, len(whole), 997), len(whole) - 1):
        (tmp_path / "cut.pt2").write_bytes(whole[:end])
        with pytest.raises(ShimError):
            shim.load(tmp_path / "cut.pt2")
    start = whole.find(b"weight_0")
    for place in range(start, start + 300, 7):
        bad = bytearray(whole)
        bad[place] ^= 0x10
        (tmp_path / "flipped.pt2").write_bytes(bad)
        assert status_of(lambda: shim.load(tmp_path / "flipped.pt2")) in ("", "ft_model_error")


def test_changed_json_never_ends_the_process(whole: bytes, tmp_path: Path, generator) -> None:
    """Parts of the JSON are exchanged, removed or of another type: what loads is run."""
    with zipfile.ZipFile(io.BytesIO(whole)) as source:
        name = next(one for one in source.namelist() if one.endswith(PROGRAM))
        program = json.loads(source.read(name))
    values = [None, True, -1, 1 << 62, 0.5, "", "tanh", [], {}, {"as_none": True}, {"as_int": 3}]

    def parts(value: Any) -> list[tuple[Any, Any]]:
        keys = range(len(value)) if isinstance(value, list) else list(value)
        found = [(value, key) for key in keys]
        for key in keys:
            if isinstance(value[key], list | dict):
                found += parts(value[key])
        return found

    for _ in range(150):
        copied = copy.deepcopy(program)
        places = parts(copied)
        for _ in range(int(generator.integers(1, 3))):
            holder, key = places[int(generator.integers(len(places)))]
            if isinstance(holder, dict) and key not in holder:
                continue
            if isinstance(holder, list) and key >= len(holder):
                continue
            other, which = places[int(generator.integers(len(places)))]
            choice = int(generator.integers(3))
            if choice == 0:
                holder[key] = values[int(generator.integers(len(values)))]
            elif choice == 1 and (
                which in other if isinstance(other, dict) else which < len(other)
            ):
                holder[key] = copy.deepcopy(other[which])
            else:
                del holder[key]

        def replace(value: dict[str, Any], by: dict[str, Any] = copied) -> None:
            value.clear()
            value.update(by)

        (tmp_path / "odd.pt2").write_bytes(changed(whole, PROGRAM, replace))
        assert status_of(lambda: load_and_run(tmp_path / "odd.pt2")) != "ft_internal_error"


INPUTS = [
    (
        "fixed",
        [torch.ones(4, 4)],
        "ft_shape_mismatch",
        r"\(1\), input: dimension 1 is 4; .*takes 5",
    ),
    ("fixed", [torch.ones(5, 4, 1)], "ft_shape_mismatch", "has 3 dimensions; the model takes 2"),
    ("fixed", [torch.ones(5, 4, dtype=torch.float64)], "ft_dtype_mismatch", "is float64.*float32"),
    ("fixed", [], "ft_invalid_argument", r"takes 1 input \(input\); 0 were given"),
    (
        "ranged",
        [torch.ones(2, 4)],
        "ft_shape_mismatch",
        "dimension 1 is 2; the model takes 3 to 64",
    ),
    ("ranged", [torch.ones(65, 4)], "ft_shape_mismatch", "is 65; the model takes 3 to 64"),
    (
        "derived",
        [torch.ones(5, 4), torch.ones(11, 4)],
        "ft_shape_mismatch",
        r"\(2\), y: dimension 1 is 11; the model takes 10, since dimension 1 of x is 5",
    ),
    (
        "sizes",
        [torch.ones(7, 4), torch.ones(9, 4)],
        "ft_shape_mismatch",
        "dimension 1 of x.*dimension 1 is 7",
    ),
    ("counted", [torch.ones(6, 4), torch.tensor(2.0)], "ft_dtype_mismatch", "takes an integer"),
    (
        "counted",
        [torch.ones(6, 4), torch.ones(1)],
        "ft_shape_mismatch",
        "a number, which has none",
    ),
    ("chosen", [torch.ones(6, 4), torch.tensor(7)], "ft_model_error", r"node .*assert.*\.py:\d+"),
]


@pytest.mark.parametrize(("name", "inputs", "status", "part"), INPUTS)
def test_inputs_that_are_not_taken(name, inputs, status, part, tmp_path: Path) -> None:
    case = CASES[name]
    model = shim.load(export(case.make(), case.inputs(), tmp_path / "m.pt2", case.dynamic))
    output = shim.wrap(np.full((2, 2), -1, "f4"))
    tensors = given(inputs)
    others = [shim.anything() for _ in range(count(model, 2) - 1)]
    with pytest.raises(ShimError, match=part) as failure:
        shim.forward(model, tensors, [output, *others])
    assert failure.value.status == status
    assert "Exception raised" not in str(failure.value)
    assert (output.numpy() == -1).all()


def test_one_batch_is_enough_for_dynamic_rows(whole: bytes, tmp_path: Path) -> None:
    (tmp_path / "m.pt2").write_bytes(whole)
    model = shim.load(tmp_path / "m.pt2")
    for rows in (0, 1, 2):
        (output,) = results(model, given([torch.ones(rows, 4)]), [torch.empty(rows, 3)])
        assert output.shape() == [rows, 3]


def test_several_programs_in_one_archive(tmp_path: Path) -> None:
    from torch.export.pt2_archive._package import package_pt2

    program = torch.export.export(nn.Linear(2, 2), (torch.ones(1, 2),))
    package_pt2(str(tmp_path / "two.pt2"), exported_programs={"a": program, "b": program})
    with pytest.raises(ShimError, match="several programs, a, b"):
        shim.load(tmp_path / "two.pt2")
