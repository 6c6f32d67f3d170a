# SPDX-License-Identifier: MIT
"""Draws the tables that adjoint wrote into one PNG.  Usage: plot.py FOLDER"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")  # no display is needed
import matplotlib.pyplot as plt
import numpy as np

COLOURS = {"none": "tab:gray", "single_steps": "tab:orange", "windows": "tab:blue"}
LABELS = {
    "none": "no closure",
    "single_steps": "trained by single steps",
    "windows": "trained by windows",
}


def main() -> None:
    """Draw the closures beside the truth, and the errors of their forecasts."""
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = Path(sys.argv[1])
    truth, closure, forecast = (
        np.genfromtxt(folder / f"{name}.csv", delimiter=",", names=True)
        for name in ("truth", "closure", "forecast")
    )
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.5), layout="constrained")
    left.plot(truth["x"], truth["u"], ".", markersize=2, color="lightgray", label="truth")
    for name in ("single_steps", "windows"):
        left.plot(closure["x"], closure[name], color=COLOURS[name], label=LABELS[name])
    left.set(title="Closure", xlabel="X", ylabel="subgrid tendency U [1/MTU]")
    for name, label in LABELS.items():
        right.plot(forecast["lead_time"], forecast[name], color=COLOURS[name], label=label)
    right.set(title="Forecasts from held-out states", xlabel="lead time [MTU]", ylabel="RMSE of X")
    for axes in (left, right):
        axes.legend(frameon=False, markerscale=4)
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(folder / "adjoint.png", dpi=150)
    print(folder / "adjoint.png")


if __name__ == "__main__":
    main()
