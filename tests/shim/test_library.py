# SPDX-License-Identifier: MIT
"""The library as a file: what it shows to others, two copies in one process, a wrong LibTorch."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

import shim

LIBRARY = Path(os.environ["FTORCH_LIBRARY"])


def symbols(defined: bool) -> set[str]:
    """Names in the dynamic table, those of the library or those that it needs."""
    with LIBRARY.open("rb") as stream:
        table = ELFFile(stream).get_section_by_name(".dynsym")
        return {
            one.name
            for one in table.iter_symbols()
            if (one["st_shndx"] != "SHN_UNDEF") == defined and one.name
        }


def test_no_symbol_of_the_cxx_side_is_visible() -> None:
    visible = symbols(defined=True)
    assert "ft_text" in visible
    assert not [name for name in visible if name.startswith("_Z") and "ftorch" in name]


def test_two_copies_have_registers_of_their_own(tmp_path: Path) -> None:
    copy = ctypes.CDLL(shutil.copy(LIBRARY.resolve(), tmp_path / "libcopy.so"))
    before = shim.live()[0]
    tensor = shim.create([2])
    copy.ft_tensor_live.restype = ctypes.c_int64
    assert shim.live()[0] == before + 1
    assert copy.ft_tensor_live() == 0
    rank = ctypes.c_int32()
    assert copy.ft_tensor_rank(tensor.handle, ctypes.byref(rank)) == 1
    mine = ctypes.c_void_p()
    place = ctypes.byref(shim.options("float32"))
    shape = shim.extents([3])
    assert copy.ft_tensor_create(1, 1, shape, ctypes.c_int64(1), place, ctypes.byref(mine)) == 0
    assert (copy.ft_tensor_live(), shim.live()[0]) == (1, before + 1)
    assert copy.ft_release(mine) == 0
    assert copy.ft_tensor_live() == 0


OTHER = """
unsigned long aoti_torch_abi_version(void) { return (2ul << 56) + (99ul << 48) + (1ul << 40); }
"""


def test_libtorch_of_another_version(tmp_path: Path) -> None:
    """A library in front says so, as another LibTorch on LD_LIBRARY_PATH would."""
    compiler = shutil.which("cc")
    if not compiler:
        pytest.skip("no C compiler")
    (tmp_path / "other.c").write_text(OTHER)
    other = tmp_path / "other.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", other, tmp_path / "other.c"], check=True)
    program = (
        "import shim\n"
        "for entry in (lambda: shim.create([2]), lambda: shim.load('model.pt')):\n"
        "    try:\n"
        "        entry()\n"
        "    except shim.ShimError as error:\n"
        "        print(error)\n"
    )
    environment = {
        **os.environ,
        "LD_PRELOAD": str(other),
        "PYTHONPATH": str(Path(__file__).parent),
    }
    printed = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    assert len(printed) == 2
    assert all(
        "ft_internal_error: the LibTorch found at run time is 2.99.1, and" in one
        for one in printed
    )


def test_fork_after_threads() -> None:
    """A child has none of the OpenMP threads that its parent made."""
    program = (
        "import os, shim, signal\n"
        "def total():\n"
        "    x = shim.create([200000])\n"
        "    return float(shim.unary(shim.SUM, shim.binary(shim.ADD, x, x)).numpy())\n"
        "before = total()\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    signal.alarm(60)\n"
        "    os._exit(0 if total() == before else 3)\n"
        "status = os.waitpid(child, 0)[1]\n"
        "print(os.waitstatus_to_exitcode(status), before == total() == 400000)\n"
    )
    environment = {**os.environ, "OMP_NUM_THREADS": "2", "PYTHONPATH": str(Path(__file__).parent)}
    answer = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True
    )
    assert answer.stdout == "0 True\n", answer.stderr
