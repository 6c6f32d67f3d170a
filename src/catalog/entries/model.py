# SPDX-License-Identifier: MIT
"""C entries for models."""

from __future__ import annotations

from .entry import Entry

ENTRIES = (
    Entry(
        name="ft_model_load",
        arguments="filename:text options:options is_training:int out:handle_out",
        comment="requires_grad of the options: -1 as stored, else 0 or 1 for all parameters.",
    ),
    Entry(
        name="ft_model_save",
        arguments="model:handle filename:text",
    ),
    Entry(
        name="ft_model_copy",
        arguments="model:handle out:handle_out",
    ),
    Entry(
        name="ft_model_forward",
        arguments="model:handle inputs:handles inputs_size:int64 outputs:handles "
        "outputs_size:int64 requires_grad:int method:text",
        comment="method may be null or empty: forward. Each output exists already; all are "
        "checked, and made ready, before one is written.",
    ),
    Entry(
        name="ft_model_train",
        arguments="model:handle is_training:int",
    ),
    Entry(
        name="ft_model_is_training",
        arguments="model:handle is_training:int32_out",
    ),
    Entry(
        name="ft_model_parameters",
        arguments="model:handle outputs:handles_out outputs_size:int64",
        comment="Fills outputs with the parameters themselves, each once, in the order of "
        "Python's named_parameters(). What is written to one is written to the model.",
    ),
    Entry(
        name="ft_model_save_state",
        arguments="model:handle filename:text",
        comment="Parameters and buffers as a safetensors file, written whole or not at all.",
    ),
    Entry(
        name="ft_model_load_state",
        arguments="model:handle filename:text strict:int",
        comment="The same, or a state dictionary of Python's torch.save, into the model's own"
        " memory; strict 0: names that the file or the model lacks do not count.",
    ),
    Entry(
        name="ft_model_share_state",
        arguments="model:handle source:handle",
        comment="A package of AOTInductor computes with parameters and buffers of another model"
        " from now on, in that one's memory; nothing is changed where one does not fit.",
    ),
    Entry(
        name="ft_model_count",
        arguments="model:handle part:int count:int64_out",
        comment="part: 0 parameters, each once, 1 inputs, 2 outputs, 3 buffers; results that"
        " only a pass can count are one.",
    ),
    Entry(
        name="ft_model_name",
        arguments="model:handle part:int index:int64",
        comment="To ft_text(); index counts from 1.",
    ),
    Entry(
        name="ft_model_form",
        arguments="model:handle part:int index:int64 dtype:int32_out rank:int32_out",
        comment="part: 1 inputs, 2 outputs; index counts from 1. A file of TorchScript does not"
        " say it.",
    ),
    Entry(
        name="ft_model_sizes",
        arguments="model:handle part:int index:int64 least:int64s_out most:int64s_out size:int64",
        comment="The smallest and the largest size of each of its size dimensions, equal where it"
        " is fixed.",
    ),
    Entry(
        name="ft_model_tensor",
        arguments="model:handle name:text name_size:int64 is_buffer:int target:handle_out",
        comment="A parameter or buffer itself: what is written to it is written to the model.",
    ),
    Entry(
        name="ft_model_metadata",
        arguments="model:handle key:text key_size:int64",
        comment="Text of the user's metadata under a key, for ft_text().",
    ),
    Entry(
        name="ft_model_freeze",
        arguments="model:handle pattern:text pattern_size:int64 is_frozen:int",
        comment="requires_grad of the parameters whose names match the pattern of a shell.",
    ),
    Entry(
        name="ft_model_clone",
        arguments="model:handle out:handle_out",
        comment="A model of its own.",
    ),
    Entry(
        name="ft_model_text",
        arguments="model:handle",
    ),
)
