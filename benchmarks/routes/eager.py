# SPDX-License-Identifier: MIT
"""The network in PyTorch's eager mode: `eager.py BATCH CALLS`."""

import sys

import torch
from network import network


def main() -> None:
    batch, calls = map(int, sys.argv[1:])
    model = network().eval()
    x = torch.sin(0.1 * torch.arange(1, 8 * batch + 1, dtype=torch.float32)).reshape(batch, 8)
    with torch.inference_mode():
        for _ in range(calls):
            y = model(x)
    y = y.double()
    print(f"{y.sum():16.7e}{(y**2).sum():16.7e}")


if __name__ == "__main__":
    main()
