# SPDX-License-Identifier: MIT
"""What a file of torch.export holds, read without PyTorch."""

from __future__ import annotations

import ast
import json
import re
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import reduce
from math import prod
from pathlib import Path
from typing import Any

from ftorch_tools.errors import UsageError
from ftorch_tools.export.errors import ExportError
from ftorch_tools.export.formats import METADATA

# ScalarType of PyTorch's schema, from 1 on.
_DTYPES = (
    *("uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64", "complex32"),
    *("complex64", "complex128", "bool", "bfloat16"),
)
_OPERATORS: dict[str, type[ast.operator]] = {
    "Add": ast.Add,
    "Mul": ast.Mult,
    "Pow": ast.Pow,
    "FloorDiv": ast.FloorDiv,
    "Mod": ast.Mod,
    "PythonMod": ast.Mod,
}


@dataclass(frozen=True)
class Value:
    """A tensor or number that goes in or out, or a parameter or buffer."""

    name: str
    dtype: str
    sizes: tuple[str, ...] | None
    note: str = ""

    @property
    def shape(self) -> str:
        """The sizes as they are shown."""
        return "a number" if self.sizes is None else f"[{', '.join(self.sizes)}]"


@dataclass
class Contents:
    """An exported program."""

    torch_version: str
    schema: str
    inputs: list[Value] = field(default_factory=list)
    outputs: list[Value] = field(default_factory=list)
    parameters: list[Value] = field(default_factory=list)
    buffers: list[Value] = field(default_factory=list)
    operators: Counter[str] = field(default_factory=Counter)
    ranges: dict[str, str] = field(default_factory=dict)
    guards: list[str] = field(default_factory=list)
    metadata: dict[str, str] = field(default_factory=dict)

    @property
    def parameter_count(self) -> int:
        """How many numbers the parameters have."""
        return sum(prod(int(size) for size in one.sizes or ()) for one in self.parameters)


def read_contents(file: Path) -> Contents:
    """Return what `file` holds; raise `ExportError` when it is no exported program."""
    if not file.is_file():
        raise UsageError(f"{file}: no such file")
    try:
        with zipfile.ZipFile(file) as archive:
            return _read(file, archive)
    except zipfile.BadZipFile:
        raise ExportError(f"{file}: it is no archive, or damaged") from None
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        text = f"{type(error).__name__}: {error}"
        raise ExportError(f"{file}: its description of the graph is damaged: {text}") from None


def is_torchscript(file: Path) -> bool:
    """Return whether `file` is an archive of TorchScript."""
    try:
        with zipfile.ZipFile(file) as archive:
            return any(name.endswith("/constants.pkl") for name in archive.namelist())
    except zipfile.BadZipFile:
        return False


def _read(file: Path, archive: zipfile.ZipFile) -> Contents:
    names = [name for name in archive.namelist() if re.fullmatch(r"[^/]*/models/\w+\.json", name)]
    if not names:
        raise ExportError(f"{file}: it holds no exported program of torch.export")
    program = json.loads(archive.read(names[0]))
    version = program.get("schema_version", {})
    contents = Contents(
        str(program.get("torch_version", "")),
        f"{version.get('major', '?')}.{version.get('minor', '?')}",
        guards=[_plain_guard(one) for one in program.get("guards_code") or []],
    )
    for name, limits in (program.get("range_constraints") or {}).items():
        smallest, largest = limits.get("min_val"), limits.get("max_val")
        contents.ranges[name] = f"{smallest} to {largest}" if largest else f"{smallest} or more"
    graph = program["graph_module"]["graph"]
    _read_signature(contents, program["graph_module"]["signature"], graph["tensor_values"])
    contents.operators.update(_operators(graph))
    extra = names[0].split("/")[0] + f"/extra/{METADATA}"
    if extra in archive.namelist():
        found = json.loads(archive.read(extra))
        contents.metadata = {str(key): str(value) for key, value in found.items()}
    return contents


def _read_signature(
    contents: Contents, signature: Mapping[str, Any], tensors: Mapping[str, Any]
) -> None:
    for spec in signature["input_specs"]:
        ((kind, one),) = spec.items()
        if kind == "user_input":
            contents.inputs.append(_value(one["arg"], tensors))
        elif kind == "constant_input":
            ((kind, number),) = one["value"].items()
            # FTorch is given numbers, and neither None nor texts.
            if kind not in ("as_none", "as_string"):
                contents.inputs.append(Value(one["name"], "", None, f"always {number}"))
        elif kind == "parameter":
            contents.parameters.append(_named(one["parameter_name"], one["arg"], tensors))
        elif kind == "buffer":
            contents.buffers.append(_named(one["buffer_name"], one["arg"], tensors))
    for spec in signature["output_specs"]:
        ((kind, one),) = spec.items()
        if kind == "user_output" and not one["arg"].get("as_none"):
            contents.outputs.append(_value(one["arg"], tensors))


def _value(argument: Mapping[str, Any], tensors: Mapping[str, Any]) -> Value:
    ((kind, one),) = argument.items()
    if kind == "as_tensor":
        return _named(one["name"], one, tensors)
    name = one.get("as_name", "") if isinstance(one, Mapping) else ""
    note = "" if name else f"always {one}"
    return Value(name, kind.removeprefix("as_").removeprefix("sym_"), None, note)


def _named(name: str, argument: Mapping[str, Any], tensors: Mapping[str, Any]) -> Value:
    tensor = tensors[argument["name"]]
    dtype = tensor["dtype"]
    known = _DTYPES[dtype - 1] if 0 < dtype <= len(_DTYPES) else f"dtype {dtype}"
    return Value(name, known, tuple(_size(one) for one in tensor["sizes"]))


def _size(size: Mapping[str, Any]) -> str:
    if "as_int" in size:
        return str(size["as_int"])
    return plain_expression(size["as_expr"]["expr_str"])


def plain_expression(text: str) -> str:
    """Return an expression of SymPy's `srepr`, which is one of Python, as people write it."""
    try:
        return ast.unparse(_Plain().visit(ast.parse(text, mode="eval")))
    except (SyntaxError, ValueError, RecursionError):
        return text


class _Plain(ast.NodeTransformer):
    """Calls of SymPy's classes as names, numbers and operators."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name == "Symbol" and node.args and isinstance(node.args[0], ast.Constant):
            return ast.Name(str(node.args[0].value), ast.Load())
        if name == "Integer" and len(node.args) == 1:
            return node.args[0]
        self.generic_visit(node)
        if name not in _OPERATORS or not node.args:
            return node
        operator = _OPERATORS[name]()
        return reduce(lambda left, right: ast.BinOp(left, operator, right), node.args)


def _plain_guard(text: str) -> str:
    return re.sub(r"\['(\w+)'\]", r".\1", re.sub(r"\bL\['(\w+)'\]", r"\1", text))


def _operators(graph: Mapping[str, Any]) -> Iterator[str]:
    for node in graph["nodes"]:
        yield node["target"]
        for one in node["inputs"]:
            argument = one["arg"]
            if "as_graph" in argument:
                yield from _operators(argument["as_graph"]["graph"])
