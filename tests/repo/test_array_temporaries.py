# SPDX-License-Identifier: MIT
"""The documented table of what a tensor wraps, for each form of array argument and compiler."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

COMPILERS = {
    "gfortran 11": "gfortran-11",
    "gfortran 12": "gfortran-12",
    "flang 19": "flang-new-19",
}

# As the library takes an array: a pointer that a target is accepted for.
MODULE = """
module takes
  use, intrinsic :: iso_c_binding, only: c_intptr_t, c_loc
  implicit none
  real, target :: x(8) = 1
  real :: plain(8) = 1
  integer :: indices(4) = [1, 3, 5, 7]

contains

  subroutine take(data)
    real, pointer, intent(in) :: data(:)
    integer(c_intptr_t) :: first, last, at

    first = transfer(c_loc(x(1)), first)
    last = transfer(c_loc(x(8)), last)
    at = transfer(c_loc(data(1)), at)
    print '(a)', trim(merge('the array  ', 'a temporary', at >= first .and. at <= last))
  end subroutine take

  function f() result(y)
    real :: y(8)

    y = 2
  end function f

  function p() result(y)
    real, pointer :: y(:)

    y => x
  end function p

  subroutine shape_is_explicit(y, n)
    integer, intent(in) :: n
    real, target, intent(inout) :: y(n)

    call take(y)
  end subroutine shape_is_explicit

  subroutine shape_is_assumed(y)
    real, target, intent(in) :: y(:)

    call take(y)
  end subroutine shape_is_assumed

  subroutine is_contiguous(y)
    real, target, contiguous, intent(inout) :: y(:)

    call take(y)
  end subroutine is_contiguous
end module takes
"""
FORMS = {
    "`x`, `x(1:7:2)`": "call take(x); call take(x(1:7:2))",
    "`p()`, a pointer": "call take(p())",
    "`y` of `associate (y => x(1:7:2))`": "associate (y => x(1:7:2)); call take(y); end associate",
    "dummy `y(:)` of `sub(x(1:7:2))`": "call shape_is_assumed(x(1:7:2))",
    "dummy `y(n)` of `sub(x, n)`": "call shape_is_explicit(x, 8)",
    "`x(indices)`": "call take(x(indices))",
    "`y` of `associate (y => x(indices))`": (
        "associate (y => x(indices)); call take(y); end associate"
    ),
    "dummy `y(n)` of `sub(x(1:7:2), n)`": "call shape_is_explicit(x(1:7:2), 4)",
    "dummy `y(:)`, `contiguous`, of `sub(x(1:7:2))`": "call is_contiguous(x(1:7:2))",
    "dummy `y(:)` of `sub(x(indices))`": "call shape_is_assumed(x(indices))",
    "dummy `y(:)` of `sub(x + 1)`, `sub((x))`, `sub(f())`": (
        "call shape_is_assumed(x + 1); call shape_is_assumed((x)); call shape_is_assumed(f())"
    ),
    "`(x)`": "call take((x))",
    "`x + 1`": "call take(x + 1)",
    "`f()`": "call take(f())",
    "`[x(1), x(2)]`": "call take([x(1), x(2)])",
    "`reshape(x, [8])`": "call take(reshape(x, [8]))",
    "`y` of `associate (y => x + 1)`": "associate (y => x + 1); call take(y); end associate",
    "an array that is no `target`": "call take(plain)",
}


def wrapped(compiler: str, statements: str, folder: Path) -> tuple[str, bool]:
    """What `take` gets, or `refused`; and whether the compiler warned of a temporary."""
    main = "\n".join(["program form", "use takes", "implicit none", *statements.split("; ")])
    (folder / "form.f90").write_text(f"{MODULE}{main}\nend program form\n")
    flags = [] if "flang" in compiler else ["-Warray-temporaries"]
    command = [compiler, *flags, "form.f90", "-o", "form"]
    built = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if built.returncode != 0:
        return "refused", False
    ran = subprocess.run([folder / "form"], capture_output=True, text=True, check=True)
    (got,) = set(ran.stdout.split("\n")) - {""}
    return got, "array temporary" in built.stderr


@pytest.fixture
def table(root: Path) -> tuple[list[str], dict[str, list[str]]]:
    """Compilers and rows as they are documented."""
    text = (root / "docs" / "how-to" / "arrays.md").read_text()
    first = text.index("| the array is given as")
    rows = [
        [cell.strip() for cell in line.strip("|").split(" | ")]
        for line in text[first : text.index("\n\n", first)].split("\n")
    ]
    return rows[0][1:], {row[0]: row[1:] for row in rows[2:]}


def test_every_form_is_documented(table) -> None:
    assert list(table[1]) == list(FORMS)


@pytest.mark.parametrize("compiler", COMPILERS)
def test_table_is_what_the_compiler_does(compiler: str, table, tmp_path: Path) -> None:
    program = shutil.which(COMPILERS[compiler])
    if not program:
        pytest.skip(f"{COMPILERS[compiler]} is not installed")
    compilers, rows = table
    column = next(i for i, heading in enumerate(compilers) if compiler.split()[1] in heading)
    for form, statements in FORMS.items():
        got, warned = wrapped(program, statements, tmp_path)
        assert got == rows[form][column].strip("*"), f"{compiler}: {form}"
        if "gfortran" in compiler and got == "a temporary":
            assert warned, f"{compiler} does not warn: {form}"
