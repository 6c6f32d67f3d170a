# SPDX-License-Identifier: MIT
"""CMake itself is configured with the arguments that the recipe gives for each variant."""

from __future__ import annotations

import importlib.util
import itertools
import re
import shutil
import subprocess
from pathlib import Path

import pytest

VARIANTS = ("shared", "mpi", "cuda", "tools")


def configure(source, build, *arguments):
    """Configures with several prefixes, as Spack does; no argument may be left unread."""
    torch = Path(importlib.util.find_spec("torch").origin).parent
    prefixes = f"-DCMAKE_PREFIX_PATH={build / 'prefix'};{torch / 'share' / 'cmake'}"
    command = ["cmake", "-G", "Ninja", "-S", source, "-B", build, prefixes, *arguments]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    unused = re.search("Manually-specified variables were not used.*", result.stderr, re.S)
    assert not unused, unused[0]


@pytest.mark.parametrize(("shared", "tests"), [(True, True), (False, False)])
def test_configuration(root, recipe, tmp_path, shared, tests):
    mpi = shutil.which("mpicc") is not None
    package = recipe(run_tests=tests, shared=shared, mpi=mpi, cuda=False, tools=False)
    configure(root, tmp_path, *package.cmake_args())
    command = ["ninja", "-C", tmp_path, "-t", "targets", "all"]
    made = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert ("libftorch.so:" in made) == shared
    assert ("libftorch.a:" in made) != shared
    assert ("libftorch_mpi." in made) == mpi
    assert ("test_tensor:" in made) == tests


def test_other_variants_give_the_same_arguments(recipe):
    seen = {}
    for values in itertools.product([True, False], repeat=len(VARIANTS)):
        variants = dict(zip(VARIANTS, values))
        arguments = recipe(run_tests=False, **variants).cmake_args()
        assert seen.setdefault((variants["shared"], variants["mpi"]), arguments) == arguments
    assert len({tuple(arguments) for arguments in seen.values()}) == len(seen)


def test_argument_that_nothing_reads_is_an_error(tmp_path):
    project = "cmake_minimum_required(VERSION 3.21)\nproject(empty NONE)\n"
    (tmp_path / "CMakeLists.txt").write_text(project)
    with pytest.raises(AssertionError, match="FTORCH_MISSPELT"):
        configure(tmp_path, tmp_path / "build", "-DFTORCH_MISSPELT=ON")
