# SPDX-License-Identifier: MIT
"""Draws the tables that variational wrote into one PNG.  Usage: plot.py FOLDER"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")  # no display is needed
import matplotlib.pyplot as plt
import numpy as np

WINDOW = 0.4  # [MTU]


def main() -> None:
    """Draw the cost by iteration, and the errors by time."""
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = Path(sys.argv[1])
    cost, forecast = (
        np.genfromtxt(folder / f"{name}.csv", delimiter=",", names=True)
        for name in ("cost", "forecast")
    )
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.5), layout="constrained")
    left.semilogy(cost["iteration"], cost["cost"], "o-", markersize=3, color="tab:blue")
    left.set(title="Minimisation", xlabel="iteration of LBFGS", ylabel="cost")
    for name, colour in {"first_guess": "tab:gray", "analysis": "tab:blue"}.items():
        label = f"from the {name.replace('_', ' ')}"
        right.plot(forecast["time"], forecast[name], color=colour, label=label)
    right.axvspan(0, WINDOW, color="gainsboro", label="window of observations")
    right.set(title="Forecasts", xlabel="time [MTU]", ylabel="RMSE of X")
    right.legend(frameon=False)
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(folder / "variational.png", dpi=150)
    print(folder / "variational.png")


if __name__ == "__main__":
    main()
