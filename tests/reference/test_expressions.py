# SPDX-License-Identifier: MIT
"""Random expressions of tensors in Fortran against PyTorch: values and gradients."""

from __future__ import annotations

import os
import re
import subprocess
import textwrap
from pathlib import Path

import numpy as np
import pytest
import torch
from expressions import DEPTH, DIFFERENTIATED, LARGEST, LEAVES, Generator
from tensor_stream import unpacked

TREES = 20
HEAD = """
program expressions
  use, intrinsic :: iso_c_binding, only: c_loc
  use, intrinsic :: iso_fortran_env, only: int8, int32, int64, real64
  use ftorch
  use ftorch_intrinsics
  implicit none
  real(real64), target :: whole(3, 4), line(4), wide(7, 9), shared(3, 4), number, work(3, 4, 3)
  integer :: output
  open (newunit=output, file='output', access='stream', action='write', status='replace')
"""
LEAF_LINES = """
    read_numbers
    call torch_tensor_from_array(a, whole, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(b, line, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(c, wide(2:6:2, 1:7:2), torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(d, shared, torch_kCPU)
    call torch_tensor_from_array(e, shared, torch_kCPU)
    call torch_tensor_from_array(n, number, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(t1, work(:, :, 1), torch_kCPU)
    call torch_tensor_from_array(t2, work(:, :, 2), torch_kCPU)
    call torch_tensor_from_array(t3, work(:, :, 3), torch_kCPU)
"""
GIVE = """
  subroutine give(tensor)
    type(torch_tensor), intent(in) :: tensor
    type(torch_tensor) :: copy
    integer(int32) :: rank, i
    integer(int64), allocatable :: shape(:)
    integer(int8), allocatable, target :: bytes(:)
    rank = tensor%get_rank()
    shape = tensor%get_shape()
    allocate (bytes(max(torch_product_of(shape), 1_int64) * 16))
    call torch_tensor_from_blob(copy, c_loc(bytes), rank, shape, &
      [(i, i = 1, rank)], tensor%get_dtype(), torch_kCPU)
    copy = tensor
    call torch_delete(copy)
    write (output) tensor%get_dtype(), rank, shape, bytes
  end subroutine give
  subroutine give_gradient(tensor)
    type(torch_tensor), intent(in) :: tensor
    type(torch_tensor) :: gradient
    type(torch_status) :: status
    call torch_tensor_get_gradient(gradient, tensor, status)
    write (output) merge(1_int32, 0_int32, status%ok())
    if (status%ok()) call give(gradient)
  end subroutine give_gradient
  function torch_product_of(shape) result(number_of)
    integer(int64), intent(in) :: shape(:)
    integer(int64) :: number_of
    number_of = product(shape)
  end function torch_product_of
"""


def seed():
    return int(os.environ.get("FTORCH_TEST_SEED", "2024"))


def leaf_values(random):
    """Numbers of the leaves; two are one array."""
    values = {name: random.uniform(-0.9, 0.9, shape) for name, shape in LEAVES.items()}
    values["e"] = values["d"]
    return values


def tensors_of(values):
    return {
        name: torch.tensor(value, dtype=torch.float64, requires_grad=name in DIFFERENTIATED)
        for name, value in values.items()
    }


def literal(array):
    """Numbers in Fortran's order of elements."""
    return ", ".join(f"{one:.17e}_real64" for one in np.asarray(array).flatten(order="F"))


def setting(values):
    """Statements that fill the arrays of the leaves."""
    return [
        f"whole = reshape([{literal(values['a'])}], [3, 4])",
        f"line = [{literal(values['b'])}]",
        "wide = 7",
        f"wide(2:6:2, 1:7:2) = reshape([{literal(values['c'])}], [3, 4])",
        f"shared = reshape([{literal(values['d'])}], [3, 4])",
        f"number = {float(values['n']):.17e}_real64",
    ]


def wrapped(line):
    """A statement on lines that Fortran takes."""
    pieces = textwrap.wrap(line, 110, break_long_words=False, break_on_hyphens=False)
    return " &\n      & ".join(pieces)


def gradients_of(value, leaves):
    """Gradients of the leaves; infinite where there is none, as of a determinant that is zero."""
    try:
        value.sum().backward()
    except RuntimeError:
        return [torch.tensor(torch.inf)]
    return [leaves[name].grad for name in DIFFERENTIATED]


class Tree:
    """An expression with what PyTorch makes of it."""

    def __init__(self, random):
        while True:
            self.values = leaf_values(random)
            leaves = tensors_of(self.values)
            self.expression = Generator(random, leaves).tree(DEPTH)
            self.value = self.expression.value
            self.gradients = None
            if self.value.requires_grad and self.value.dtype.is_floating_point:
                self.gradients = gradients_of(self.value, leaves)
            found = [one for one in self.gradients or [] if one is not None]
            if all(torch.isfinite(one).all() and one.abs().max() < LARGEST for one in found):
                return

    def subroutine(self, number):
        lines = [
            f"subroutine tree_{number}()",
            "type(torch_tensor) :: a, b, c, d, e, n, t1, t2, t3, result, total",
            *LEAF_LINES.replace("read_numbers\n", "").strip().splitlines(),
            *self.expression.statements,
            f"result = {self.expression.text}",
            "call give(result)",
        ]
        lines[2:2] = setting(self.values)
        if self.gradients is not None:
            lines += ["call torch_tensor_sum(total, result)", "call torch_tensor_backward(total)"]
            lines += [f"call give_gradient({name})" for name in DIFFERENTIATED]
        lines += [f"end subroutine tree_{number}"]
        return "\n".join(wrapped(line.strip()) for line in lines)


def compiler(build):
    """The Fortran compiler of a build folder."""
    cache = (build / "CMakeCache.txt").read_text()
    return re.search(r"CMAKE_Fortran_COMPILER:\w+=(.*)", cache)[1]


def run_program(trees, folder):
    """Compiles the trees and returns what they write."""
    build = Path(os.environ["FTORCH_BUILD_DIR"]).resolve()
    calls = "".join(f"  call tree_{i}()\n" for i in range(len(trees)))
    bodies = "\n".join(tree.subroutine(i) for i, tree in enumerate(trees))
    source = f"{HEAD}{calls}  close (output)\ncontains\n{bodies}\n{GIVE}end program\n"
    (folder / "expressions.f90").write_text(source)
    libraries = Path(torch.__file__).parent / "lib"
    command = [
        *(compiler(build), "-O0", f"-I{build / 'modules'}", "expressions.f90"),
        *("-o", "expressions", f"-L{build}", "-lftorch", f"-Wl,-rpath,{build}:{libraries}"),
    ]
    built = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert built.returncode == 0, f"{built.stderr[:4000]}\n{folder / 'expressions.f90'}"
    ran = subprocess.run(["./expressions"], cwd=folder, capture_output=True, text=True)
    assert ran.returncode == 0, f"{ran.stderr[:4000]}\n{folder / 'expressions.f90'}"
    return (folder / "output").read_bytes()


def compare(stream, tree):
    """Values to 1e-10 of the largest, gradients likewise; integers and logicals exactly."""

    def close(got, expected):
        assert got.dtype == expected.dtype
        assert got.shape == expected.shape
        if not expected.dtype.is_floating_point:
            assert torch.equal(got, expected)
            return
        scale = max(1.0, float(expected.abs().max()))
        tolerance = 1e-10 if expected.dtype == torch.float64 else 1e-5
        assert float((got - expected).abs().max()) <= tolerance * scale

    close(unpacked(stream), tree.value.detach().resolve_conj())
    for expected in tree.gradients or []:
        is_there = bool(stream.take("int32", 1)[0])
        assert is_there == (expected is not None)
        if is_there:
            close(unpacked(stream), expected)


@pytest.mark.parametrize(
    "batch", [0, 1, *(pytest.param(i, marks=pytest.mark.slow) for i in range(2, 25))]
)
def test_expressions(batch, tmp_path, stream_of):
    random = np.random.default_rng([seed(), batch])
    trees = [Tree(random) for _ in range(TREES)]
    stream = stream_of(run_program(trees, tmp_path))
    for number, tree in enumerate(trees):
        try:
            compare(stream, tree)
        except AssertionError as error:
            text = "\n".join([*tree.expression.statements, tree.expression.text])
            raise AssertionError(f"tree {number}, seed {seed()}: {text}") from error
    assert stream.finished()
