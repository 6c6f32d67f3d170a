# SPDX-License-Identifier: MIT
"""C entries for failures, and for the end of objects."""

from __future__ import annotations

from .entry import Entry

ENTRIES = (
    Entry(
        name="ft_text",
        arguments="text:text_out",
        returns="int64_t",
        comment="Text of the last failure or of the last ft_*_text entry on this thread; valid "
        "until the next entry. Returns its length.",
    ),
    Entry(
        name="ft_fail",
        arguments="status:int message:text",
        comment="Sets the text of a failure that the caller found itself; returns status.",
    ),
    Entry(
        name="ft_fail_operator",
        arguments="status:int result:handle_out",
        comment="Ends an operator that failed. In the rest of the statement result stands for "
        "what it did not make: an entry that is given it fails as the operator did. Returns "
        "ft_ok if an operator of the statement failed before, else status.",
    ),
    Entry(
        name="ft_fail_procedure",
        arguments="status:int",
        comment="Ends a statement that failed. Returns ft_ok if it was given the result of an "
        "operator that failed, else status.",
    ),
    Entry(
        name="ft_handler_enter",
        arguments="text:text length:int64",
        comment="Around the call of an error handler, which was told text. Not ft_ok when this "
        "thread is in a handler already, which failed itself.",
    ),
    Entry(
        name="ft_handler_leave",
        returns="void",
    ),
    Entry(
        name="ft_fatal_message",
        arguments="text:text length:int64",
        returns="void",
        comment="Called before `error stop`, which waits forever inside an I/O statement, and "
        "destroys what other threads use: keeps those out of all entries, writes text to "
        "standard error without the Fortran runtime, and ends the process in two seconds "
        "if it still runs. Of several threads the first alone returns.",
    ),
    Entry(
        name="ft_release",
        arguments="object:handle",
        comment="Ends an object of any kind; one that is shared lives on behind its other "
        "handles.",
    ),
    Entry(
        name="ft_retire",
        arguments="object:handle",
        comment="The same at the end of a variable, which a statement may bring about while its "
        "temporaries still name the object: an assignment can read it until this thread's "
        "next entry that is no assignment or release.",
    ),
    Entry(
        name="ft_set_num_threads",
        arguments="threads:int",
        comment="OpenMP threads of the library, on all threads of the host; 0: as many as the"
        " host's own regions have. The host's number stays as it is.",
    ),
    Entry(
        name="ft_get_num_threads",
        arguments="threads:int32_out",
    ),
    Entry(
        name="ft_version",
        comment="The version of this library, to ft_text().",
    ),
    Entry(
        name="ft_libtorch_version",
        comment="That of the LibTorch at run time, to ft_text().",
    ),
    Entry(
        name="ft_load_library",
        arguments="filename:text",
        comment="Loads a library of an extension, whose operators programs may then call; it "
        "stays until the end of the process.",
    ),
)
