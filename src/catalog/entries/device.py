# SPDX-License-Identifier: MIT
"""C entries for devices."""

from __future__ import annotations

from .entry import Entry

ENTRIES = (
    Entry(
        name="ft_device_count",
        arguments="device_type:int count:int32_out",
    ),
    Entry(
        name="ft_device_synchronize",
        arguments="device_type:int device_index:int",
        comment="Waits until all that was begun on the device is done.",
    ),
    Entry(
        name="ft_device_memory_allocated",
        arguments="device_type:int device_index:int bytes:int64_out",
        comment="Bytes of the device that living tensors take.",
    ),
)
