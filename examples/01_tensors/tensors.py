# SPDX-License-Identifier: MIT
"""The program tensors.f90 in Python: tensors over NumPy arrays. It prints the same."""

import numpy as np
import torch

u = np.array([1, 2, 3, 4, 5, 6], dtype=np.float64).reshape((3, 2), order="F")  # [m/s]
v = np.full((3, 2), 1.0, order="F")  # [m/s]
u_tensor, v_tensor = torch.from_numpy(u), torch.from_numpy(v)


def show(name: str, values: np.ndarray) -> None:
    """Print the elements in Fortran's order."""
    print(f"{name:11s}" + "".join(f"{value:6.1f}" for value in values.flatten(order="F")))


energy = 0.5 * (u_tensor**2 + v_tensor**2)  # [J/kg]
show("energy", energy.numpy())

v[:] = 3
energy = 0.5 * (u_tensor**2 + v_tensor**2)
show("energy", energy.numpy())
show("mean", energy.mean().numpy())

top_level = torch.from_numpy(u[:, 1])
top_level /= 2.0
show("u", u)

product = u_tensor * v_tensor
show("u v", product.numpy())
print("its shape  " + "".join(f"{extent:6d}" for extent in product.shape))
