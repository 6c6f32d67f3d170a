! SPDX-License-Identifier: MIT
!> Elements at addresses that are no multiple of their size, as packed memory of C has them.
module packed_cases
  use, intrinsic :: iso_c_binding, only: c_intptr_t, c_loc
  use, intrinsic :: iso_fortran_env, only: int16, int64, int8, real32, real64
  use ftorch
  use testing, only: check
  implicit none
  private
  public :: packed_real64, packed_real32, packed_complex64, packed_int16

  integer, parameter :: n = 257

contains

  !> real(real64) at an address that is 4 more than a multiple of 8.
  subroutine packed_real64()
    integer(int8), target :: memory(8 * (n + 2))
    real(real64) :: x(n), got(n)
    type(torch_tensor) :: a, b
    integer :: first, i

    x = [(real(i, real64) / n, i=1, n)]
    first = 5 + int(modulo(-transfer(c_loc(memory), 0_c_intptr_t), 8_c_intptr_t))
    memory(first:first + 8 * n - 1) = transfer(x, memory)
    call torch_tensor_from_blob(a, c_loc(memory(first)), 1, [int(n, int64)], [1], torch_kFloat64, torch_kCPU)
    b = a * a + a
    got = b
    call check(all(abs(got - (x * x + x)) <= 4 * epsilon(1.0_real64) * abs(got)), 'result')
    a = a + 1
    got = transfer(memory(first:first + 8 * n - 1), got)
    call check(all(abs(got - (x + 1)) <= epsilon(1.0_real64) * abs(got)), 'written')
  end subroutine packed_real64

  !> real(real32) at an address that is 1 more than a multiple of 4.
  subroutine packed_real32()
    integer(int8), target :: memory(4 * (n + 2))
    real(real32) :: x(n), got(n)
    type(torch_tensor) :: a, b
    integer :: first, i

    x = [(real(i, real32) / n, i=1, n)]
    first = 2 + int(modulo(-transfer(c_loc(memory), 0_c_intptr_t), 4_c_intptr_t))
    memory(first:first + 4 * n - 1) = transfer(x, memory)
    call torch_tensor_from_blob(a, c_loc(memory(first)), 1, [int(n, int64)], [1], torch_kFloat32, torch_kCPU)
    b = a * a + a
    got = b
    call check(all(abs(got - (x * x + x)) <= 4 * epsilon(1.0) * abs(got)), 'result')
    a = a + 1
    got = transfer(memory(first:first + 4 * n - 1), got)
    call check(all(abs(got - (x + 1)) <= epsilon(1.0) * abs(got)), 'written')
  end subroutine packed_real32

  !> complex(real32) at an address that is 4 more than a multiple of 8.
  subroutine packed_complex64()
    integer(int8), target :: memory(8 * (n + 2))
    complex(real32) :: x(n), got(n)
    type(torch_tensor) :: a, b
    integer :: first, i

    x = [(cmplx(i, 1, real32) / n, i=1, n)]
    first = 5 + int(modulo(-transfer(c_loc(memory), 0_c_intptr_t), 8_c_intptr_t))
    memory(first:first + 8 * n - 1) = transfer(x, memory)
    call torch_tensor_from_blob(a, c_loc(memory(first)), 1, [int(n, int64)], [1], torch_kComplexFloat, torch_kCPU)
    b = a * a + a
    got = b
    call check(all(abs(got - (x * x + x)) <= 4 * epsilon(1.0) * abs(got)), 'result')
    a = a + 1
    got = transfer(memory(first:first + 8 * n - 1), got)
    call check(all(abs(got - (x + 1)) <= epsilon(1.0) * abs(got)), 'written')
  end subroutine packed_complex64

  !> integer(int16) at an address that is 1 more than a multiple of 2.
  subroutine packed_int16()
    integer(int8), target :: memory(2 * (n + 2))
    integer(int16) :: x(n), got(n)
    type(torch_tensor) :: a, b
    integer :: first, i

    x = [(int(i, int16), i=1, n)]
    first = 2 + int(modulo(-transfer(c_loc(memory), 0_c_intptr_t), 2_c_intptr_t))
    memory(first:first + 2 * n - 1) = transfer(x, memory)
    call torch_tensor_from_blob(a, c_loc(memory(first)), 1, [int(n, int64)], [1], torch_kInt16, torch_kCPU)
    b = a * a + a
    got = b
    call check(all(abs(got - (x * x + x)) <= 0), 'result')
    a = a + 1
    got = transfer(memory(first:first + 2 * n - 1), got)
    call check(all(abs(got - (x + 1)) <= 0), 'written')
  end subroutine packed_int16

end module packed_cases

program test_packed
  use packed_cases
  use testing, only: add_case, run_cases
  implicit none

  call add_case('real64', packed_real64)
  call add_case('real32', packed_real32)
  call add_case('complex64', packed_complex64)
  call add_case('int16', packed_int16)
  call run_cases()
end program test_packed
