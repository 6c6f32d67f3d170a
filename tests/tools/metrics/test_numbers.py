# SPDX-License-Identifier: MIT
"""Numbers are read as Fortran writes them."""

from __future__ import annotations

import math
import os
import shutil
import struct
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ftorch_tools.metrics.numbers import read_number, read_step


@pytest.mark.parametrize(
    ("field", "number"),
    [
        ("1.0D-3", 1e-3),
        ("-.5d+02", -50.0),
        ("1.5Q0", 1.5),
        ("  0.25 ", 0.25),
        ("5.", 5.0),
        ("+7", 7.0),
        ("1.234567-101", 1.234567e-101),
        ("0.1+101", 1e100),
        ("1.0E+400", math.inf),
        ("Infinity", math.inf),
        ("+Infinity", math.inf),
        ("   -Infinity", -math.inf),
        ("Inf", math.inf),
        ("-Inf", -math.inf),
        ("", None),
        ("   ", None),
        ("*****", None),
    ],
)
def test_fields(field, number):
    assert read_number(field) == number


@pytest.mark.parametrize("field", ["NaN", " nan", "-NaN", "NaN(0x7ff8)"])
def test_nan(field):
    assert math.isnan(read_number(field))


@pytest.mark.parametrize(
    "field",
    [
        "x",
        "1.0E",
        "1.0D+",
        "1_000",
        "0x10",
        "1,0",
        "1.0 2",
        "1e5e5",
        ".",
        "-",
        "\N{ARABIC-INDIC DIGIT ONE}",
        "1e1.5",
    ],
)
def test_what_is_no_number(field):
    with pytest.raises(ValueError, match="a number"):
        read_number(field)


@given(st.floats(allow_nan=False))
def test_every_number_comes_back(number):
    assert read_number(repr(number)) == number
    assert read_number(f" {number:.17E}".replace("E", "D")) == number


def test_steps():
    assert [read_step(field) for field in ("7", " +12 ", "-3", "007")] == [7, 12, -3, 7]
    assert read_step(str(2**63 - 1)) == 2**63 - 1
    for field in ("", "1.0", "1e3", "1_0", "x", "\N{ARABIC-INDIC DIGIT ONE}"):
        with pytest.raises(ValueError, match=r"an integer$"):
            read_step(field)
    for field in (str(2**63), "9" * 5000):
        with pytest.raises(ValueError, match="64 bits"):
            read_step(field)


PROGRAM = """
program numbers
  use, intrinsic :: iso_fortran_env, only: real64
  use, intrinsic :: ieee_arithmetic
  real(real64) :: x
  integer :: i
  do i = 1, 8
    select case (i)
    case (1); x = 1.5d-300
    case (2); x = -2.5d+200
    case (3); x = 0.1d0
    case (4); x = ieee_value(x, ieee_quiet_nan)
    case (5); x = ieee_value(x, ieee_positive_inf)
    case (6); x = ieee_value(x, ieee_negative_inf)
    case (7); x = -1.2345678901234567d308
    case (8); x = 0
    end select
    write (*, '(es24.15,",",e24.15e3,",",d24.15,",",g0,",",en24.15)') x, x, x, x, x
    write (*, *) x
  end do
  write (*, '(f4.1)') 12345.0
end program numbers
"""


def test_numbers_of_a_fortran_program(tmp_path):
    compiler = os.environ.get("FC", "").split() or ["gfortran"]
    if not shutil.which(compiler[0]):
        pytest.skip(f"{compiler[0]} is missing")
    (tmp_path / "numbers.f90").write_text(PROGRAM)
    subprocess.run([*compiler, "numbers.f90", "-o", "numbers"], cwd=tmp_path, check=True)
    out = subprocess.run([tmp_path / "numbers"], capture_output=True, text=True, check=True).stdout
    *lines, narrow = out.splitlines()
    expected = [1.5e-300, -2.5e200, 0.1, math.nan, math.inf, -math.inf, -1.2345678901234567e308, 0]
    for number, wanted in enumerate(expected):
        for field in [*lines[2 * number].split(","), lines[2 * number + 1]]:
            assert read_number(field) == pytest.approx(wanted, rel=1e-14, nan_ok=True), field
    assert read_number(narrow) is None


@given(st.integers(-(2**63), 2**63 - 1))
def test_every_step_comes_back(step):
    assert read_step(str(step)) == struct.unpack("q", struct.pack("q", step))[0]
