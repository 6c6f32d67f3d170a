# SPDX-License-Identifier: MIT
"""The command `ftorch-export`.

A module imports from its own line of this list and from those below, never from above:

    cli, app, commands        what is typed, and what is printed
    train_step                a training step that is written and checked
    request                   a model that is written and checked
    check, library            what readers of the file compute; the library as one of them
    formats, contents         files of models, written and looked at
    aoti, output              packages of machine code; a file that is written only when right
    inductor, products        what its compiler does otherwise; products of matrices as loops
    source, samples, sizes    the model, its arguments and their sizes
    errors, reader            what may fail; the program that calls the library
"""
