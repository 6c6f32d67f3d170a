# SPDX-License-Identifier: MIT
"""C entries for sessions."""

from __future__ import annotations

from .entry import Entry

ENTRIES = (
    Entry(
        name="ft_session_create",
        arguments="model:handle inputs:handles inputs_size:int64 outputs:handles"
        " outputs_size:int64 threads:int out:handle_out",
        comment="Binds a model to the arrays of its inputs and outputs, which must outlive the"
        " session; the tensors need not. Runs the model to check the results, and changes"
        " nothing. threads: 0 for the library's number.",
    ),
    Entry(
        name="ft_session_copy",
        arguments="session:handle out:handle_out",
    ),
    Entry(
        name="ft_session_run",
        arguments="session:handle",
        comment="A pass without gradients from the numbers of the input arrays to the output"
        " arrays.",
    ),
    Entry(
        name="ft_session_rebind",
        arguments="session:handle is_output:int index:int64 tensor:handle",
        comment="Another tensor in the place of input or output number index, from 1.",
    ),
    Entry(
        name="ft_session_rebind_array",
        arguments="session:handle is_output:int index:int64 array:array last:const_address"
        " dtype:int",
        comment="The same with an array; last is as in ft_tensor_from_array.",
    ),
    Entry(
        name="ft_model_warmup",
        arguments="model:handle inputs:handles inputs_size:int64 outputs:handles"
        " outputs_size:int64",
        comment="Runs the model until passes are as fast as they get, and changes nothing.",
    ),
)
