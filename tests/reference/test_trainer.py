# SPDX-License-Identifier: MIT
"""Early stopping with a learning rate that falls, against the loop in plain Python."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

SAMPLES = 16


def network() -> torch.nn.Module:
    torch.manual_seed(3)
    return torch.nn.Sequential(
        *(torch.nn.Linear(8, 32), torch.nn.Tanh(), torch.nn.Linear(32, 32)),
        *(torch.nn.Tanh(), torch.nn.Linear(32, 4)),
    ).double()


def train(
    model: torch.nn.Module, data: list[torch.Tensor]
) -> Iterator[tuple[float, float, float]]:
    """Loss, validation loss and learning rate at each validation; the model ends at its best."""
    x, y, x_new, y_new = data
    optim = torch.optim.Adam(model.parameters(), lr=0.02)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optim, factor=0.5, patience=1)
    best, best_state, bad = float("inf"), {}, 0
    for step in range(1, 2001):
        optim.zero_grad()
        loss = torch.nn.functional.mse_loss(model(x), y)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        optim.step()
        if step % 5:
            continue
        with torch.no_grad():
            new = torch.nn.functional.mse_loss(model(x_new), y_new).item()
        scheduler.step(new)
        bad = 0 if new < best else bad + 1
        if new < best:
            best, best_state = new, {k: v.clone() for k, v in model.state_dict().items()}
        yield loss.item(), new, optim.param_groups[0]["lr"]
        if bad == 4:
            break
    model.load_state_dict(best_state)


@pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning")
def test_early_stopping(tmp_path: Path, generator: np.random.Generator) -> None:
    arrays = []
    for _ in ("training", "validation"):
        x = generator.normal(size=(SAMPLES, 8))
        arrays += [x, x[:, :4] + generator.normal(scale=0.2, size=(SAMPLES, 4))]
    (tmp_path / "input").write_bytes(b"".join(array.tobytes(order="F") for array in arrays))
    torch.jit.save(torch.jit.script(network()), str(tmp_path / "model.pt"))
    driver = Path(os.environ["FTORCH_TEST_DRIVERS"]) / "reference_trainer"
    command = [driver, tmp_path / "input", tmp_path / "output", tmp_path / "model.pt"]
    subprocess.run(command, check=True, timeout=120)
    got = np.fromfile(tmp_path / "output")
    model, data = network(), [torch.from_numpy(array) for array in arrays]
    expected = np.array(list(train(model, data)))
    history, best, output = np.split(got, [expected.size, expected.size + 1])
    assert 0 < expected[:, 1].argmin() < len(expected) - 1
    assert history.reshape(-1, 3) == pytest.approx(expected, rel=1e-9)
    assert best == pytest.approx(expected[:, 1].min(), rel=1e-9)
    with torch.no_grad():
        answer = model(data[2]).numpy()
    np.testing.assert_allclose(output.reshape(4, SAMPLES).T, answer, rtol=1e-7)
