# SPDX-License-Identifier: MIT
"""Bytes of tensors without NumPy, which PyTorch's own package does not bring."""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path

import torch

from ftorch_tools.export.memory import bytes_of


def test_bytes_are_those_in_memory() -> None:
    assert bytes_of(torch.tensor([[1.0, 2.0], [3.0, 4.0]])) == struct.pack("4f", 1, 2, 3, 4)
    assert bytes_of(torch.tensor([1, -2], dtype=torch.int64)) == struct.pack("2q", 1, -2)
    assert bytes_of(torch.tensor([True, False])) == b"\1\0"
    assert bytes_of(torch.zeros(0)) == b""


def test_samples_of_numpy_say_that_they_need_it(folder: Path) -> None:
    (folder / "x.npz").write_bytes(b"")
    program = (
        "import sys; sys.modules['numpy'] = None; from ftorch_tools.export.cli import main;"
        " sys.argv[1:] = ['networks.py:Net', '--samples', 'x.npz']; sys.exit(main())"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 3
    assert "needs NumPy" in done.stderr
    assert "pip install numpy" in done.stderr
