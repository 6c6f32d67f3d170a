# SPDX-License-Identifier: MIT
"""The program formats.f90 in Python. It prints the same.  Usage: formats.py FILE"""

import sys

import torch

file = sys.argv[1]
model = torch.export.load(file).module() if file.endswith(".pt2") else torch.jit.load(file)
for number, name in enumerate(("temperature", "humidity"), 1):
    print(f"input{number:2d}: {name}")

temperature = torch.tensor([-5.0, 5.0, 15.0, 25.0], dtype=torch.float64)  # [°C]
humidity = torch.tensor([0.9, 0.8, 0.6, 0.4], dtype=torch.float64)
observed = torch.tensor([-6.39, 1.83, 7.30, 10.48], dtype=torch.float64)  # [°C]
optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
for step in range(201):
    optimizer.zero_grad()
    dew_point = model(temperature, humidity)
    loss = torch.nn.functional.mse_loss(dew_point, observed)
    if step % 100 == 0:
        values = "".join(f"{value:8.3f}" for value in dew_point.tolist())
        print(f"step{step:4d}: dew point{values}, error{loss.item():9.6f}")
    loss.backward()
    optimizer.step()
