# SPDX-License-Identifier: MIT
"""`python -m ftorch_tools.export` is `ftorch-export`."""

from ftorch_tools.export.cli import main

if __name__ == "__main__":
    main()
