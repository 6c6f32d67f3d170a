# SPDX-License-Identifier: MIT
"""C entries for derivatives."""

from __future__ import annotations

from .entry import Entry

ENTRIES = (
    Entry(
        name="ft_tensor_backward",
        arguments="tensor:handle gradient:handle retain_graph:int",
        comment="gradient: that of a result with more than one element, or null for ones.",
    ),
    Entry(
        name="ft_tensor_gradient",
        arguments="tensor:handle target:handle_out",
    ),
    Entry(
        name="ft_tensor_set_gradient",
        arguments="tensor:handle gradient:handle",
        comment="A copy becomes the gradient of a leaf.",
    ),
    Entry(
        name="ft_tensor_zero_gradient",
        arguments="tensor:handle",
    ),
    Entry(
        name="ft_tensor_set_requires_grad",
        arguments="tensor:handle requires_grad:int",
        comment="The tensor must be a leaf.",
    ),
    Entry(
        name="ft_no_grad_begin",
        comment="Nothing is recorded on this thread until as many calls of ft_no_grad_end.",
    ),
    Entry(
        name="ft_no_grad_end",
    ),
    Entry(
        name="ft_grad",
        arguments="outputs:handles outputs_size:int64 inputs:handles inputs_size:int64"
        " output_gradients:handles output_gradients_size:int64 retain_graph:int create_graph:int"
        " allow_unused:int gradients:handles_out gradients_size:int64",
        comment="Gradients of the outputs by each input; gradients are targets. output_gradients:"
        " null for ones, or none at all. create_graph: the gradients have a graph, and that of"
        " the outputs is kept. allow_unused: where the outputs do not depend on an input, its"
        " target is emptied, or filled with zeros where it is an array.",
    ),
    Entry(
        name="ft_vjp",
        arguments="output:handle input:handle vector:handle target:handle_out",
        comment="Derivative of the output by the input, transposed, times a vector like the"
        " output.",
    ),
    Entry(
        name="ft_jvp",
        arguments="output:handle input:handle vector:handle target:handle_out",
        comment="Derivative of the output by the input times a vector like the input.",
    ),
    Entry(
        name="ft_hvp",
        arguments="output:handle input:handle vector:handle target:handle_out",
        comment="Second derivative of an output of one element times a vector like the input.",
    ),
    Entry(
        name="ft_jacobian",
        arguments="output:handle input:handle target:handle_out",
        comment="Shape of the output, then that of the input.",
    ),
    Entry(
        name="ft_dot_product_test",
        arguments="output:handle input:handle seed:int64 difference:double_out",
        comment="Relative difference of <Jv, w> and <v, J'w> for random v and w.",
    ),
    Entry(
        name="ft_apply",
        arguments="function:function inputs:handles inputs_size:int64 outputs:handles_out"
        " outputs_size:int64",
        comment="Runs a function of the program as one node of the graph; outputs are targets. The"
        " object becomes the graph's, also if the call fails.",
    ),
    Entry(
        name="ft_gradcheck",
        arguments="function:function inputs:handles inputs_size:int64"
        " outputs_size:int64 step:double tolerance:double is_right:int32_out",
        comment="Compares the derivatives that a function computes with central differences. 0 for"
        " a step or a tolerance that fits the dtype. The text says which differs. The object"
        " becomes the library's.",
    ),
    Entry(
        name="ft_gradients_watch",
        arguments="parameters:handles parameters_size:int64 watcher:callback context:address",
        comment="From now on watcher(context, i), i from 0, is called in backward passes once a"
        " gradient has been added to that of parameter i. Null ends it.",
    ),
)
