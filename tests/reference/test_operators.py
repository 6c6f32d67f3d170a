# SPDX-License-Identifier: MIT
"""Every operator of the catalog: values and gradients against PyTorch."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from catalog import operators

DTYPES = ("float32", "float64")
FORMS = (("x", "y"), ("x", "row"), ("x", "s"), ("s", "x"))
CASES = [
    *((row, form) for row in operators.BINARY for form in FORMS),
    *((row, ("x",)) for row in (*operators.UNARY, *operators.REDUCTIONS)),
]


@pytest.fixture(scope="module")
def inputs(generator):
    """Operands in (0.1, 0.9), where every function that a row may hold is defined, and weights."""
    shapes = {"x": (3, 4), "y": (3, 4), "row": (4,), "s": (), "weight": (3, 4)}
    return {
        dtype: {
            name: np.asarray(generator.uniform(0.1, 0.9, shape)).astype(dtype)
            for name, shape in shapes.items()
        }
        for dtype in DTYPES
    }


@pytest.fixture(scope="module")
def answers(inputs, run_driver):
    """Value and gradients of each case by dtype, row and form, in the order of the driver."""
    arrays = [array for operands in inputs.values() for array in operands.values()]
    stream = run_driver("reference_operators", *arrays)
    found = {}
    for dtype in DTYPES:
        for row, form in CASES:
            shape = () if row in operators.REDUCTIONS else (3, 4)
            value = stream.take(dtype, *shape)
            tensors = [name for name in form if name != "s"]
            gradients = [stream.take(dtype, *inputs[dtype][name].shape) for name in tensors]
            found[dtype, row.name, form] = (value, gradients)
    assert stream.finished()
    return found


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("row", "form"), CASES, ids=[f"{row.name}-{'-'.join(form)}" for row, form in CASES]
)
def test_operator(dtype, row, form, inputs, answers, agree):
    operands = {name: torch.from_numpy(array.copy()) for name, array in inputs[dtype].items()}
    leaves = [operands[name].requires_grad_() for name in form if name != "s"]
    names = dict(zip("xy", (operands[name] for name in form)))
    if "s" in form:
        names["xy"[form.index("s")]] = operands["s"].item()
    expected = eval(row.reference, {}, names)
    expected.backward(operands["weight"] if expected.dim() else None)

    value, gradients = answers[dtype, row.name, form]
    agree(dtype, value, expected, "value")
    for leaf, gradient in zip(leaves, gradients):
        agree(dtype, gradient, leaf.grad, "gradient")
