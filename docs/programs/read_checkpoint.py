# SPDX-License-Identifier: MIT
"""Looks into the checkpoint of a Fortran program."""

from safetensors import safe_open

with safe_open("run.safetensors", "pt") as file:
    for name, kind in sorted(file.metadata().items()):
        if name.startswith("kind:"):
            print(f"{name.removeprefix('kind:')}: {kind}")
    print("step:", file.get_tensor("step").item())
    for name in sorted(file.keys()):
        if name.startswith("network."):
            print(name, list(file.get_slice(name).get_shape()))
