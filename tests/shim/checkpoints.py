# SPDX-License-Identifier: MIT
"""Checkpoints through the C interface."""

from __future__ import annotations

import os
from ctypes import c_int64
from pathlib import Path

import numpy as np

import shim
from shim import Object, Tensor, call, text, wrap


class Checkpoint(Object):
    """A checkpoint, empty at first."""

    def put(self, name: str, value: Object | str | np.ndarray | float) -> None:
        key = name.encode(), c_int64(len(name))
        if isinstance(value, str):
            raw = value.encode()
            call("ft_checkpoint_put_text", self.target, *key, raw, c_int64(len(raw)))
        else:
            held = value if isinstance(value, Object) else wrap(np.asarray(value))
            call("ft_checkpoint_put", self.target, *key, held.handle)

    def get(self, name: str, into: Object | None = None) -> Object:
        """Into an object that exists, or a new tensor."""
        key = name.encode(), c_int64(len(name))
        if into is None or isinstance(into, Tensor):
            into = into or Tensor()
            call("ft_checkpoint_get_tensor", self.handle, *key, into.target)
        else:
            call("ft_checkpoint_get", self.handle, *key, into.handle)
        return into

    def number(self, name: str) -> float:
        return self.get(name).numpy().item()

    def text(self, name: str) -> str:
        call("ft_checkpoint_get_text", self.handle, name.encode(), c_int64(len(name)))
        return text()

    def save(self, file: Path) -> None:
        call("ft_checkpoint_save", self.handle, os.fsencode(file))

    def load(self, file: Path) -> Checkpoint:
        read = Object()
        call("ft_checkpoint_load", os.fsencode(file), read.target)
        self.handle, read.handle = read.handle, self.handle
        return self


def example() -> Checkpoint:
    """One of each kind but objects, small."""
    checkpoint = Checkpoint()
    checkpoint.put("step", np.int64(7))
    checkpoint.put("rates", np.array([0.5, 0.25]))
    checkpoint.put("flags", np.array([[True, False, True]]))
    checkpoint.put("wave", np.array([1 + 2j, 3 - 4j]))
    checkpoint.put("note", "Wärme")
    return checkpoint


__all__ = ["Checkpoint", "example", "shim"]
