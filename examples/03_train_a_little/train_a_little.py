# SPDX-License-Identifier: MIT
"""The program train_a_little.f90 in Python. It prints the same."""

import torch

COLUMNS, LAYERS = 8, 3
share_of_roots = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64)

network = torch.export.load("untrained.pt2").module()
optimizer = torch.optim.Adam(network.parameters(), lr=0.05)

for hour in range(1, 201):
    i = torch.arange(1, COLUMNS * LAYERS + 1, dtype=torch.float64)
    moisture = torch.sin(hour * i**2).reshape(LAYERS, COLUMNS).T  # in the order of Fortran
    moisture = 0.3 + 0.2 * moisture
    truth = (moisture @ share_of_roots).reshape(COLUMNS, 1)

    optimizer.zero_grad()
    loss = torch.nn.functional.mse_loss(network(moisture), truth)
    loss.backward()
    optimizer.step()

    if hour % 50 == 0:
        print(f"hour{hour:4d}: error{loss.sqrt().item():9.5f}")

for name, weights in (("true", share_of_roots), ("learned", next(network.parameters())[0])):
    print(f"{name + ' weights':16s}" + "".join(f"{value:7.3f}" for value in weights.tolist()))
