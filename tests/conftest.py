# SPDX-License-Identifier: MIT
"""Says where the Python tests find what was built: in `build`, or in FTORCH_BUILD_DIR."""

import os
from pathlib import Path

BUILD = Path(os.environ.get("FTORCH_BUILD_DIR") or Path(__file__).parents[1] / "build")

os.environ.setdefault("FTORCH_LIBRARY", str(BUILD / "libftorch.so"))
os.environ.setdefault("FTORCH_TEST_DRIVERS", str(BUILD / "tests" / "reference"))
# Tests run side by side: threads that wait by spinning would take each other's cores.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
