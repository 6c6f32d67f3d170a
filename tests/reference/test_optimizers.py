# SPDX-License-Identifier: MIT
"""Every optimizer of the catalog: ten steps with varied hyperparameters against torch.optim."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from catalog import optimizers

DTYPES = ("float32", "float64")
STEPS = 10
VARIANTS = 8
CASES = [(row, variant) for row in optimizers.KERNELS for variant in range(VARIANTS)]


def random_values(row, generator, dtype):
    """Hyperparameters of one variant, exactly representable in the dtype."""
    values = {}
    for argument in row.hyperparameters:
        if isinstance(argument.default, bool):
            values[argument.name] = bool(generator.integers(2))
        else:
            number = generator.uniform(0.01, 0.1 if argument.upper_bound is None else 0.95)
            values[argument.name] = float(np.asarray(number).astype(dtype))
    if values.get("nesterov"):
        values["dampening"] = 0.0
    return values


@pytest.fixture(scope="module")
def problems(generator):
    """Least squares of x*weight + offset - y, and the variants of each optimizer."""
    shapes = {"x": (4, 3), "y": (4, 3), "weight": (4, 3), "offset": (3,)}
    found = {}
    for dtype in DTYPES:
        arrays = {name: generator.normal(size=size).astype(dtype) for name, size in shapes.items()}
        variants = {}
        for row in optimizers.KERNELS:
            defaults = {argument.name: argument.default for argument in row.hyperparameters}
            defaults = {
                name: value if isinstance(value, bool) else float(np.asarray(value).astype(dtype))
                for name, value in defaults.items()
            }
            randoms = [random_values(row, generator, dtype) for _ in range(VARIANTS - 1)]
            variants[row.name] = [defaults, *randoms]
        found[dtype] = (arrays, variants)
    return found


@pytest.fixture(scope="module")
def answers(problems, run_driver):
    """Parameters after each step, in the order of the driver."""
    sent = []
    for arrays, variants in problems.values():
        sent += list(arrays.values())
        for row in optimizers.KERNELS:
            sent.append(np.array(VARIANTS, np.int32))
            sent += [np.array(list(values.values()), np.float64) for values in variants[row.name]]
    stream = run_driver("reference_optimizers", *sent)
    found = {}
    for dtype in DTYPES:
        for row, variant in CASES:
            steps = [(stream.take(dtype, 4, 3), stream.take(dtype, 3)) for _ in range(STEPS)]
            found[dtype, row.name, variant] = steps
    assert stream.finished()
    return found


def reference_optimizer(row, values, parameters):
    """The optimizer of torch.optim with these hyperparameters, in its plain implementation."""
    arguments = {}
    for argument in row.hyperparameters:
        keyword, _, index = argument.python.partition("[")
        if index:
            arguments.setdefault(keyword, []).append(values[argument.name])
        else:
            arguments[keyword] = values[argument.name]
    if row.is_fused:
        arguments["fused"] = False
    return getattr(torch.optim, row.name)(parameters, foreach=False, **arguments)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("row", "variant"), CASES, ids=[f"{row.name}-{variant}" for row, variant in CASES]
)
def test_steps(dtype, row, variant, problems, answers, agree):
    arrays, variants = problems[dtype]
    tensors = {name: torch.from_numpy(array.copy()) for name, array in arrays.items()}
    weight, offset = (tensors[name].requires_grad_() for name in ("weight", "offset"))
    values = variants[row.name][variant]
    optimizer = reference_optimizer(row, values, [weight, offset])
    for step, (got_weight, got_offset) in enumerate(answers[dtype, row.name, variant], 1):
        optimizer.zero_grad()
        ((tensors["x"] * weight + offset - tensors["y"]) ** 2).mean().backward()
        optimizer.step()
        agree(dtype, got_weight, weight, f"weight, step {step}, {values}")
        agree(dtype, got_offset, offset, f"offset, step {step}, {values}")
