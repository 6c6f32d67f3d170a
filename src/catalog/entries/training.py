# SPDX-License-Identifier: MIT
"""C entries for optimizers, gradients, schedulers and losses."""

from __future__ import annotations

from .entry import Entry

ENTRIES = (
    Entry(
        name="ft_optim_create",
        arguments="row:int parameters:handles parameters_size:int64 hyperparameters:doubles "
        "hyperparameters_size:int64 out:handle_out",
        comment="Optimizers by their row in the catalog's table; hyperparameters in the order "
        "of its row, logicals as 0 and 1.",
    ),
    Entry(
        name="ft_optim_copy",
        arguments="optim:handle out:handle_out",
    ),
    Entry(
        name="ft_optim_add_parameters",
        arguments="optim:handle parameters:handles parameters_size:int64 values:doubles"
        " given:int32s",
        comment="Another group. Values and flags of those that are given, in the order of the "
        "catalog's GROUP_ARGUMENTS; others are as the optimizer was made.",
    ),
    Entry(
        name="ft_optim_step",
        arguments="optim:handle",
    ),
    Entry(
        name="ft_optim_step_with",
        arguments="optim:handle loss:handle is_first:int wants_loss:int32_out",
        comment="One step that may evaluate the loss: the caller gives that at the present "
        "parameters, whose gradients are there, as long as wants_loss is 1.",
    ),
    Entry(
        name="ft_optim_abandon_step",
        arguments="optim:handle",
        comment="The loss that ft_optim_step_with wants cannot be had: parameters and state are "
        "those from before the step.",
    ),
    Entry(
        name="ft_optim_zero_gradient",
        arguments="optim:handle",
    ),
    Entry(
        name="ft_optim_set_learning_rate",
        arguments="optim:handle value:double group:int64",
        comment="Groups count from 1; 0 is all of them.",
    ),
    Entry(
        name="ft_optim_learning_rate",
        arguments="optim:handle group:int64 value:double_out",
    ),
    Entry(
        name="ft_optim_skip_nonfinite",
        arguments="optim:handle skip:int",
    ),
    Entry(
        name="ft_optim_skipped",
        arguments="optim:handle count:int64_out",
    ),
    Entry(
        name="ft_clip_grad_norm",
        arguments="parameters:handles parameters_size:int64 max_norm:double norm_type:double"
        " norm:double_out",
        comment="norm is that before clipping, 0 without gradients.",
    ),
    Entry(
        name="ft_optim_clip_grad_norm",
        arguments="optim:handle max_norm:double norm:double_out",
        comment="The same for the gradients of all parameters of an optimizer, with the norm of"
        " vectors.",
    ),
    Entry(
        name="ft_clip_grad_value",
        arguments="parameters:handles parameters_size:int64 max_value:double",
    ),
    Entry(
        name="ft_scheduler_create",
        arguments="row:int optim:handle values:doubles values_size:int64 milestones:int64s"
        " milestones_size:int64 out:handle_out",
        comment="Schedulers by their row in the catalog's table; values in the order of its"
        " arguments, texts as the place among its choices.",
    ),
    Entry(
        name="ft_scheduler_create_sequence",
        arguments="optim:handle schedulers:handles schedulers_size:int64 milestones:int64s"
        " milestones_size:int64 out:handle_out",
    ),
    Entry(
        name="ft_scheduler_copy",
        arguments="scheduler:handle out:handle_out",
    ),
    Entry(
        name="ft_scheduler_wants_metric",
        arguments="scheduler:handle wants_metric:int32_out",
    ),
    Entry(
        name="ft_scheduler_step",
        arguments="scheduler:handle metric:double has_metric:int",
        comment="Only ReduceLROnPlateau takes a metric.",
    ),
    Entry(
        name="ft_parameters_to_vector",
        arguments="parameters:handles parameters_size:int64 are_gradients:int target:handle_out",
        comment="All parameters, or their gradients, one after the other, each with its last"
        " dimension running fastest.",
    ),
    Entry(
        name="ft_vector_to_parameters",
        arguments="parameters:handles parameters_size:int64 are_gradients:int vector:handle",
        comment="The other way, into the memory that the parameters have.",
    ),
    Entry(
        name="ft_flat_size",
        arguments="tensor:handle is_gradient:int count:int64_out is_double:int32_out",
        comment="How many real numbers the tensor, or its gradient, is in a flat buffer of the"
        " host, and whether they are of double precision; complex numbers are two. Fails for a"
        " tensor of whole numbers, and for one that can have no gradient.",
    ),
    Entry(
        name="ft_flat_read",
        arguments="tensor:handle is_gradient:int factor:double buffer:address is_there:int32_out",
        comment="Copies the numbers, times the factor, into such a buffer; zeros where the"
        " factor is zero or there is no gradient.",
    ),
    Entry(
        name="ft_flat_write",
        arguments="tensor:handle is_gradient:int buffer:const_address",
        comment="The other way, as a forward pass writes its result, or into the gradient;"
        " makes one where there is none.",
    ),
    Entry(
        name="ft_loss",
        arguments="row:int input:handle target:handle tensors:handles tensors_size:int64"
        " values:doubles values_size:int64 reduction:int loss:handle_out",
        comment="Losses by their row in the catalog's table; tensors and values in the order of"
        " its arguments, null for a tensor that is left out, logicals as 0 and 1.",
    ),
    Entry(
        name="ft_train_step_load",
        arguments="filename:text model:handle optim:handle out:handle_out",
        comment="A package of ftorch-export --train-step for the parameters of the model, which"
        " the optimizer steps.",
    ),
    Entry(
        name="ft_train_step_copy",
        arguments="step:handle out:handle_out",
    ),
    Entry(
        name="ft_train_step_run",
        arguments="step:handle inputs:handles inputs_size:int64 targets:handles"
        " targets_size:int64 with_optimizer:int loss:double_out",
        comment="Loss, gradients, one step of the optimizer if wanted, and new buffers; a pass"
        " that fails changes nothing.",
    ),
)
