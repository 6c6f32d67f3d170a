# SPDX-License-Identifier: MIT
"""Replay buffers through the C interface."""

from __future__ import annotations

from ctypes import byref, c_double, c_int64

import numpy as np
from numpy.typing import NDArray

from shim import Object, Tensor, call, handles, wrap

POLICIES = ("ring", "reservoir")


class ReplayBuffer(Object):
    """A buffer of rows of several fields."""

    def __init__(self, capacity: int, policy: str = "ring", seed: int = 0) -> None:
        super().__init__()
        number = POLICIES.index(policy)
        call("ft_replay_buffer_create", c_int64(capacity), number, c_int64(seed), self.target)

    def put(self, *fields: Tensor) -> None:
        call("ft_replay_buffer_put", self.handle, handles(fields), c_int64(len(fields)))

    def draw(self, *fields: Tensor) -> None:
        call("ft_replay_buffer_draw", self.handle, handles(fields), c_int64(len(fields)), 0)

    def size(self) -> tuple[int, int]:
        count, memory = c_int64(), c_int64()
        call("ft_replay_buffer_size", self.handle, byref(count), byref(memory))
        return count.value, memory.value

    def moments(self, field: int) -> tuple[NDArray[np.float64], ...]:
        """Means and standard deviations."""
        size = c_int64()
        call("ft_replay_buffer_elements", self.handle, c_int64(field), byref(size))
        both = []
        for deviation in (0, 1):
            values = (c_double * size.value)()
            call("ft_replay_buffer_moments", self.handle, c_int64(field), deviation, values, size)
            both.append(np.array(values))
        return tuple(both)


def fortran(array: NDArray[np.generic]) -> Tensor:
    """A tensor over an array in Fortran's order."""
    return wrap(np.asfortranarray(array))
