# SPDX-License-Identifier: MIT
"""The C interface: entries by what they concern, in the order of the header."""

from __future__ import annotations

from ..kinds import KINDS
from . import autograd, device, loop, model, mpi, runtime, session, storage, tensor, training
from .entry import Entry, comment_block
from .roles import ROLES, Role

__all__ = ["ENTRIES", "ROLES", "SECTIONS", "Entry", "Role", "comment_block", "mpi"]

LIVE = tuple(Entry(name=f"ft_{kind.name}_live", returns="int64_t") for kind in KINDS)

SECTIONS = (
    ("Failures, and the end of objects.", runtime.ENTRIES),
    ("Objects that were made and not released.", LIVE),
    (
        "Tensors. Results go to *out, which becomes a handle of the caller's; *out is left alone"
        " on failure. An entry that writes into an existing tensor takes ft_handle *target: it"
        " fills the object behind the handle and gives it a new handle, or makes one when *target"
        " is null. The old handle is that of a released object, so that copies of it never see"
        " what was written.",
        tensor.ENTRIES,
    ),
    ("Derivatives.", autograd.ENTRIES),
    ("Models. A copied handle shares the model.", model.ENTRIES),
    ("Optimizers, gradients, schedulers and losses.", training.ENTRIES),
    ("Checkpoints and replay buffers.", storage.ENTRIES),
    ("Models bound to their inputs and outputs.", session.ENTRIES),
    ("Metrics files.", loop.ENTRIES),
    ("Devices. device_index -1 is the default.", device.ENTRIES),
)
"""What the entries of a section have in common, and the entries."""

ENTRIES = tuple(entry for _, entries in SECTIONS for entry in entries)
