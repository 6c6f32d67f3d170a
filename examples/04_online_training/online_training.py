# SPDX-License-Identifier: MIT
"""The same job as online_training.f90, in PyTorch and NumPy: prints the same table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from model import STENCIL, make_closure

Array = npt.NDArray[np.floating[Any]]
System = Callable[[Array], Array]

SLOW, FAST = 8, 32  # K slow variables X, J fast variables Y under each
FORCING = 20.0  # F [1/MTU]
COUPLING, TIME_SCALE, AMPLITUDE = 1.0, 10.0, 10.0  # h, c, b
EXCHANGE = COUPLING * TIME_SCALE / AMPLITUDE

TRUTH_STEP = 0.001  # time step of the truth [MTU]
SUBSTEPS = 5  # truth steps in one step of the one-scale model
MODEL_STEP = SUBSTEPS * TRUTH_STEP  # [MTU]
SPIN_UP_STEPS = 2000  # all counted in model steps
TRAINING_STEPS = 20000
GAP_STEPS = 2000  # between training and held-out time
HELD_OUT_STEPS = 20000
SAMPLE_STRIDE = 10  # held-out steps from one tendency sample to the next
MEMBERS = 200  # forecasts, from states evenly spread over held-out time
LEAD_STEPS = 600  # length of a forecast
JUDGED_LEAD = 200  # lead time at which the forecasts are compared: 1 MTU

BATCH = 64
CAPACITY = 65536  # rows of the replay buffer
LEARNING_RATE, LAST_LEARNING_RATE = 3e-3, 1e-4
SEED = 2020


def resolved(x: Array) -> Array:
    """Tendency of X alone, (members, K)."""
    advection = np.roll(x, 1, -1) * (np.roll(x, -1, -1) - np.roll(x, 2, -1))
    tendency: Array = advection - x + FORCING
    return tendency


def subgrid(state: Array) -> Array:
    """U = -hc/b sum_j(Y) of a two-scale state (K + K*J)."""
    tendency: Array = -EXCHANGE * state[SLOW:].reshape(SLOW, FAST).sum(1)
    return tendency


def two_scale(state: Array) -> Array:
    """Tendency of the truth (K + K*J)."""
    x, y = state[:SLOW], state[SLOW:]
    ring = np.concatenate([y[-1:], y, y[:2]])
    fast = TIME_SCALE * (AMPLITUDE * ring[2:-1] * (ring[:-3] - ring[3:]) - y)
    return np.concatenate([resolved(x) + subgrid(state), fast + EXCHANGE * np.repeat(x, FAST)])


def runge_kutta(system: System, state: Array, step: float) -> Array:
    """Advance by one step, classical fourth order."""
    k1 = system(state)
    k2 = system(state + step / 2 * k1)
    k3 = system(state + step / 2 * k2)
    k4 = system(state + step * k3)
    return state + step / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


def advance_truth(state: Array) -> Array:
    """Advance the truth by one step of the one-scale model."""
    for _ in range(SUBSTEPS):
        state = runge_kutta(two_scale, state, TRUTH_STEP)
    return state


def stencil(x: Array) -> torch.Tensor:
    """X around each point: (members, K) to (members*K, STENCIL)."""
    half = STENCIL // 2
    shifted = [np.roll(x, -offset, -1) for offset in range(-half, half + 1)]
    return torch.tensor(np.stack(shifted, -1).reshape(-1, STENCIL), dtype=torch.float32)


def train(state: Array, network: torch.nn.Module) -> tuple[Array, Array]:
    """Train while the truth runs; return its last state and the cubic fit's coefficients."""
    optimizer = torch.optim.Adam(network.parameters(), LEARNING_RATE)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(
        optimizer, TRAINING_STEPS, LAST_LEARNING_RATE
    )
    features = torch.empty(CAPACITY, STENCIL)
    targets = torch.empty(CAPACITY, 1)
    samples_x, samples_u = np.empty((2, TRAINING_STEPS, SLOW))
    generator = torch.Generator().manual_seed(SEED)
    for step in range(TRAINING_STEPS):
        state = advance_truth(state)
        samples_x[step], samples_u[step] = state[:SLOW], subgrid(state)
        place = (step * SLOW + np.arange(SLOW)) % CAPACITY
        features[place] = stencil(samples_x[step])
        targets[place, 0] = torch.tensor(samples_u[step], dtype=torch.float32)
        filled = min((step + 1) * SLOW, CAPACITY)
        rows = torch.randint(0, filled, (BATCH,), generator=generator)
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(network(features[rows]), targets[rows])
        torch.autograd.backward(loss)
        optimizer.step()
        scheduler.step()
        if (step + 1) % 2000 == 0:
            print(f"step {step + 1:6d}  loss {loss.item():7.3f}", flush=True)
    return state, np.polyfit(samples_x.ravel(), samples_u.ravel(), 3)


def forecast_end(closure: System, x: Array) -> Array:
    """Run the one-scale model with a closure for JUDGED_LEAD steps."""
    for _ in range(JUDGED_LEAD):
        x = runge_kutta(lambda state: resolved(state) + closure(state), x, MODEL_STEP)
    return x


def root_mean_square(values: Array) -> float:
    """Return the root of the mean square."""
    return float(np.sqrt(np.mean(values**2)))


def main() -> None:
    """Train, evaluate on held-out time, print the table."""
    torch.set_num_threads(1)
    network = make_closure()
    state: Array = np.zeros(SLOW * (1 + FAST))
    state[:SLOW] = np.arange(1, SLOW + 1)
    for _ in range(SPIN_UP_STEPS):
        state = advance_truth(state)
    state, coefficients = train(state, network)

    for _ in range(GAP_STEPS):
        state = advance_truth(state)
    truth_x, truth_u = np.empty((2, HELD_OUT_STEPS, SLOW))
    for step in range(HELD_OUT_STEPS):
        state = advance_truth(state)
        truth_x[step], truth_u[step] = state[:SLOW], subgrid(state)

    def network_closure(x: Array) -> Array:
        with torch.no_grad():
            u: Array = network(stencil(x)).double().numpy().reshape(x.shape)
        return u

    closures: dict[str, System] = {
        "none": np.zeros_like,
        "polynomial": lambda x: np.polyval(coefficients, x),
        "network": network_closure,
    }
    starts = np.arange(MEMBERS) * ((HELD_OUT_STEPS - LEAD_STEPS) // MEMBERS)
    print(f"{'closure':12s}{'tendency RMSE':>16s}{'forecast RMSE':>16s}")
    for name, closure in closures.items():
        sample = truth_x[::SAMPLE_STRIDE]
        tendency = root_mean_square(closure(sample) - truth_u[::SAMPLE_STRIDE])
        forecast = forecast_end(closure, truth_x[starts]) - truth_x[starts + JUDGED_LEAD]
        print(f"{name:12s}{tendency:16.4f}{root_mean_square(forecast):16.4f}")


if __name__ == "__main__":
    main()
