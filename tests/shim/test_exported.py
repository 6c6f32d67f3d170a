# SPDX-License-Identifier: MIT
"""Exported programs: results and gradients are those of the modules in Python."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from exported import export, given, leaves, names, results, same, total, twin
from exported_networks import CASES, Case
from model_parts import count
from torch.utils._pytree import tree_leaves, tree_map

import shim
from shim import ShimError


def flat(tree: Any) -> list[Any]:
    """Inputs as a user of the shim gives them: tensors and numbers, in the order of the pytree."""
    return [one for one in tree_leaves(tree) if one is not None and not isinstance(one, str)]


def differentiable(tree: Any) -> Any:
    """The same, with tensors that are leaves."""
    return tree_map(
        lambda one: (
            one.clone().requires_grad_()
            if isinstance(one, torch.Tensor) and one.is_floating_point()
            else one
        ),
        tree,
    )


def check_gradients(model: shim.Object, tensors: list, expected: list, tolerance: float) -> None:
    """Those of inputs and parameters, in order."""
    found = [*tensors, *shim.parameters(model, count(model, 0))]
    assert len(found) == len(expected)
    for tensor, one in zip(found, expected):
        if isinstance(one, torch.Tensor) and one.grad is not None:
            same(tensor.gradient().numpy(), one.grad, tolerance)


def run_case(case: Case, module: torch.nn.Module, file: Path, train: int) -> None:
    """Runs one case in both modes of gradients."""
    for inputs in [case.inputs(), *case.others()]:
        eager = twin(module).train(bool(train))
        args, kwargs = differentiable((inputs, case.kwargs))
        expected = leaves(eager(*args, **kwargs))
        model = shim.load(file, train=train)
        tensors = given(flat((args, kwargs)), case.has_gradients)
        outputs = results(model, tensors, expected, int(case.has_gradients))
        for output, one in zip(outputs, expected):
            assert output.requires_grad() == (one.requires_grad and case.has_gradients)
            same(output.numpy(), one, case.tolerance)
        if not case.has_gradients:
            continue
        sum(one.sum() for one in expected if one.requires_grad).backward()
        total(outputs).backward()
        own = [*flat((args, kwargs)), *eager.parameters()]
        check_gradients(model, tensors, own, case.tolerance)


@pytest.mark.parametrize("train", [0, 1])
@pytest.mark.parametrize("name", CASES)
def test_results_and_gradients_are_those_of_eager_mode(name, train, tmp_path: Path) -> None:
    torch.manual_seed(5)
    case = CASES[name]
    module = case.make().train(bool(train))
    file = export(module, case.inputs(), tmp_path / "m.pt2", case.dynamic, case.kwargs)
    run_case(case, module, file, train)


@pytest.mark.parametrize(
    "name", ["fixed", "dynamic", "tied", "regions", "lists", "spectrum", "trees"]
)
def test_decomposed_programs_run(name, tmp_path: Path) -> None:
    torch.manual_seed(5)
    case = CASES[name]
    module = case.make().eval()
    file = export(module, case.inputs(), tmp_path / "m.pt2", case.dynamic, case.kwargs, True)
    model = shim.load(file)
    for inputs in [case.inputs(), *case.others()]:
        expected = leaves(module(*inputs, **case.kwargs))
        for output, one in zip(
            results(model, given(flat((inputs, case.kwargs))), expected), expected
        ):
            same(output.numpy(), one, 1e-6)


def test_results_without_gradients_have_no_graph(tmp_path: Path) -> None:
    model = shim.load(export(CASES["fixed"].make(), (torch.ones(5, 4),), tmp_path / "m.pt2"))
    (output,) = results(model, given([torch.ones(5, 4)], True), [torch.empty(5, 3)])
    assert not output.requires_grad()


def test_names_are_those_of_python(tmp_path: Path) -> None:
    case = CASES["trees"]
    file = export(case.make(), case.inputs(), tmp_path / "m.pt2", None, case.kwargs)
    model = shim.load(file)
    assert names(model, 1) == ["x", "dt", "n", "state_h", "state_c_0"]
    assert names(model, 2) == ["y", "state.h", "state.c.1", "state.c.2", "n"]
    tied = shim.load(export(CASES["tied"].make(), (torch.ones(6, 4),), tmp_path / "t.pt2"))
    expected = [name for name, _ in CASES["tied"].make().named_parameters(remove_duplicate=True)]
    assert names(tied, 0) == expected
    assert names(tied, 2) == ["output_1"]


def test_a_number_that_the_program_was_not_made_for_is_refused(tmp_path: Path) -> None:
    case = CASES["trees"]
    model = shim.load(export(case.make(), case.inputs(), tmp_path / "m.pt2", None, case.kwargs))
    inputs = flat((case.inputs(), case.kwargs))
    inputs[1] = 0.25
    with pytest.raises(
        ShimError, match=r"input_tensors\(2\), dt: .*number 0.5; got 0.25"
    ) as failure:
        results(model, given(inputs), [torch.empty(())] * 5)
    assert failure.value.status == "ft_invalid_argument"
