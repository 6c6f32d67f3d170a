# SPDX-License-Identifier: MIT
"""Every loss of the catalog with every reduction: values and gradients against PyTorch."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from catalog import losses

DTYPES = ("float32", "float64")
CASES = [
    (row, target, reduction)
    for row in losses.LOSSES
    for target in (("same",) if row.same_shape else ("same", "labels"))
    for _, _, reduction in losses.REDUCTIONS
]


@pytest.fixture(scope="module")
def inputs(generator):
    """Predictions, targets whose rows are probabilities, and class numbers."""
    found = {}
    for dtype in DTYPES:
        weights = generator.uniform(0.1, 1.0, (6, 5))
        found[dtype] = {
            "prediction": generator.normal(size=(6, 5)).astype(dtype),
            "same": (weights / weights.sum(1, keepdims=True)).astype(dtype),
            "labels": generator.integers(0, 5, 6),
        }
    return found


@pytest.fixture(scope="module")
def answers(inputs, run_driver):
    """Value and gradient of each case, in the order of the driver."""
    arrays = [array for problem in inputs.values() for array in problem.values()]
    stream = run_driver("reference_losses", *arrays)
    found = {}
    for dtype in DTYPES:
        for row, target, reduction in CASES:
            each = (6, 5) if row.same_shape else (6,)
            value = stream.take(dtype, *(each if reduction == "none" else ()))
            found[dtype, row.name, target, reduction] = (value, stream.take(dtype, 6, 5))
    assert stream.finished()
    return found


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("row", "target", "reduction"),
    CASES,
    ids=[f"{row.name}-{target}-{reduction}" for row, target, reduction in CASES],
)
def test_loss(dtype, row, target, reduction, inputs, answers, agree):
    function = getattr(torch.nn.functional, row.reference)
    prediction = torch.from_numpy(inputs[dtype]["prediction"].copy()).requires_grad_()
    expected = function(
        prediction, torch.from_numpy(np.array(inputs[dtype][target])), reduction=reduction
    )
    expected.sum().backward()

    value, gradient = answers[dtype, row.name, target, reduction]
    agree(dtype, value, expected, "value")
    agree(dtype, gradient, prediction.grad, "gradient")
