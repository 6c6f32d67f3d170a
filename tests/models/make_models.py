# SPDX-License-Identifier: MIT
"""Writes the model files of the tests, expected numbers, and files that are no models."""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path

import compiled
import exported
import networks
import torch


def write_numbers(path: Path, tensor: torch.Tensor) -> None:
    """Writes a count and then one number a line, in Fortran's order of elements."""
    numbers = tensor.detach().double().permute(*reversed(range(tensor.dim()))).flatten().tolist()
    path.write_text("\n".join([str(len(numbers)), *(repr(number) for number in numbers)]) + "\n")


def write_expected(folder: Path, name: str, model: torch.nn.Module, *inputs: torch.Tensor) -> None:
    """Writes inputs, output, and gradients of the sum of outputs: parameters, first input."""
    leaf = inputs[0].clone().requires_grad_()
    output = model(leaf, *inputs[1:])
    output.sum().backward()
    for number, value in enumerate(inputs, 1):
        write_numbers(folder / f"{name}.input{number}.txt", value)
    write_numbers(folder / f"{name}.output.txt", output)
    for number, parameter in enumerate(model.parameters(), 1):
        assert parameter.grad is not None
        write_numbers(folder / f"{name}.gradient{number}.txt", parameter.grad)
        parameter.grad = None
    assert leaf.grad is not None
    write_numbers(folder / f"{name}.input_gradient.txt", leaf.grad)


def save(folder: Path, name: str, model: torch.nn.Module) -> None:
    """Scripts and saves one model, and exports it where it is in both formats."""
    extra = {}
    if name in networks.METADATA:
        extra["ftorch_metadata.json"] = json.dumps(networks.METADATA[name])
    torch.jit.save(torch.jit.script(model), str(folder / f"{name}.pt"), _extra_files=extra)
    if extra:
        program = torch.export.export(model, (torch.zeros(2), 0.5), strict=False)
        torch.export.save(program, folder / f"{name}.pt2", extra_files=extra)


def write_models(folder: Path) -> None:
    """Writes every model of `networks`, and expected numbers where tests compare with them."""
    for name, make in networks.MODELS.items():
        torch.manual_seed(2024)
        model = make()
        save(folder, name, model)
        if name in networks.INPUTS:
            model.eval()
            exported.export(folder, name, model)
            torch.manual_seed(7)
            if name == "mlp_float32":
                compiled.compile_model(folder, name, model)
            write_expected(folder, name, model, *networks.INPUTS[name]())


def write_faulty_files(folder: Path) -> None:
    """Writes what a program may take for a model: damaged, empty, text, another archive."""
    whole = (folder / "mlp_float32.pt").read_bytes()
    (folder / "truncated.pt").write_bytes(whole[: len(whole) // 2])
    (folder / "empty.pt").write_bytes(b"")
    (folder / "text.pt").write_text("this is no model\n")
    torch.save({"weight": torch.ones(2)}, folder / "weights.pt")
    (folder / "with space.pt").write_bytes(whole)
    exported.write_damaged(folder)


def main() -> None:
    """Writes everything into the folder named on the command line."""
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    write_models(folder)
    write_faulty_files(folder)


if __name__ == "__main__":
    main()
