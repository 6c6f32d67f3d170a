# SPDX-License-Identifier: MIT
"""`python -m ftorch_tools` is `ftorch-test`."""

from ftorch_tools.cli import main

if __name__ == "__main__":
    main()
