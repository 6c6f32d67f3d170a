# SPDX-License-Identifier: MIT
"""`python -m ftorch_tools.testing` is `ftorch-test`."""

from ftorch_tools.testing.cli import main

if __name__ == "__main__":
    main()
