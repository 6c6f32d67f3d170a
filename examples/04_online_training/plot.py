# SPDX-License-Identifier: MIT
"""Draws the tables that online_training wrote into one PNG.  Usage: plot.py FOLDER"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")  # no display is needed
import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

Table = npt.NDArray[np.void]

COLOURS = {"none": "tab:gray", "polynomial": "tab:orange", "network": "tab:blue"}
LABELS = {"none": "no closure", "polynomial": "cubic polynomial", "network": "network"}
WINDOW = 200  # training steps in the running mean of the loss


def read(folder: Path, name: str) -> Table:
    """Read FOLDER/NAME.csv; columns are reached by name."""
    table: Table = np.genfromtxt(folder / f"{name}.csv", delimiter=",", names=True)
    return table


def draw_loss(axes: Axes, loss: Table) -> None:
    """Loss of each batch over model time, and its running mean."""
    mean = np.convolve(loss["loss"], np.ones(WINDOW) / WINDOW, mode="valid")
    axes.semilogy(loss["time"], loss["loss"], color="lightsteelblue", lw=0.3, label="batch")
    axes.semilogy(loss["time"][WINDOW - 1 :], mean, color="tab:blue", label="running mean")
    axes.set(title="Training while the model runs", xlabel="model time [MTU]")
    axes.set_ylabel("mean squared error of U [1/MTU²]")


def draw_closure(axes: Axes, closure: Table) -> None:
    """Subgrid tendency under X: truth, network and polynomial on held-out time."""
    for name, colour in {"truth": "lightgray", "network": COLOURS["network"]}.items():
        axes.plot(closure["x"], closure[name], ".", markersize=2, color=colour, label=name)
    order = np.argsort(closure["x"])
    axes.plot(
        closure["x"][order],
        closure["polynomial"][order],
        color=COLOURS["polynomial"],
        label=LABELS["polynomial"],
    )
    axes.set(title="Closure on held-out time", xlabel="X")
    axes.set_ylabel("subgrid tendency U [1/MTU]")


def draw_forecast(axes: Axes, forecast: Table) -> None:
    """Forecast error by lead time of the three one-scale models."""
    for name, label in LABELS.items():
        axes.plot(forecast["lead_time"], forecast[name], color=COLOURS[name], label=label)
    axes.set(title="Forecasts from held-out states", xlabel="lead time [MTU]")
    axes.set_ylabel("RMSE of X")


def main() -> None:
    """Draw the three panels."""
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = Path(sys.argv[1])
    figure, axes = plt.subplots(1, 3, figsize=(15, 4.5), layout="constrained")
    draw_loss(axes[0], read(folder, "loss"))
    draw_closure(axes[1], read(folder, "closure"))
    draw_forecast(axes[2], read(folder, "forecast"))
    for panel in axes:
        panel.legend(frameon=False, markerscale=4)
        panel.spines[["top", "right"]].set_visible(False)
    output = folder / "online_training.png"
    figure.savefig(output, dpi=150)
    print(output)


if __name__ == "__main__":
    main()
