# SPDX-License-Identifier: MIT
"""Every function of the catalog: values and gradients against PyTorch."""

from __future__ import annotations

import struct

import numpy as np
import pytest
import torch
from tensor_stream import packed, unpacked

from catalog.cases import COMPLEX, DTYPES, FUNCTION_CASES, NUMBER_OPERAND
from catalog.functions import DIM, DTYPE, TENSORS


def random_tensor(generator, case, name, precision):
    """A tensor of a case: indices and masks, or numbers in the domain of the row."""
    shape = case.shape(name)
    if name == "indices":
        return torch.from_numpy(generator.integers(1, 4, shape))
    if name == "mask" or case.row.dtype == "bool":
        return torch.from_numpy(generator.integers(0, 2, shape) == 1)
    x = torch.from_numpy(np.asarray(generator.uniform(*case.row.domain, shape)))
    if case.row.dtype == "complex":
        x = torch.complex(x, torch.from_numpy(generator.uniform(*case.row.domain, shape)))
        return x.to(getattr(torch, COMPLEX[precision]))
    if case.row.prepared and name == "x":
        x = eval(case.row.prepared, {"torch": torch}, {"x": x})
    return x.to(getattr(torch, precision))


def reference_arguments(case, operands):
    """The arguments of the PyTorch expression: dimensions from 0, and defaults."""
    arguments = {one.name: one.default for one in case.row.arguments}
    for one, text in case.actual:
        if one.role == TENSORS:
            arguments[one.name] = [operands["many(1)"], operands["many(2)"]]
        elif one.name in case.sample:
            arguments[one.name] = case.sample[one.name]
        else:
            arguments[one.name] = operands[text]
    for one in case.row.arguments:
        if one.role == DIM and arguments[one.name] is not None:
            arguments[one.name] -= 1
        elif one.role == DTYPE:
            arguments[one.name] = getattr(torch, arguments[one.name])
    return arguments


def expected_results(case, operands):
    """What PyTorch gives: one tensor or several."""
    names = reference_arguments(case, operands)
    if NUMBER_OPERAND in case.operands and not case.row.symbol:
        number = next(one.name for one, text in case.actual if text == NUMBER_OPERAND)
        tensor = next(operands[name] for name in case.tensors if name != "mask")
        names[number] = torch.tensor(names[number], dtype=tensor.dtype)
    results = eval(case.row.reference, {"torch": torch}, names)
    return results if isinstance(results, tuple) else (results,)


class Run:
    """A case with its operands, weights of its results, and what PyTorch finds."""

    def __init__(self, generator, case, precision):
        self.case = case
        self.operands = {
            name: random_tensor(generator, case, name, precision) for name in case.tensors
        }
        self.packed = b""
        if NUMBER_OPERAND in case.operands:
            self.operands[NUMBER_OPERAND] = float(generator.uniform(*case.row.domain))
            self.packed = struct.pack("d", self.operands[NUMBER_OPERAND])
        for name in case.differentiated:
            self.operands[name].requires_grad_()
        for name in case.tensors:
            self.packed += packed(self.operands[name], name in case.differentiated)
        self.results = expected_results(case, self.operands)
        self.gradients = []
        if case.differentiated:
            self.differentiate(generator)

    def differentiate(self, generator):
        weights = [
            torch.from_numpy(np.asarray(generator.uniform(0.1, 0.9, one.shape))).to(one.dtype)
            for one in self.results
        ]
        self.packed += b"".join(packed(weight) for weight in weights)
        leaves = [self.operands[name] for name in self.case.differentiated]
        torch.autograd.backward(self.results, weights)
        self.gradients = [leaf.grad for leaf in leaves]


@pytest.fixture(scope="module")
def runs(generator):
    """Each case in each precision."""
    return {
        (precision, str(case)): Run(generator, case, precision)
        for precision in DTYPES
        for case in FUNCTION_CASES
    }


@pytest.fixture(scope="module")
def answers(runs, run_driver):
    """Results of the subroutine and of the function, and gradients, of each case."""
    stream = run_driver(
        "reference_functions", *(np.frombuffer(run.packed, np.uint8) for run in runs.values())
    )
    found = {}
    for key, run in runs.items():
        forms = 1 if run.case.row.results else 2
        results = [[unpacked(stream) for _ in run.results] for _ in range(forms)]
        found[key] = results, [unpacked(stream) for _ in run.gradients]
    assert stream.finished()
    return found


@pytest.mark.parametrize("precision", DTYPES)
@pytest.mark.parametrize("name", [str(case) for case in FUNCTION_CASES])
def test_function(precision, name, runs, answers, agree):
    run, (results, gradients) = runs[precision, name], answers[precision, name]
    for form in results:
        for got, expected in zip(form, run.results, strict=True):
            agree(precision, got, expected, "value")
    for got, expected in zip(gradients, run.gradients, strict=True):
        agree(precision, got, expected, "gradient")


def test_names_of_cases_are_different():
    assert len({str(case) for case in FUNCTION_CASES}) == len(FUNCTION_CASES)
