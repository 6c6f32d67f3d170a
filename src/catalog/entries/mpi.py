# SPDX-License-Identifier: MIT
"""C entries of the component mpi."""

from __future__ import annotations

from .entry import Entry

ENTRIES = (
    Entry(
        name="ft_mpi_communicator_create",
        arguments="comm:int timeout:double bucket_bytes:int64 owners:int out:handle_out",
        comment="Over a copy of the communicator with this Fortran handle. Collective. timeout in"
        " seconds; owners: ranks of each node that run models for others, 0 for one per device.",
    ),
    Entry(
        name="ft_mpi_communicator_delete",
        arguments="communicator:handle",
        comment="Collective.",
    ),
    Entry(
        name="ft_mpi_communicator_place",
        arguments="communicator:handle place:int64s_out",
        comment="Seven numbers: rank and size of all, of the node, and of the group that shares an"
        " owner, its first rank; the place of that group on the node.",
    ),
    Entry(
        name="ft_mpi_agree",
        arguments="communicator:handle status:int text:text text_size:int64",
        comment="Fails on all ranks alike if the status of one is that of a failure.",
    ),
    Entry(
        name="ft_mpi_broadcast",
        arguments="communicator:handle object:handle root:int",
        comment="The state of an object that checkpoints hold, into those of the other ranks.",
    ),
    Entry(
        name="ft_mpi_broadcast_tensor",
        arguments="communicator:handle tensor:handle_out root:int",
    ),
    Entry(
        name="ft_mpi_broadcast_checkpoint",
        arguments="communicator:handle checkpoint:handle_out root:int",
        comment="Random generators stay as they are.",
    ),
    Entry(
        name="ft_mpi_average_gradients",
        arguments="communicator:handle model:handle parameters:handles parameters_size:int64"
        " rows:double is_early:int",
        comment="Of parameters, or of a model where their number is -1, its buffers too. is_early:"
        " begins within the backward passes to come, and ft_mpi_average_gradients_wait ends it.",
    ),
    Entry(
        name="ft_mpi_average",
        arguments="communicator:handle tensors:handles tensors_size:int64 rows:double",
        comment="Of the tensors' numbers, which replace them.",
    ),
    Entry(
        name="ft_mpi_average_gradients_wait",
        arguments="communicator:handle",
    ),
    Entry(
        name="ft_mpi_fetch",
        arguments="communicator:handle filename:text",
        comment="Copies a file that rank 0 alone reads to the temporary folder of each node;"
        " the name there to ft_text().",
    ),
    Entry(
        name="ft_mpi_fetched",
        arguments="communicator:handle status:int text:text text_size:int64",
        comment="Ends that copy once all ranks have used it; agrees on what became of it.",
    ),
    Entry(
        name="ft_mpi_forward",
        arguments="communicator:handle model:handle inputs:handles inputs_size:int64"
        " outputs:handles outputs_size:int64",
        comment="Without gradients; the model of the owner computes, with the rows of its group.",
    ),
    Entry(
        name="ft_mpi_forward_start",
        arguments="communicator:handle model:handle inputs:handles inputs_size:int64"
        " outputs:handles outputs_size:int64",
        comment="Takes the rows of the inputs; the outputs come with ft_mpi_forward_wait. Two"
        " may be under way.",
    ),
    Entry(
        name="ft_mpi_forward_wait",
        arguments="communicator:handle",
        comment="Ends the pass that was started first.",
    ),
    Entry(
        name="ft_mpi_forward_warmup",
        arguments="communicator:handle model:handle inputs:handles inputs_size:int64"
        " outputs:handles outputs_size:int64 is_gathered:int32_out seconds:doubles_out",
        comment="Measures a gathered pass and one of each rank's own, in seconds, and takes the"
        " faster one for this model from now on.",
    ),
    Entry(
        name="ft_mpi_bind_threads",
        arguments="communicator:handle tells:int threads:int32_out",
        comment="Gives the library as many threads as this rank has cores for itself.",
    ),
    Entry(
        name="ft_mpi_library",
        comment="Name and version of the MPI at run time, to ft_text().",
    ),
)
