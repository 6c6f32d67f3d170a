# SPDX-License-Identifier: MIT
"""C entries for checkpoints and replay buffers."""

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
    Entry(
        name="ft_checkpoint_send",
        arguments="checkpoint:handle channel:channel",
        comment="Hands a checkpoint to whoever receives it at the other ends of a channel.",
    ),
    Entry(
        name="ft_checkpoint_receive",
        arguments="channel:channel checkpoint:handle_out",
        comment="In place of what the checkpoint held; makes one when *checkpoint is null. The"
        " random generators stay as they are.",
    ),
    Entry(
        name="ft_manual_seed",
        arguments="seed:int64",
        comment="Seeds the default random generators of all devices.",
    ),
    Entry(
        name="ft_rng_state",
        arguments="state:handle_out",
        comment="The state of the host's default random generator, as bytes.",
    ),
    Entry(
        name="ft_set_rng_state",
        arguments="state:handle",
    ),
    Entry(
        name="ft_replay_buffer_create",
        arguments="capacity:int64 policy:int seed:int64 out:handle_out",
        comment="policy: 0 for a ring of the last rows, 1 for a sample of all.",
    ),
    Entry(
        name="ft_replay_buffer_copy",
        arguments="buffer:handle out:handle_out",
    ),
    Entry(
        name="ft_replay_buffer_put_arrays",
        arguments="buffer:handle x:const_address x_shape:int64s x_rank:int64 x_dtype:int"
        " y:const_address y_shape:int64s y_rank:int64 y_dtype:int",
        comment="Contiguous arrays, one row or many. The first put says how a row looks.",
    ),
    Entry(
        name="ft_replay_buffer_put",
        arguments="buffer:handle fields:handles fields_size:int64",
    ),
    Entry(
        name="ft_replay_buffer_draw",
        arguments="buffer:handle fields:handles fields_size:int64 are_xy:int",
        comment="Fills each tensor with the same random rows of its field. are_xy: messages call"
        " them x_tensor and y_tensor.",
    ),
    Entry(
        name="ft_replay_buffer_size",
        arguments="buffer:handle count:int64_out bytes:int64_out",
    ),
    Entry(
        name="ft_replay_buffer_elements",
        arguments="buffer:handle field:int64 size:int64_out",
        comment="Elements in a row of a field, which count from 1.",
    ),
    Entry(
        name="ft_replay_buffer_moments",
        arguments="buffer:handle field:int64 deviation:int values:doubles_out size:int64",
        comment="Means, or standard deviations, of the elements of a row over all rows that ever"
        " came.",
    ),
)
