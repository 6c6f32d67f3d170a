# SPDX-License-Identifier: MIT
"""Kinds of objects behind handles."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind: `torch_<name>` in Fortran, `ft_<name>_...` in C."""

    name: str
    """Noun of its type, modules, entries and files."""
    code: int
    """Lowest bits of a handle, from 1 to 15."""
    room: str
    """Folder of its files in `src/shim` and `src/fortran`."""
    title: str
    """What messages call it."""
    has_state: bool = False
    """Checkpoints hold it: it has `state_dict`, `check_state_dict`, `load_state_dict` in C++."""

    @property
    def plural(self) -> str:
        """Name of the table of its objects, `torch_live_<plural>` in Fortran."""
        return self.name if self.name.endswith("s") else f"{self.name}s"

    @property
    def article(self) -> str:
        """The indefinite article of the title."""
        return "an " if self.title[0] in "aeiou" else "a "


KINDS = (
    Kind(name="tensor", code=1, room="tensor", title="tensor"),
    Kind(name="model", code=2, room="model", title="model", has_state=True),
    Kind(name="optim", code=3, room="training", title="optimizer", has_state=True),
    Kind(name="scheduler", code=4, room="training", title="scheduler", has_state=True),
    Kind(name="checkpoint", code=5, room="storage", title="checkpoint"),
    Kind(name="replay_buffer", code=6, room="storage", title="replay buffer", has_state=True),
    Kind(name="session", code=9, room="session", title="session"),
    Kind(name="train_step", code=10, room="training", title="training step"),
    Kind(name="metrics", code=8, room="loop", title="metrics file"),
)
