# SPDX-License-Identifier: MIT
"""C entries for tensors."""

from __future__ import annotations

from .entry import Entry

ENTRIES = (
    Entry(
        name="ft_tensor_create",
        arguments="fill:int ndims:int shape:int64s shape_size:int64 options:options "
        "out:handle_out",
        comment="fill: 0 for elements of any value, 1 for zeros, 2 for ones.",
    ),
    Entry(
        name="ft_tensor_fill",
        arguments="filling:int ndims:int shape:int64s shape_size:int64 numbers:arguments "
        "numbers_size:int64 options:options out:handle_out",
        comment="filling: 0 value, 1 uniform in [0, 1), 2 normal, 3 integers from numbers[0] to "
        "below numbers[1], 4 arange (start, end, step), 5 linspace (start, end, steps), "
        "6 eye (rows, columns). The last three have no shape: ndims is 0. Fails for numbers "
        "that the dtype does not hold.",
    ),
    Entry(
        name="ft_tensor_from_blob",
        arguments="data:address ndims:int shape:int64s shape_size:int64 layout:int32s_or_null "
        "layout_size:int64 options:options out:handle_out",
    ),
    Entry(
        name="ft_tensor_from_device_pointer",
        arguments="data:address ndims:int shape:int64s shape_size:int64 layout:int32s_or_null "
        "layout_size:int64 options:options out:handle_out",
        comment="The same for memory that lies on a device already; nothing is copied. data is "
        "the address on the device.",
    ),
    Entry(
        name="ft_tensor_from_array",
        arguments="array:array last:const_address layout:int32s_or_null layout_size:int64 "
        "permute_dims:int32s_or_null permute_dims_size:int64 options:options "
        "out:handle_out",
        comment="Wraps the array in place. layout: order of dimensions in memory (permutation "
        "from 1 to rank) or null; permute_dims: order in which the dimensions are taken, "
        "with their strides, or null. last: address of the array's last element, with "
        "which strides are checked and mended, or null.",
    ),
    Entry(
        name="ft_tensor_to_array",
        arguments="tensor:handle array:array last:const_address dtype:int",
        comment="Copies the numbers out; the shape must agree but for dimensions of one, and the "
        "dtype keep every number. last: as above.",
    ),
    Entry(
        name="ft_tensor_item",
        arguments="tensor:handle value:double_out",
        comment="The number of a tensor with one element; fails where a double is not it.",
    ),
    Entry(
        name="ft_tensor_to_pointer",
        arguments="tensor:handle pointer:array dtype:int rank:int",
        comment="Associates a pointer of the tensor's rank, by its descriptor, with the numbers"
        " themselves. The tensor gets memory of its own first if a graph or another tensor has"
        " the same.",
    ),
    Entry(
        name="ft_tensor_clear_temporary",
        arguments="tensor:handle",
        comment="Marks a temporary as a variable: assignment copies it from now on and no scope "
        "frees it.",
    ),
    Entry(
        name="ft_tensor_meant",
        arguments="home:handle_out source:handle_out",
        comment="For the assignment to a bit copy whose original stands at *home: where the "
        "compiler has copied the bits of a tensor to that place before, *source becomes "
        "that tensor. Otherwise *home becomes null.",
    ),
    Entry(
        name="ft_tensor_assign",
        arguments="target:handle_out source:handle source_is_copy:int",
        comment="target = source: a copy, in the graph; a temporary is moved; of an empty source, "
        "nothing. An attached target, and one that names memory of a model, keep memory, "
        "shape and dtype, and refuse an empty source; a leaf with requires_grad keeps "
        "them for a source without a graph. source_is_copy: the source may stand in a "
        "temporary beside copies of other handles, such as that of the target; "
        "assignments can read what those named until this thread's next entry that is no "
        "assignment or release.",
    ),
    Entry(
        name="ft_tensor_to",
        arguments="source:handle target:handle_out non_blocking:int lossy:int",
        comment="source on target's device and in target's dtype; the target must exist.",
    ),
    Entry(
        name="ft_tensor_to_device",
        arguments="source:handle device_type:int device_index:int target:handle_out",
        comment="A copy on a device, in the graph.",
    ),
    Entry(
        name="ft_tensor_zero",
        arguments="target:handle_out",
        comment="The target must exist.",
    ),
    Entry(
        name="ft_tensor_rank",
        arguments="tensor:handle rank:int32_out",
    ),
    Entry(
        name="ft_tensor_shape",
        arguments="tensor:handle shape:int64s_out",
    ),
    Entry(
        name="ft_tensor_strides",
        arguments="tensor:handle strides:int64s_out",
    ),
    Entry(
        name="ft_tensor_dtype",
        arguments="tensor:handle dtype:int32_out",
    ),
    Entry(
        name="ft_tensor_device",
        arguments="tensor:handle device_type:int32_out device_index:int32_out",
    ),
    Entry(
        name="ft_tensor_requires_grad",
        arguments="tensor:handle requires_grad:int32_out",
    ),
    Entry(
        name="ft_rows_describe",
        arguments="tensor:handle rows:int64_out row_bytes:int64_out",
        comment="The size of the first dimension, and the bytes of all elements that share an"
        " index in it. Fails for rank 0.",
    ),
    Entry(
        name="ft_rows_read",
        arguments="tensor:handle bytes:address",
        comment="Copies all rows to host memory, one after the other, the last dimension fastest.",
    ),
    Entry(
        name="ft_rows_write",
        arguments="tensor:handle bytes:address",
        comment="The other way, as a forward pass writes its result; the tensor keeps its handle.",
    ),
    Entry(
        name="ft_tensor_text",
        arguments="tensor:handle is_full:int",
        comment="Values and what the tensor is, to ft_text(). Of many elements those at the "
        "edges, unless is_full.",
    ),
    Entry(
        name="ft_tensor_binary",
        arguments="row:int a:handle b:handle target:handle_out",
        comment="Functions by their row in the catalog's table. target null: a new temporary; "
        "else the result is written to it.",
    ),
    Entry(
        name="ft_tensor_binary_right",
        arguments="row:int a:handle b:scalar target:handle_out",
    ),
    Entry(
        name="ft_tensor_binary_left",
        arguments="row:int a:scalar b:handle target:handle_out",
    ),
    Entry(
        name="ft_tensor_unary",
        arguments="row:int a:handle target:handle_out",
    ),
    Entry(
        name="ft_tensor_set_slice",
        arguments="target:handle_out dim:int64 first:int64 last:int64 values:handle",
        comment="Elements first to last along a dimension become values, in the graph. All count "
        "from 1. The target must exist.",
    ),
    Entry(
        name="ft_argument_hold",
        arguments="tensor:handle",
        comment="The tensor is an argument of this thread's ft_call to come: the compiler may "
        "release it before. Of those that no call takes the last 256 are kept.",
    ),
    Entry(
        name="ft_call",
        arguments="name:text name_size:int64 arguments:arguments arguments_size:int64 "
        "outputs:handles_out outputs_size:int64",
        comment="An operator of LibTorch by its name. Its results go to the outputs, of which "
        "those that are null become temporaries.",
    ),
    Entry(
        name="ft_tensor_function",
        arguments="row:int arguments:arguments size:int64 targets:handles_out targets_size:int64",
        comment="Any other function by its row: its arguments in the order of the row, a target "
        "for each result.",
    ),
    Entry(
        name="ft_scope_begin",
        arguments="with_variables:int",
        comment="Temporaries made on this thread since the scope began and not released are freed "
        "at its end; with_variables: so are all other tensors, whoever holds them.",
    ),
    Entry(
        name="ft_scope_end",
    ),
    Entry(
        name="ft_autocast_begin",
        arguments="dtype:int device_type:int",
        comment="Operations of this thread that gain from it run in another dtype, as PyTorch"
        " chooses, until ft_autocast_end.",
    ),
    Entry(
        name="ft_autocast_end",
    ),
)
