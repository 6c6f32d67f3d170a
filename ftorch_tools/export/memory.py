# SPDX-License-Identifier: MIT
"""The bytes of tensors, also where PyTorch has no NumPy."""

from __future__ import annotations

import ctypes
from typing import Any


def bytes_of(tensor: Any) -> bytes:
    """Return a copy of the numbers of a contiguous tensor of the host, in their order."""
    return ctypes.string_at(tensor.data_ptr(), tensor.nbytes) if tensor.numel() else b""
