# SPDX-License-Identifier: MIT
"""Each pass of a model with gradients gives the same bits, which are those of eager PyTorch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from networks import MODELS

from shim import anything, create, forward, load, parameters, wrap


@pytest.mark.parametrize("leaf", [0, 1])
def test_gradients_are_the_same_bits_in_each_pass(leaf, models: Path) -> None:
    """Dropout and batch norm included: a new model goes on as one that has run before."""
    module = MODELS["noisy"]()
    module.load_state_dict(torch.jit.load(str(models / "noisy.pt")).state_dict())
    numbers = np.random.default_rng(1).standard_normal((16, 4)).astype("f4")
    torch.manual_seed(2)
    output = module(torch.tensor(numbers))
    output.backward(torch.ones(16, 2))
    model = load(models / "noisy.pt", train=1)
    for _ in range(4):
        for one in (named := parameters(model, 6)):
            one.zero_gradient()
        torch.manual_seed(2)
        x, y = wrap(numbers, leaf), anything([16, 2])
        forward(model, [x], [y], 1)
        y.backward(create([16, 2]))
        assert np.array_equal(y.numpy(), output.detach().numpy())
        for mine, its in zip(named, module.parameters()):
            assert np.array_equal(mine.gradient().numpy(), its.grad.numpy())
