# SPDX-License-Identifier: MIT
"""Writes the corpus with the PyTorch of the Python that runs it: `export_corpus.py FOLDER`.

`FTORCH_EXPORTED_FILES=FOLDER pytest tests/exported -k another_pytorch` then compares the library
with eager PyTorch of the version that it was built with.
"""

from __future__ import annotations

import sys
from pathlib import Path

import architectures
import torch

if __name__ == "__main__":
    for row in architectures.rows().values():
        try:
            row.write(Path(sys.argv[1]))
        except Exception as error:  # another PyTorch may lack what a network needs
            print(f"{row.title}: {type(error).__name__}: {str(error)[:200]}")
    print(torch.__version__)
