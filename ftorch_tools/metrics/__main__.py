# SPDX-License-Identifier: MIT
"""`python -m ftorch_tools.metrics` is `ftorch-metrics`."""

from ftorch_tools.metrics.cli import main

if __name__ == "__main__":
    main()
