# SPDX-License-Identifier: MIT
"""The command `ftorch-metrics`.

A module imports from its own line of this list and from those below, never from above:

    cli, app, request         what is typed, and what is made of it
    follow, displays          files that grow, and how they are shown
    table, report             what is printed
    plot, events              what is drawn, and written for TensorBoard
    spark, labels             curves of characters, and short names of files
    summary                   what the values of a metric come to
    source, reader            a file that may grow, and its format
    series, numbers           values over steps, and how Fortran writes them
"""
