# SPDX-License-Identifier: MIT
"""Training steps: loss and gradients of a network as one compiled program."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ftorch_tools.errors import UsageError
from ftorch_tools.export import aoti, formats, products
from ftorch_tools.export.check import Difference, duplicate, relative_difference
from ftorch_tools.export.errors import ExportError, import_torch
from ftorch_tools.export.output import drafted
from ftorch_tools.export.request import DifferenceError, prepare
from ftorch_tools.export.samples import Samples
from ftorch_tools.export.sizes import TensorSpec
from ftorch_tools.export.source import find_object

_SEED = 11
_TOLERANCE = 1e-5
# Names in FTorch whose functions in torch.nn.functional have others.
_LOSSES = {
    "bce": "binary_cross_entropy",
    "bce_with_logits": "binary_cross_entropy_with_logits",
}


@dataclass
class TrainStep:
    """Loss and gradients of `model`, as a procedure of tensors alone."""

    model: Any
    loss: Callable[..., Any]
    arguments: tuple[Any, ...]
    parameters: dict[str, Any] = field(init=False)
    buffers: dict[str, Any] = field(init=False)
    gradients: list[str] = field(init=False)
    # Those that require a gradient, and have no part in the loss.
    unused: list[str] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self.parameters = {name: one.detach() for name, one in self.model.named_parameters()}
        # Others are no part of what is saved, and constants of the code.
        kept = self.model.state_dict().keys()
        self.buffers = {
            name: one.detach() for name, one in self.model.named_buffers() if name in kept
        }
        wanted = {name for name, one in self.model.named_parameters() if one.requires_grad}
        self.gradients = [name for name in self.parameters if name in wanted]
        if not self.gradients:
            raise ExportError("the network has no parameter that requires a gradient")

    def __call__(
        self,
        parameters: Mapping[str, Any],
        buffers: Mapping[str, Any],
        inputs: Sequence[Any],
        targets: Sequence[Any],
    ) -> tuple[Any, ...]:
        """Return the loss, gradients of those parameters that have one, and new buffers."""
        torch = import_torch()
        leaves = {
            name: one.detach().requires_grad_(name in self.gradients)
            for name, one in parameters.items()
        }
        state = {name: one.clone() for name, one in buffers.items()}
        with torch.enable_grad():
            result = torch.func.functional_call(
                self.model, {**leaves, **state}, _filled(self.arguments, inputs)
            )
            loss = self.loss(result, *targets)
            _check_loss(loss)
            found = torch.autograd.grad(
                loss, [leaves[name] for name in self.gradients], allow_unused=True
            )
        gradients = [one for one in found if one is not None]
        self.unused += [name for name, one in zip(self.gradients, found) if one is None]
        self.gradients = [name for name, one in zip(self.gradients, found) if one is not None]
        return (loss.detach(), gradients, [one.detach() for one in state.values()])


@dataclass
class TrainStepRequest:
    """A compiled training step that is written, and compared with autograd."""

    model: Any
    output: Path
    loss: Callable[..., Any]
    samples: Samples
    targets: Samples | None
    metadata: dict[str, str]
    compilation: aoti.Compilation
    tolerance: float | None = None
    products: str = products.LIBRARY
    note: str = ""

    def run(self) -> list[Difference]:
        """Write the file; return how far it is from autograd, and fail where that is too far."""
        prepare(self.model, self.samples.dtype, self.samples.device, True)
        self.samples.check()
        self._make_sizes_distinct()
        first = self.samples.first()
        targets = self._targets(first, self.samples.sizes.first())
        passes = self._passes(first)
        step = self._step(first)
        with drafted(self.output) as draft:
            shapes = (
                _shapes(self.samples, first),
                [self._target_shape(i, one) for i, one in enumerate(targets)],
            )
            program, parts = export_step(step, targets, *shapes, self.products)
            formats.compile_program(program, draft, self.compilation, self.metadata, parts)
            found = self._check(draft, passes)
            if not all(one.is_small for one in found):
                raise DifferenceError(found)
        return found

    def _make_sizes_distinct(self) -> None:
        """Samples have dynamic sizes that no dimension of a parameter has."""
        taken = {
            size for one in (*self.model.parameters(), *self.model.buffers()) for size in one.shape
        }
        self.samples.sizes.avoid(taken)

    def _other_sizes(self) -> dict[str, int]:
        """Return larger sizes than those of the samples, where there are such."""
        dynamic, first = self.samples.sizes.dynamic, self.samples.sizes.first()
        return {name: one.within(first[name] + 2) for name, one in dynamic.items()}

    def _targets(self, arguments: tuple[Any, ...], sizes: Mapping[str, int]) -> list[Any]:
        torch = import_torch()
        if self.targets is not None:
            return [*self.targets.of_sizes(sizes)]
        _seed()
        with torch.no_grad(), _failing_network():
            result = duplicate(self.model)(*copy.deepcopy(arguments))
        if not isinstance(result, torch.Tensor):
            raise UsageError(
                "--target: the network returns no single tensor, say what targets are"
            )
        return [torch.rand_like(result)]

    def _target_shape(self, place: int, target: Any) -> dict[int, Any]:
        if self.targets is not None:
            return _shapes(self.targets, self.targets.of_sizes(self.samples.sizes.first()))[place]
        named = self.samples.sizes.of_torch()
        if not named:
            return {}
        first, other = self.samples.sizes.first(), self._other_sizes()
        (changed,) = self._targets(self.samples.of_sizes(other), other)
        found = {}
        for i, (one, two) in enumerate(zip(target.shape, changed.shape)):
            names = [name for name in first if (first[name], other[name]) == (one, two)]
            if names:
                found[i] = named[names[0]]
            elif one != two:
                raise UsageError(
                    "--target: the sizes of the network's result are not those of inputs"
                )
        return found

    def _step(self, first: tuple[Any, ...]) -> TrainStep:
        # A pass leaves marks on some networks.
        return TrainStep(duplicate(self.model), self.loss, first)

    def _passes(self, first: tuple[Any, ...]) -> list[_Pass]:
        """Run the network; return what the compiled step has to compute."""
        step = self._step(first)
        sets = {"samples": (first, self.samples.sizes.first())}
        sizes = self._other_sizes()
        if sizes:
            other = self.samples.of_sizes(sizes)
            sets[self.samples.other_sizes_text(other)] = (other, sizes)
        return [
            _Pass.of(step, name, arguments, self._targets(arguments, sizes))
            for name, (arguments, sizes) in sets.items()
        ]

    def _check(self, file: Path, passes: list[_Pass]) -> list[Difference]:
        with formats.failing("AOTInductor's code"):
            run = aoti.loader(file).run
            largest = [one.difference(run) for one in passes]
        tolerance = self.tolerance or _TOLERANCE
        return [
            Difference("Python", one.name, difference, tolerance)
            for one, difference in zip(passes, largest)
        ]


@dataclass(frozen=True)
class _Pass:
    """Arguments of a step, and the loss, gradients and buffers that autograd gives for them."""

    name: str
    arguments: list[Any]
    loss: Any
    gradients: list[Any]
    buffers: list[Any]

    @classmethod
    def of(
        cls, step: TrainStep, name: str, arguments: tuple[Any, ...], targets: list[Any]
    ) -> _Pass:
        """Run the network on these."""
        inputs = aoti.tensors_of(arguments)
        with _failing_network():
            _seed()
            found = step(step.parameters, step.buffers, inputs, targets)
        state = [*step.parameters.values(), *step.buffers.values()]
        return cls(name, [*state, *inputs, *targets], *found)

    def difference(self, run: Callable[[list[Any]], list[Any]]) -> float:
        """Return how far the results of another step are."""
        _seed()
        loss, *got = run(self.arguments)
        count = len(self.gradients)
        # Gradients as one vector: some are zero but for rounding.
        pairs = [
            (loss, self.loss),
            (_vector(got[:count]), _vector(self.gradients)),
            *zip(got[count:], self.buffers),
        ]
        return max(relative_difference(*pair) for pair in pairs)


def export_step(
    step: TrainStep,
    targets: list[Any],
    input_shapes: list[Any],
    target_shapes: list[Any],
    kind_of_products: str = products.LIBRARY,
) -> tuple[Any, dict[str, Any]]:
    """Return the program of a training step, and the names of what goes in and comes out."""
    torch = import_torch()
    from torch.fx.experimental import _config
    from torch.fx.experimental.proxy_tensor import make_fx

    inputs = aoti.tensors_of(aoti.dense(step.arguments))
    given = (step.parameters, step.buffers, inputs, targets)
    fixed = dict.fromkeys(step.parameters), dict.fromkeys(step.buffers)
    with formats.failing("the training step"):
        _seed()
        # Sizes that are equal by chance are different sizes.
        # Recurrent layers of oneDNN have gradients that inductor's code cannot call.
        with _config.patch(use_duck_shape=False), torch.backends.mkldnn.flags(enabled=False):
            table = products.decompositions(kind_of_products)
            # Tensors of the network that are neither parameters nor saved are constants.
            traced = make_fx(step, table, tracing_mode="symbolic", _allow_non_fake_inputs=True)(
                *given
            )

        class Module(torch.nn.Module):  # type: ignore[misc,name-defined]
            """The traced procedure."""

            def forward(self, parameters: Any, buffers: Any, inputs: Any, targets: Any) -> Any:
                return traced(parameters, buffers, inputs, targets)

        shapes = (*fixed, input_shapes, target_shapes)
        program = torch.export.export(Module(), given, dynamic_shapes=shapes, strict=False)
    parts = {
        "parameters": list(step.parameters),
        "buffers": list(step.buffers),
        "gradients": step.gradients,
        "unused": step.unused,
        "inputs": len(inputs),
        "targets": len(targets),
    }
    return program, parts


def find_loss(name: str) -> Callable[..., Any]:
    """Return a loss by its name in FTorch or PyTorch, or a procedure `module:function`."""
    functional = import_torch().nn.functional
    if ":" in name:
        found = find_object(name)
        if not callable(found):
            raise UsageError(f"--train-step {name}: it cannot be called")
        return found  # type: ignore[no-any-return]
    for candidate in (_LOSSES.get(name, ""), f"{name}_loss", name):
        function = getattr(functional, candidate, None) if candidate else None
        if callable(function):
            return function  # type: ignore[no-any-return]
    raise UsageError(
        f"--train-step {name}: PyTorch has no such loss; expected mse, cross_entropy and so on, "
        "or file.py:function, which is called with the result and the targets"
    )


def _seed() -> None:
    import_torch().manual_seed(_SEED)


@contextmanager
def _failing_network() -> Iterator[None]:
    """Turn what the network or the loss raises into an error that says so."""
    try:
        yield
    except ExportError:
        raise
    except Exception as error:
        text = f"{type(error).__name__}: {error}"
        raise ExportError(f"the network, or its loss, fails with the samples: {text}") from None


def _check_loss(loss: Any) -> None:
    torch = import_torch()
    if not isinstance(loss, torch.Tensor) or loss.numel() != 1:
        what = list(loss.shape) if isinstance(loss, torch.Tensor) else type(loss).__name__
        raise ExportError(f"the loss is {what}; it must be one number")


def _vector(tensors: Sequence[Any]) -> Any:
    torch = import_torch()
    wide = torch.complex128 if any(one.is_complex() for one in tensors) else torch.float64
    return torch.cat([one.reshape(-1).to(wide) for one in tensors])


def _filled(arguments: tuple[Any, ...], tensors: Sequence[Any]) -> tuple[Any, ...]:
    """Return arguments with other tensors in the place of theirs."""
    torch = import_torch()
    from torch.utils import _pytree

    others = iter(tensors)
    made: tuple[Any, ...] = _pytree.tree_map(
        lambda one: next(others) if isinstance(one, torch.Tensor) else one, arguments
    )
    return made


def _shapes(samples: Samples, arguments: Sequence[Any]) -> list[dict[int, Any]]:
    """Return the dynamic dimensions of each tensor."""
    torch = import_torch()
    from torch.utils import _pytree

    named = samples.sizes.of_torch()
    specs = _pytree.tree_leaves(samples.specs) if samples.specs else []
    if not specs:
        return [{} for _ in aoti.tensors_of(arguments)]
    return [
        {i: named[size] for i, size in enumerate(spec.sizes) if isinstance(size, str)}
        for spec, one in zip(specs, _pytree.tree_leaves(list(arguments)))
        if isinstance(one, torch.Tensor) and isinstance(spec, TensorSpec)
    ]
