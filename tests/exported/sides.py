# SPDX-License-Identifier: MIT
"""A network on two sides: as eager PyTorch runs it, and as the library runs its file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import model_parts
import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

import shim
from catalog.optimizers import OPTIMIZERS

Seed = Callable[[int, Tensor], Tensor]
"""The gradient of a loss by a result, by its number."""


def flatten(tree: Any) -> list[Tensor]:
    """Return the tensors and numbers of a tree in order, numbers as tensors, without None."""
    return [
        leaf if isinstance(leaf, Tensor) else torch.tensor(leaf, dtype=NUMBERS[type(leaf)])
        for leaf in pytree.tree_leaves(tree)
        if leaf is not None
    ]


NUMBERS = {float: torch.float64, int: torch.int64, bool: torch.bool}


def is_differentiable(tensor: Tensor) -> bool:
    """Return whether numbers are floating or complex."""
    return tensor.is_floating_point() or tensor.is_complex()


class Eager:
    """The network itself."""

    def __init__(self, module: nn.Module) -> None:
        self.module = module
        self.inputs: list[Tensor] = []
        self.outputs: list[Tensor] = []

    def forward(self, arguments: Any, with_gradients: bool) -> list[Tensor]:
        """Run, with leaves of their own; return results."""
        leaves, tree = pytree.tree_flatten(arguments)
        leaves = [one.detach().clone() if isinstance(one, Tensor) else one for one in leaves]
        self.inputs = [one for one in leaves if isinstance(one, Tensor)]
        if with_gradients:
            for one in self.inputs:
                one.requires_grad_(is_differentiable(one))
        torch.manual_seed(11)
        with torch.set_grad_enabled(with_gradients):
            self.outputs = flatten(self.module(*pytree.tree_unflatten(leaves, tree)))
        return [one.detach().clone() for one in self.outputs]

    def written_inputs(self) -> list[Tensor]:
        """Inputs after a pass."""
        return [one.detach().clone() for one in self.inputs]

    def backward(self, seed: Seed) -> None:
        """Differentiate all results, one after the other."""
        for i, one in enumerate(self.outputs):
            if one.requires_grad:
                one.backward(seed(i, one.detach()), retain_graph=True)

    def input_gradients(self) -> list[Tensor | None]:
        """Gradients of the inputs that can have them."""
        return [one.grad for one in self.inputs if one.requires_grad]

    def parameter_gradients(self) -> dict[str, Tensor | None]:
        """Gradients by name."""
        return {name: one.grad for name, one in self.module.named_parameters()}

    def make_adam(self) -> torch.optim.Optimizer:
        """Return the optimizer, with the same kernel as that of the library where there is one."""
        parameters = list(self.module.parameters())
        return torch.optim.Adam(parameters, fused=all(not one.is_complex() for one in parameters))

    def state(self) -> dict[str, Tensor]:
        """Parameters and buffers."""
        return {
            name: one.detach().clone()
            for name, one in self.module.state_dict().items()
            if isinstance(one, Tensor)
        }


class Loaded:
    """The model that the library loads from a file."""

    def __init__(self, file: Path, is_training: bool) -> None:
        self.model = shim.load(file, train=int(is_training))
        self.inputs: list[shim.Tensor] = []
        self.outputs: list[shim.Tensor] = []
        self.are_tensors: list[bool] = []

    def forward(
        self, arguments: Any, with_gradients: bool, like: Sequence[Tensor]
    ) -> list[Tensor]:
        """Run into results of the shapes and dtypes of `like`."""
        leaves = [one for one in pytree.tree_leaves(arguments) if one is not None]
        self.are_tensors = [isinstance(one, Tensor) for one in leaves]
        self.inputs = [
            shim.wrap(one.numpy(), int(with_gradients and is_a_tensor and is_differentiable(one)))
            for one, is_a_tensor in zip(copies(flatten(leaves)), self.are_tensors)
        ]
        self.outputs = [shim.anything(one.shape, dtype_name(one)) for one in like]
        torch.manual_seed(11)
        shim.forward(self.model, self.inputs, self.outputs, int(with_gradients))
        return [torch.from_numpy(one.numpy()) for one in self.outputs]

    def written_inputs(self) -> list[Tensor]:
        """Inputs after a pass."""
        return [
            torch.from_numpy(one.array)
            for one, is_a_tensor in zip(self.inputs, self.are_tensors)
            if is_a_tensor
        ]

    def backward(self, seed: Seed) -> None:
        """Differentiate all results, one after the other."""
        for i, one in enumerate(self.outputs):
            if one.requires_grad():
                gradient = seed(i, torch.from_numpy(one.numpy())).numpy().copy()
                one.backward(shim.wrap(gradient), retain_graph=True)

    def input_gradients(self) -> list[Tensor | None]:
        """Gradients of the inputs that can have them."""
        return [gradient_of(one) for one in self.inputs if one.requires_grad()]

    def parameter_gradients(self) -> dict[str, Tensor | None]:
        """Gradients by name."""
        names = model_parts.names(self.model, 0)
        return {name: gradient_of(model_parts.part(self.model, name)) for name in names}

    def make_adam(self) -> Adam:
        """Return the optimizer."""
        return Adam(model_parts.all_parameters(self.model))

    def state(self, names: Sequence[str], parameters: Sequence[str]) -> dict[str, Tensor]:
        """Parameters and buffers by name."""
        return {
            name: torch.from_numpy(
                model_parts.part(self.model, name, name not in parameters).numpy()
            )
            for name in names
        }

    def save(self, file: Path) -> None:
        """Write the model."""
        shim.call("ft_model_save", self.model.handle, str(file).encode())


class Adam:
    """The library's Adam, called as that of PyTorch."""

    def __init__(self, parameters: Sequence[shim.Tensor]) -> None:
        row = next(one for one in OPTIMIZERS if one.name == "Adam")
        defaults = [one.default for one in row.hyperparameters]
        self.parameters = parameters
        self.handle = shim.optimizer(OPTIMIZERS.index(row), parameters, defaults)

    def zero_grad(self) -> None:
        shim.call("ft_optim_zero_gradient", self.handle.handle)

    def step(self) -> None:
        shim.call("ft_optim_step", self.handle.handle)


def gradient_of(tensor: shim.Tensor) -> Tensor | None:
    """Return a gradient, or None where there is none."""
    try:
        return torch.from_numpy(tensor.gradient().numpy())
    except shim.ShimError:
        return None


def copies(tensors: Sequence[Tensor]) -> Iterator[Tensor]:
    """Return copies that are contiguous."""
    return (one.detach().clone(memory_format=torch.contiguous_format) for one in tensors)


def dtype_name(tensor: Tensor) -> str:
    """Return a dtype as NumPy calls it."""
    return str(tensor.dtype).removeprefix("torch.")
