# SPDX-License-Identifier: MIT
"""Writes packages of AOTInductor, where this Python and machine can compile them."""

from __future__ import annotations

import sys
from pathlib import Path

import networks
import torch
from torch.export import Dim


def compile_model(folder: Path, name: str, model: torch.nn.Module) -> None:
    """Compiles one model and its training step, with any number of rows; without, tests skip."""
    sys.path.append(str(Path(__file__).resolve().parents[2]))
    try:
        from ftorch_tools.errors import InfrastructureError
        from ftorch_tools.export.aoti import PLAIN, Compilation
        from ftorch_tools.export.formats import compile_program, write_package
        from ftorch_tools.export.train_step import TrainStep, export_step
    except ImportError as error:
        print(f"no package of AOTInductor: {error}")
        return
    inputs = networks.INPUTS[name]()
    rows = tuple({0: Dim("rows", max=100)} for _ in inputs)
    file = folder / f"{name}_compiled.pt2"
    try:
        write_package(model, file, inputs, rows, {}, Compilation(PLAIN))
        step = TrainStep(model, torch.nn.functional.mse_loss, inputs)
        target = torch.zeros_like(model(*inputs).detach())
        program, parts = export_step(step, [target], list(rows), [{0: rows[0][0]}])
        file = folder / f"{name}_step.pt2"
        compile_program(program, file, Compilation(PLAIN, None, True), {}, parts)
    except InfrastructureError as error:
        print(f"no package of AOTInductor: {error}")
