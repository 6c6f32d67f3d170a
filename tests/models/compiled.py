# SPDX-License-Identifier: MIT
"""Writes a package of AOTInductor, where this Python and machine can compile one."""

from __future__ import annotations

import sys
from pathlib import Path

import networks
import torch
from torch.export import Dim


def compile_model(folder: Path, name: str, model: torch.nn.Module) -> None:
    """Compiles one model whose inputs may have any number of rows; tests skip where that fails."""
    sys.path.append(str(Path(__file__).resolve().parents[2]))
    try:
        from ftorch_tools.errors import InfrastructureError
        from ftorch_tools.export.aoti import PLAIN, Compilation
        from ftorch_tools.export.formats import write_package
    except ImportError as error:
        print(f"no package of AOTInductor: {error}")
        return
    inputs = networks.INPUTS[name]()
    rows = tuple({0: Dim("rows", max=100)} for _ in inputs)
    file = folder / f"{name}_compiled.pt2"
    try:
        write_package(model, file, inputs, rows, {}, Compilation(PLAIN))
    except InfrastructureError as error:
        print(f"no package of AOTInductor: {error}")
