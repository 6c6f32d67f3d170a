! SPDX-License-Identifier: MIT
!> Numbers beside tensors: those that do not fit are refused, and the others are rounded once.
module numbers_cases
  use, intrinsic :: iso_fortran_env, only: int8, int16, int32, int64, real32, real64
  use ftorch
  use recorder, only: last_error, record_errors
  use testing, only: check, check_close, check_equal, check_status
  implicit none
  private
  public :: too_large, largest, operators, quotients, real_numbers, rounded_once, imaginary_parts, rank_0

contains

  !> Refused by every operator that gives integers; nothing is written.
  subroutine too_large()
    integer(int8), target :: x(2), y(2)
    integer(int16), target :: h(2)
    integer(int32), target :: i(2)
    type(torch_tensor) :: a, c
    type(torch_status) :: status

    x = [1_int8, 2_int8]
    y = 7
    h = 1
    i = 1
    call torch_tensor_from_array(c, y, torch_kCPU)
    call torch_tensor_from_array(a, x, torch_kCPU)
    call torch_tensor_add(c, a, 300, status)
    call check_status(status, torch_dtype_mismatch, 'the number 300 does not fit the dtype int8')
    call torch_tensor_add(c, 128_int16, a, status)
    call check_status(status, torch_dtype_mismatch, 'the number 128 does not fit the dtype int8')
    call torch_tensor_sub(c, a, -129_int64, status)
    call check_status(status, torch_dtype_mismatch, 'the number -129 does not fit the dtype int8')
    call torch_tensor_sub(c, 128, a, status)
    call check_status(status, torch_dtype_mismatch, 'the number 128 does not fit the dtype int8')
    call torch_tensor_mul(c, a, 1000_int64, status)
    call check_status(status, torch_dtype_mismatch, 'the number 1000 does not fit the dtype int8')
    call torch_tensor_mul(c, 1000_int64, a, status)
    call check_status(status, torch_dtype_mismatch, 'the number 1000 does not fit the dtype int8')
    call torch_tensor_pow(c, a, 258, status)
    call check_status(status, torch_dtype_mismatch, 'the number 258 does not fit the dtype int8')
    call torch_tensor_pow(c, 258, a, status)
    call check_status(status, torch_dtype_mismatch, 'the number 258 does not fit the dtype int8')
    call check(all(y == 7_int8), 'nothing is written')
    call torch_tensor_from_array(a, h, torch_kCPU)
    call torch_tensor_add(c, a, 70000, status)
    call check_status(status, torch_dtype_mismatch, 'the number 70000 does not fit the dtype int16')
    call torch_tensor_from_array(a, i, torch_kCPU)
    call torch_tensor_add(c, a, 3000000000_int64, status)
    call check_status(status, torch_dtype_mismatch, 'the number 3000000000 does not fit the dtype int32')
    call torch_tensor_zeros(a, 1, [2_int64], torch_kUInt8, torch_kCPU)
    call torch_tensor_add(c, a, 256, status)
    call check_status(status, torch_dtype_mismatch, 'the number 256 does not fit the dtype uint8')
    call torch_tensor_mul(c, a, -1, status)
    call check_status(status, torch_dtype_mismatch, 'the number -1 does not fit the dtype uint8')
  end subroutine too_large

  !> The largest numbers that fit.
  subroutine largest()
    integer(int8), target :: x(1)
    integer(int16), target :: h(1)
    integer(int32), target :: i(1)
    integer(int64), target :: l(1)
    integer(int8) :: byte(1)
    integer(int16) :: short(1)
    integer(int32) :: whole(1)
    integer(int64) :: long(1)
    type(torch_tensor) :: a

    x = 0
    h = 0
    i = 0
    l = 0
    call torch_tensor_from_array(a, x, torch_kCPU)
    byte = a + 127
    call check_equal(int(byte(1)), 127, 'int8')
    byte = a + (-128)
    call check_equal(int(byte(1)), -128, 'least int8')
    call torch_tensor_from_array(a, h, torch_kCPU)
    short = a + 32767
    call check_equal(int(short(1)), 32767, 'int16')
    short = a + (-32768)
    call check_equal(int(short(1)), -32768, 'least int16')
    call torch_tensor_from_array(a, i, torch_kCPU)
    whole = a + 2147483647_int64
    call check_equal(whole(1), 2147483647, 'int32')
    call torch_tensor_from_array(a, l, torch_kCPU)
    long = a + huge(1_int64)
    call check_equal(long, [huge(1_int64)], 'int64')
  end subroutine largest

  !> In an operator the error goes to the handler, and the result is empty.
  subroutine operators()
    integer(int8), target :: x(2)
    type(torch_tensor) :: a, c

    x = 1
    call torch_tensor_from_array(a, x, torch_kCPU)
    call record_errors()
    c = a * 300
    call check_status(last_error, torch_dtype_mismatch, 'operator(*): the number 300 does not fit the dtype int8')
    call check(c%get_rank() /= 1, 'the result is empty')
  end subroutine operators

  !> A quotient is real, so that every number fits; a logical tensor becomes int64.
  subroutine quotients()
    integer(int8), target :: x(2)
    type(torch_tensor) :: a, c
    real(real32) :: quotient(2)

    x = [60_int8, 120_int8]
    call torch_tensor_from_array(a, x, torch_kCPU)
    c = a / 300
    quotient = c
    call check_close(quotient, [0.2, 0.4], epsilon(1.0), 'quotient')
    c = 300 / a
    quotient = c
    call check_close(quotient, [5.0, 2.5], epsilon(1.0), 'reciprocal')
  end subroutine quotients

  !> A real number beside integers gives float32, whatever its kind, as in PyTorch.
  subroutine real_numbers()
    integer(int8), target :: x(2)
    type(torch_tensor) :: a, c
    real(real32) :: got(2)

    x = [1_int8, 2_int8]
    call torch_tensor_from_array(a, x, torch_kCPU)
    c = a + 300.5_real64
    call check_equal(c%get_dtype(), torch_kFloat32, 'dtype')
    got = c
    call check_close(got, [301.5, 302.5], 0.0_real32, 'sum')
  end subroutine real_numbers

  !> An int64 that a double rounds to the middle between two float32.
  subroutine rounded_once()
    integer(int64), parameter :: numbers(4) = [2_int64**60 + 2_int64**36 + 1, -2_int64**60 - 2_int64**36 - 1, &
      2_int64**60 + 3 * 2_int64**36 - 1, 2_int64**54 + 2_int64**30 + 1]
    real(real32), target :: x(1), scalar
    real(real32) :: got(1)
    type(torch_tensor) :: a, b, c
    integer :: i

    x = 0
    scalar = 0
    call torch_tensor_from_array(a, x, torch_kCPU)
    call torch_tensor_from_array(b, scalar, torch_kCPU)
    do i = 1, size(numbers)
      got = a + numbers(i)
      call check_close(got, real(numbers(i), real32), 0.0_real32, 'sum')
      got = numbers(i) - a
      call check_close(got, real(numbers(i), real32), 0.0_real32, 'difference')
      c = b + numbers(i)
      scalar = c
      call check_close(scalar, real(numbers(i), real32), 0.0_real32, 'rank 0')
      scalar = 0
    end do
  end subroutine rounded_once

  !> torch_tensor_to does not drop imaginary parts.
  subroutine imaginary_parts()
    complex(real64), target :: z(2)
    complex(real32), target :: w(2)
    real(real64), target :: x(2)
    type(torch_tensor) :: from, to
    type(torch_status) :: status

    z = (1.0_real64, 2.0_real64)
    x = 7
    call torch_tensor_from_array(from, z, torch_kCPU)
    call torch_tensor_from_array(to, x, torch_kCPU)
    call torch_tensor_to(from, to, status=status)
    call check_status(status, torch_dtype_mismatch, 'imaginary parts')
    call check_close(x, 7.0_real64, 0.0_real64, 'nothing is written')
    call torch_tensor_zeros(to, 1, [2_int64], torch_kInt32, torch_kCPU)
    call torch_tensor_to(from, to, status=status)
    call check_status(status, torch_dtype_mismatch, 'imaginary parts')
    call torch_tensor_from_array(to, w, torch_kCPU)
    call torch_tensor_to(from, to, lossy=.true., status=status)
    call check(status%ok(), 'complex to complex')
    call check(all(abs(w - z) <= 0), 'values')
    call torch_tensor_from_array(from, x, torch_kCPU)
    call torch_tensor_to(from, to, lossy=.true., status=status)
    call check(status%ok(), 'real to complex')
    call check(all(abs(w - x) <= 0), 'real values')
  end subroutine imaginary_parts

  !> A tensor of rank 0 keeps its integer dtype, too.
  subroutine rank_0()
    integer(int8), target :: x
    integer(int8) :: got
    type(torch_tensor) :: a, c
    type(torch_status) :: status

    x = 1
    call torch_tensor_from_array(a, x, torch_kCPU)
    call torch_tensor_add(c, a, 300, status)
    call check_status(status, torch_dtype_mismatch, 'the number 300 does not fit the dtype int8')
    c = a + 100
    got = c
    call check_equal(int(got), 101, 'sum')
  end subroutine rank_0

end module numbers_cases

program test_numbers
  use numbers_cases
  use testing, only: add_case, run_cases
  implicit none

  call add_case('too_large', too_large)
  call add_case('largest', largest)
  call add_case('operators', operators)
  call add_case('quotients', quotients)
  call add_case('real_numbers', real_numbers)
  call add_case('rounded_once', rounded_once)
  call add_case('imaginary_parts', imaginary_parts)
  call add_case('rank_0', rank_0)
  call run_cases()
end program test_numbers
