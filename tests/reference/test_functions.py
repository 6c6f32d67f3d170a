# SPDX-License-Identifier: MIT
"""Every function of the catalog: values and gradients against PyTorch."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from catalog.cases import DTYPES, SHAPES, function_cases
from catalog.functions import FUNCTIONS

CASES = list(function_cases())


@pytest.fixture(scope="module")
def inputs(generator):
    """Operands of each row in its domain, and weights of the results, by dtype and row."""

    def operands(row, dtype):
        arrays = {
            name: np.asarray(generator.uniform(*row.domain, shape)).astype(dtype)
            for name, shape in SHAPES.items()
        }
        return {**arrays, "weight": generator.uniform(0.1, 0.9, (3, 4)).astype(dtype)}

    return {dtype: {row.name: operands(row, dtype) for row in FUNCTIONS} for dtype in DTYPES}


@pytest.fixture(scope="module")
def answers(inputs, run_driver):
    """Value and gradients of each case by dtype, row and form, in the order of the driver."""
    arrays = [
        array
        for rows in inputs.values()
        for operands in rows.values()
        for array in operands.values()
    ]
    stream = run_driver("reference_functions", *arrays)
    found = {}
    for dtype in DTYPES:
        for row, form in CASES:
            value = stream.take(dtype, *(() if row.family == "reduction" else (3, 4)))
            tensors = [] if row.no_gradient else [name for name in form if name != "s"]
            gradients = [stream.take(dtype, *SHAPES[name]) for name in tensors]
            found[dtype, row.name, form] = (value, gradients)
    assert stream.finished()
    return found


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("row", "form"), CASES, ids=[f"{row.name}-{'-'.join(form)}" for row, form in CASES]
)
def test_function(dtype, row, form, inputs, answers, agree):
    operands = {k: torch.from_numpy(v.copy()) for k, v in inputs[dtype][row.name].items()}
    leaves = [operands[name] for name in form if name != "s"]
    for leaf in leaves:
        leaf.requires_grad_(row.no_gradient is None)
    names = dict(zip("xy", (operands[name] for name in form)))
    if "s" in form:
        names["xy"[form.index("s")]] = operands["s"].item()
    expected = eval(row.reference, {"torch": torch}, names)
    value, gradients = answers[dtype, row.name, form]
    agree(dtype, value, expected, "value")
    if row.no_gradient is None:
        expected.backward(operands["weight"] if expected.dim() else None)
        for leaf, gradient in zip(leaves, gradients):
            agree(dtype, gradient, leaf.grad, "gradient")
