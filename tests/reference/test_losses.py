# SPDX-License-Identifier: MIT
"""Every loss of the catalog with every reduction: values and gradients against PyTorch."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from catalog.cases import DTYPES, loss_cases
from catalog.losses import LOSSES

CASES = [
    (row, target, variant, reduction)
    for row in LOSSES
    for target, variant, _, reduction in loss_cases(row)
]


def name_of(row, target, variant, reduction):
    """A case as a test's name."""
    return "-".join([row.name, target, *(f"{k}={v}" for k, v in variant.items()), reduction])


NAMES = [name_of(*case) for case in CASES]


@pytest.fixture(scope="module")
def inputs(generator):
    """Predictions, targets whose rows are probabilities, and class numbers."""
    found = {}
    for dtype in DTYPES:
        weights = generator.uniform(0.1, 1.0, (6, 5))
        found[dtype] = {
            "prediction": generator.uniform(0.1, 2.0, (6, 5)).astype(dtype),
            "same": (weights / weights.sum(1, keepdims=True)).astype(dtype),
            "labels": generator.integers(0, 5, 6),
        }
    return found


@pytest.fixture(scope="module")
def answers(inputs, run_driver):
    """Value and gradient of each case, in the order of the driver."""
    arrays = [array for problem in inputs.values() for _ in LOSSES for array in problem.values()]
    stream = run_driver("reference_losses", *arrays)
    found = {}
    for dtype in DTYPES:
        for name, (row, _, _, reduction) in zip(NAMES, CASES):
            each = (6, 5) if row.same_shape else (6,)
            value = stream.take(dtype, *(each if reduction == "none" else ()))
            found[dtype, name] = (value, stream.take(dtype, 6, 5))
    assert stream.finished()
    return found


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("row", "target", "variant", "reduction"), CASES, ids=NAMES)
@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides the total loss:UserWarning")
def test_loss(dtype, row, target, variant, reduction, inputs, answers, agree):
    function = getattr(torch.nn.functional, row.reference)
    keywords = {one.python: variant[one.name] for one in row.arguments if one.name in variant}
    prediction = torch.from_numpy(inputs[dtype]["prediction"].copy()).requires_grad_()
    expected = function(
        prediction,
        torch.from_numpy(np.array(inputs[dtype][target])),
        reduction=reduction,
        **keywords,
    )
    expected.sum().backward()

    value, gradient = answers[dtype, name_of(row, target, variant, reduction)]
    agree(dtype, value, expected, "value")
    agree(dtype, gradient, prediction.grad, "gradient")
