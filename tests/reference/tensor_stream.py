# SPDX-License-Identifier: MIT
"""Tensors as programs of tests read and write them."""

from __future__ import annotations

import struct

import numpy as np
import torch

from catalog.dtypes import DTYPES as ROWS

CODES = {getattr(torch, row.name): row.code for row in ROWS}
TYPES = {code: dtype for dtype, code in CODES.items()}


def packed(tensor, requires_grad=False):
    """A tensor as the driver reads it."""
    head = struct.pack(
        "4i", CODES[tensor.dtype], requires_grad, tensor.dim(), tensor.element_size()
    )
    shape = struct.pack(f"{tensor.dim()}q", *tensor.shape)
    return head + shape + tensor.detach().numpy().tobytes(order="F")


def unpacked(stream):
    """The next tensor that the driver wrote."""
    dtype, rank = stream.take("int32", 2).tolist()
    shape = stream.take("int64", rank).tolist()
    numpy_name = str(TYPES[dtype]).removeprefix("torch.")
    start = stream.position
    tensor = stream.take(numpy_name, *shape)
    stream.position = start + 16 * max(int(np.prod(shape)), 1)
    return tensor
