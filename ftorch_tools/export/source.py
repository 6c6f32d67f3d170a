# SPDX-License-Identifier: MIT
"""The network that is exported: a class, or an object in a file."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ftorch_tools.errors import UsageError
from ftorch_tools.export.errors import ExportError, import_torch

# Where programs keep weights in a file with more.
_STATE_KEYS = ("state_dict", "model_state_dict", "model")


def load_model(source: str, values: Sequence[str], weights: Path | None) -> Any:
    """Return the network: `module:Class` or `file.py:Class`, called with `values`, or a file.

    `weights` names a file of its parameters and buffers.
    """
    name, colon, class_name = source.rpartition(":")
    if colon and class_name.isidentifier():
        model = _construct(_find(name, class_name), source, values)
    elif Path(source).is_file():
        if values:
            raise UsageError(f"--arg: {source} holds an object, which takes no arguments")
        model = read_object(Path(source))
    else:
        raise UsageError(
            f"{source} is neither a file nor of the form module:Class or file.py:Class"
        )
    if weights is not None:
        load_weights(model, weights)
    return model


def find_object(source: str) -> Any:
    """Return what `module:name` or `file.py:name` names, a class or a procedure."""
    name, _, class_name = source.rpartition(":")
    return _find(name, class_name)


def parse_values(texts: Sequence[str]) -> tuple[list[Any], dict[str, Any]]:
    """Return arguments, those of the form name=value by name; a value is Python's, or a text."""
    positional: list[Any] = []
    named: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if equals and name.isidentifier():
            named[name] = _value(value)
        elif named:
            raise UsageError(f"--arg {text}: it has no name, and follows one that has")
        else:
            positional.append(_value(text))
    return positional, named


def load_weights(model: Any, file: Path) -> None:
    """Put a state dictionary into `model`."""
    state = read_state(file)
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        raise ExportError(f"{file}: {error}") from None


def read_state(file: Path) -> Mapping[str, Any]:
    """Return the tensors by name in a file of torch.save or safetensors."""
    torch = import_torch()
    if not file.is_file():
        raise UsageError(f"{file}: no such file")
    if file.suffix == ".safetensors":
        try:
            from safetensors.torch import load_file
        except ImportError:
            raise UsageError(f"{file}: to read it, install safetensors") from None
        return dict(load_file(file))
    found = _unpickle(file)
    if isinstance(found, torch.nn.Module):
        return dict(found.state_dict())
    for key in _STATE_KEYS:
        if isinstance(found, Mapping) and isinstance(found.get(key), Mapping):
            found = found[key]
    if not isinstance(found, Mapping) or not all(
        isinstance(name, str) and isinstance(one, torch.Tensor) for name, one in found.items()
    ):
        raise ExportError(f"{file} holds no state dictionary, but a {type(found).__name__}")
    return found


def read_object(file: Path) -> Any:
    """Return the network that torch.save wrote whole."""
    torch = import_torch()
    found = _unpickle(file)
    if isinstance(found, torch.nn.Module):
        return found
    advice = ""
    if isinstance(found, Mapping):
        advice = f": name its class, and the file by --weights {file}"
    raise ExportError(f"{file} holds no network, but a {type(found).__name__}{advice}")


def _unpickle(file: Path) -> Any:
    torch = import_torch()
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        # A network is code: who names the file trusts it.
        return torch.load(file, map_location="cpu", weights_only=False)
    except Exception as error:
        raise ExportError(f"{file} cannot be read: {type(error).__name__}: {error}") from None


def _find(name: str, class_name: str) -> Any:
    module = _load_file(Path(name)) if name.endswith(".py") else _import(name)
    found = getattr(module, class_name, None)
    if found is None:
        raise UsageError(f"{name} has no {class_name}; it has {_names(module)}")
    if not callable(found):
        raise UsageError(f"{class_name} of {name} is no class, but a {type(found).__name__}")
    return found


def _names(module: Any) -> str:
    torch = import_torch()
    classes = [
        name
        for name, one in vars(module).items()
        if isinstance(one, type) and issubclass(one, torch.nn.Module)
    ]
    return ", ".join(classes) or "no networks"


def _load_file(file: Path) -> Any:
    if not file.is_file():
        raise UsageError(f"{file}: no such file")
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # What it imports may lie beside it; pickles name it, or, if it ran as a program, `__main__`.
    sys.path.insert(0, str(file.resolve().parent))
    sys.modules[file.stem] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise ExportError(f"{file} fails: {type(error).__name__}: {error}") from None
    main = sys.modules["__main__"]
    for name, one in vars(module).items():
        if isinstance(one, type) and not hasattr(main, name):
            setattr(main, name, one)
    return module


def _import(name: str) -> Any:
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        return importlib.import_module(name)
    except (Exception, SystemExit) as error:
        raise UsageError(f"{name} cannot be imported: {type(error).__name__}: {error}") from None


def _construct(maker: Any, source: str, values: Sequence[str]) -> Any:
    torch = import_torch()
    positional, named = parse_values(values)
    try:
        model = maker(*positional, **named)
    except (Exception, SystemExit) as error:
        raise ExportError(f"{source} cannot be made: {type(error).__name__}: {error}") from None
    if not isinstance(model, torch.nn.Module):
        raise UsageError(f"{source} makes no torch.nn.Module, but a {type(model).__name__}")
    return model


def _value(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
