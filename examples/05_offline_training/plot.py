# SPDX-License-Identifier: MIT
"""Draws the losses of both languages into one PNG and compares them.  Usage: plot.py FOLDER"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")  # no display is needed
import matplotlib.pyplot as plt
import numpy as np

TOLERANCE = 1e-5  # rounding, after 320 steps
LOSSES = {"training_loss": "tab:blue", "validation_loss": "tab:orange"}


def main() -> None:
    """Draw two lines and two rows of dots; fail where they part."""
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = Path(sys.argv[1])
    fortran, python = (
        np.genfromtxt(folder / f"{name}.csv", delimiter=",", names=True)
        for name in ("fortran", "python")
    )
    figure, axes = plt.subplots(figsize=(7, 4.5), layout="constrained")
    worst = 0.0
    for name, colour in LOSSES.items():
        label = name.replace("_", " ")
        axes.semilogy(fortran["epoch"], fortran[name], color=colour, label=f"{label}, Fortran")
        axes.semilogy(python["epoch"], python[name], "o", mfc="none", color=colour, label="Python")
        worst = max(worst, float(np.max(np.abs(fortran[name] / python[name] - 1))))
    axes.set(title="One network, trained in two languages", xlabel="epoch")
    axes.set_ylabel("mean squared error")
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(folder / "offline_training.png", dpi=150)
    print(folder / "offline_training.png")
    print(f"largest relative difference of the losses: {worst:.1e}")
    if not worst < TOLERANCE:
        sys.exit(f"that is more than {TOLERANCE}")


if __name__ == "__main__":
    main()
