# SPDX-License-Identifier: MIT
"""State of models: saved, restored, and as Python sees it."""

from __future__ import annotations

import os
from pathlib import Path

import torch

import shim
from shim import call


def save(model: shim.Object, file: Path) -> None:
    call("ft_model_save_state", model.handle, os.fsencode(file))


def restore(model: shim.Object, file: Path, strict: int = 1) -> None:
    call("ft_model_load_state", model.handle, os.fsencode(file), strict)


def state(model: shim.Object, folder: Path) -> dict[str, torch.Tensor]:
    """What Python finds in the model."""
    call("ft_model_save", model.handle, os.fsencode(folder / "seen.pt"))
    return torch.jit.load(str(folder / "seen.pt")).state_dict()


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    """Equal names, dtypes, shapes and bits."""
    return a.keys() == b.keys() and all(
        a[name].dtype == b[name].dtype
        and a[name].shape == b[name].shape
        and a[name]
        .contiguous()
        .flatten()
        .view(torch.uint8)
        .equal(b[name].contiguous().flatten().view(torch.uint8))
        for name in a
        if a[name].numel()
    )
