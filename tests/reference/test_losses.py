# SPDX-License-Identifier: MIT
"""Every loss of the catalog with every reduction: values and gradients against PyTorch."""

from __future__ import annotations

import pytest
import torch

from catalog.cases import DTYPES, FURTHER, GIVEN, SAMPLES, TARGETS, loss_cases
from catalog.losses import CLASSES, LOSSES

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
    """Predictions in the domain of each row, targets, further tensors, by dtype and row."""

    def arrays(row, dtype):
        targets = {
            kind: TARGETS[kind](generator, SAMPLES).astype("int64" if kind == CLASSES else dtype)
            for kind in row.targets
        }
        further = {
            one.name: FURTHER[one.kind](generator, SAMPLES).astype(dtype) for one in row.tensors
        }
        prediction = generator.uniform(*row.domain, SAMPLES).astype(dtype)
        return {"prediction": prediction, **targets, **further}

    return {dtype: {row.name: arrays(row, dtype) for row in LOSSES} for dtype in DTYPES}


@pytest.fixture(scope="module")
def answers(inputs, run_driver):
    """Value and gradient of each case, in the order of the driver."""
    problems = [problem for rows in inputs.values() for problem in rows.values()]
    arrays = [array for problem in problems for array in problem.values()]
    stream = run_driver("reference_losses", *arrays)
    found = {}
    for dtype in DTYPES:
        for name, (row, _, _, reduction) in zip(NAMES, CASES):
            each = SAMPLES if row.same_shape else SAMPLES[:1]
            value = stream.take(dtype, *(each if reduction == "none" else ()))
            found[dtype, name] = (value, stream.take(dtype, *SAMPLES))
    assert stream.finished()
    return found


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("row", "target", "variant", "reduction"), CASES, ids=NAMES)
@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides the total loss:UserWarning")
def test_loss(dtype, row, target, variant, reduction, inputs, answers, agree):
    function = getattr(torch.nn.functional, row.reference)
    keywords = {one.python: variant[one.name] for one in row.arguments if one.name in variant}
    keywords |= {
        one.python: torch.from_numpy(inputs[dtype][row.name][one.name].copy())
        for one in row.tensors
        if variant.get(one.name) == GIVEN
    }
    prediction = torch.from_numpy(inputs[dtype][row.name]["prediction"].copy()).requires_grad_()
    keywords[row.input_keyword] = prediction
    expected = function(
        target=torch.from_numpy(inputs[dtype][row.name][target].copy()),
        reduction=reduction,
        **keywords,
    )
    expected.sum().backward()

    value, gradient = answers[dtype, name_of(row, target, variant, reduction)]
    agree(dtype, value, expected, "value")
    agree(dtype, gradient, prediction.grad, "gradient")
