# SPDX-License-Identifier: MIT
"""Arguments of a network: made from sizes, or read from a file."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ftorch_tools.errors import InfrastructureError, UsageError
from ftorch_tools.export.errors import ExportError, import_torch
from ftorch_tools.export.sizes import NumberSpec, Sizes, TensorSpec


@dataclass
class Samples:
    """Arguments for the export, and others for a check; `specs` has a tree for each argument."""

    sizes: Sizes
    specs: list[Any]
    read: tuple[Any, ...] | None
    dtype: str | None
    device: str

    def first(self) -> tuple[Any, ...]:
        """Return the arguments of the export."""
        if self.read is not None:
            return self._move(self.read)
        return self._random(self.sizes.first())

    def other(self) -> tuple[Any, ...] | None:
        """Return random arguments of other sizes, or None where all sizes are fixed."""
        return self._random(self.sizes.other()) if self.sizes.dynamic else None

    def of_sizes(self, sizes: Mapping[str, int]) -> tuple[Any, ...]:
        """Return random arguments of these dynamic sizes."""
        return self._random(sizes)

    def other_sizes_text(self, arguments: Sequence[Any]) -> str:
        """Name the dynamic sizes of `arguments`."""
        found: dict[str, int] = {}
        for spec, value in self._pairs(arguments):
            if isinstance(spec, TensorSpec):
                found.update(
                    (name, size)
                    for name, size in zip(spec.sizes, value.shape)
                    if isinstance(name, str)
                )
        return ", ".join(f"{name} {size}" for name, size in found.items())

    def dynamic_shapes(self) -> tuple[Any, ...] | None:
        """Return what torch.export takes."""
        if not self.sizes.dynamic:
            return None
        pytree, named = _pytree(), self.sizes.of_torch()

        def shape(spec: Any) -> Any:
            if isinstance(spec, NumberSpec):
                return None
            return {i: named[one] for i, one in enumerate(spec.sizes) if isinstance(one, str)}

        return tuple(pytree.tree_map(shape, self.specs))

    def check(self) -> None:
        """Fail unless what was read has the sizes that were typed."""
        if self.read is None:
            return
        if not self.specs:
            return
        if len(self.specs) != len(self.read):
            message = f"--input: {len(self.specs)} for {len(self.read)} arguments in the samples"
            raise UsageError(message)
        self.specs = [_in_order_of(value, spec) for spec, value in zip(self.specs, self.read)]
        for spec, value in self._pairs(self.read):
            if isinstance(spec, TensorSpec):
                _check_sample(spec, value)

    def _pairs(self, arguments: Sequence[Any]) -> list[tuple[Any, Any]]:
        pytree = _pytree()
        specs, values = pytree.tree_leaves(self.specs), pytree.tree_leaves(list(arguments))
        if self.specs and len(specs) != len(values):
            raise UsageError(f"--input: {len(specs)} tensors, the samples have {len(values)}")
        return list(zip(specs, values))

    def _random(self, sizes: Mapping[str, int]) -> tuple[Any, ...]:
        def value(spec: Any) -> Any:
            if isinstance(spec, NumberSpec):
                return spec.value
            shape = [sizes[one] if isinstance(one, str) else one for one in spec.sizes]
            return _random_tensor(shape, spec.dtype or self.dtype or "float32")

        return self._move(tuple(_pytree().tree_map(value, self.specs)))

    def _move(self, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
        torch = import_torch()

        def move(value: Any) -> Any:
            if not isinstance(value, torch.Tensor):
                return value
            # What was read has a dtype of its own.
            if self.dtype is None or self.read is None or not value.is_floating_point():
                return value.to(self.device)
            return value.to(self.device, getattr(torch, self.dtype))

        moved: tuple[Any, ...] = _pytree().tree_map(move, arguments)
        return moved


def read_samples(file: Path, model: Any) -> tuple[Any, ...]:
    """Return the arguments in an .npz file, or in a .pt file of torch.save."""
    torch = import_torch()
    if not file.is_file():
        raise UsageError(f"--samples {file}: no such file")
    try:
        if file.suffix == ".npz":
            import numpy as np

            with np.load(file, allow_pickle=False) as arrays:
                found: Any = {name: torch.from_numpy(arrays[name]) for name in arrays}
        else:
            found = torch.load(file, map_location="cpu", weights_only=True)
    except ModuleNotFoundError as error:
        raise InfrastructureError(
            f"--samples {file} needs NumPy ({error}): pip install numpy"
        ) from None
    except Exception as error:
        raise ExportError(f"--samples {file}: {type(error).__name__}: {error}") from None
    if isinstance(found, torch.Tensor):
        return (found,)
    if isinstance(found, Mapping):
        return _by_name(file, found, model)
    if not isinstance(found, (list, tuple)):
        raise UsageError(f"--samples {file}: it holds a {type(found).__name__}, not tensors")
    return tuple(found)


def _in_order_of(value: Any, spec: Any) -> Any:
    """Return `spec` with names in the order of the sample's, in which PyTorch flattens both."""
    if isinstance(value, Mapping) and isinstance(spec, dict):
        if set(value) != set(spec):
            raise UsageError(f"--input: it names {', '.join(spec)}, the sample {', '.join(value)}")
        return {name: _in_order_of(one, spec[name]) for name, one in value.items()}
    if isinstance(value, (list, tuple)) and isinstance(spec, list) and len(value) == len(spec):
        return [_in_order_of(one, other) for one, other in zip(value, spec)]
    return spec


def _by_name(file: Path, found: Mapping[str, Any], model: Any) -> tuple[Any, ...]:
    # numpy.savez calls arrays without names so, in their order.
    if all(name == f"arr_{i}" for i, name in enumerate(found)):
        return tuple(found.values())
    wanted = list(inspect.signature(model.forward).parameters)
    names = [name for name in wanted if name in found]
    if len(names) == len(found) and names == wanted[: len(names)]:
        return tuple(found[name] for name in names)
    if file.suffix != ".npz" and not names:
        return (dict(found),)
    raise UsageError(
        f"--samples {file}: it has {', '.join(found)}; the network takes {', '.join(wanted)}"
    )


def _check_sample(spec: TensorSpec, value: Any) -> None:
    if not hasattr(value, "shape"):
        raise UsageError(f"--input {spec}: the sample is {value!r}, which is no tensor")
    sizes = list(value.shape)
    matches = len(sizes) == len(spec.sizes) and all(
        isinstance(wanted, str) or wanted == size for wanted, size in zip(spec.sizes, sizes)
    )
    dtype = str(value.dtype).removeprefix("torch.")
    if not matches or (spec.dtype is not None and spec.dtype != dtype):
        got = f"{','.join(map(str, sizes))}:{dtype}"
        raise UsageError(f"--input {spec}: the sample is {got}")


def _random_tensor(shape: Sequence[int], name: str) -> Any:
    torch = import_torch()
    dtype = getattr(torch, name)
    if dtype is torch.bool:
        return torch.rand(shape) > 0.5
    if dtype.is_floating_point or dtype.is_complex:
        return (
            torch.randn(shape).to(dtype)
            if dtype.is_floating_point
            else torch.randn(shape, dtype=dtype)
        )
    # Small, as an index of anything is.
    return torch.randint(0, 2, shape, dtype=dtype)


def _pytree() -> Any:
    from torch.utils import _pytree

    return _pytree
