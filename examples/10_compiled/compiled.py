# SPDX-License-Identifier: MIT
"""The program compiled.f90 in Python, without machine code. It prints the same."""

import torch

network = torch.export.load("vapour.pt2").module()
optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
temperature = torch.linspace(-1, 1, 32, dtype=torch.float64).reshape(32, 1)
celsius = 40 * temperature
truth = torch.log(6.112 * torch.exp(17.62 * celsius / (243.12 + celsius))) / 4
for step in range(601):
    optimizer.zero_grad()
    loss = torch.nn.functional.mse_loss(network(temperature), truth)
    loss.backward()
    optimizer.step()
    if step % 200 == 0:
        print(f"step{step:4d}: loss{loss.item():9.5f}")
with torch.no_grad():
    pressure = network(temperature)
got, wanted = (float((4 * one[-1]).exp()) for one in (pressure, truth))
print(f"at 40 °C: {got:6.2f} hPa, Magnus: {wanted:6.2f}")
