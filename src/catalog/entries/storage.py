# SPDX-License-Identifier: MIT
"""C entries for checkpoints."""

from __future__ import annotations

from .entry import Entry

ENTRIES = (
    Entry(
        name="ft_checkpoint_copy",
        arguments="checkpoint:handle out:handle_out",
        comment="A checkpoint of its own; the two share numbers, which nobody changes.",
    ),
    Entry(
        name="ft_checkpoint_put",
        arguments="checkpoint:handle_out name:text name_size:int64 object:handle",
        comment="Keeps a copy of the state of an object, in place of what has this name. Makes a"
        " checkpoint when *checkpoint is null. The states of the random generators are those of"
        " the last put.",
    ),
    Entry(
        name="ft_checkpoint_put_text",
        arguments="checkpoint:handle_out name:text name_size:int64 text:text text_size:int64",
    ),
    Entry(
        name="ft_checkpoint_get",
        arguments="checkpoint:handle name:text name_size:int64 object:handle",
        comment="Loads a state into an object that exists; fails before anything changes.",
    ),
    Entry(
        name="ft_checkpoint_get_tensor",
        arguments="checkpoint:handle name:text name_size:int64 target:handle_out",
        comment="Writes the numbers into the tensor's own memory, or makes a tensor when *target"
        " is null.",
    ),
    Entry(
        name="ft_checkpoint_get_text",
        arguments="checkpoint:handle name:text name_size:int64",
        comment="To ft_text().",
    ),
    Entry(
        name="ft_checkpoint_save",
        arguments="checkpoint:handle filename:text",
        comment="As a safetensors file, written whole or not at all.",
    ),
    Entry(
        name="ft_checkpoint_load",
        arguments="filename:text out:handle_out",
        comment="Sets the random generators as well.",
    ),
)
