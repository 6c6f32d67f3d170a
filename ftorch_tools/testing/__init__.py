# SPDX-License-Identifier: MIT
"""The command `ftorch-test`.

A module imports from its own line of this list and from those below, never from above:

    cli, app, commands        what is typed, and what is printed
    schedulers                a run on a cluster, whose workers make runs on their nodes
    run                       a run on this machine
    display, summary, guard   what a run shows and what watches over it
    doctor, validation        what is wrong here; the suite of an installed FTorch
    drivers                   ctest and pytest, whose reports are read
    records                   what is kept of a run: its events, its verdict, reports
    selection, project, ...   which tests, of which project, on what machine
"""
