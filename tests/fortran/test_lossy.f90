! SPDX-License-Identifier: MIT
!> Conversions that can lose numbers are made only when they are asked for.
module lossy_cases
  use, intrinsic :: iso_fortran_env, only: int16, int32, int64, real32, real64
  use ftorch
  use recorder, only: last_error, record_errors
  use testing, only: check, check_close, check_equal, check_status
  implicit none
  private
  public :: to_integers, overflow, kept, filled

contains

  subroutine to_integers()
    real(real64), target :: x(2)
    integer(int32), target :: n(2)
    type(torch_tensor) :: from, to, loose
    type(torch_status) :: status

    x = [2.7_real64, -2.7_real64]
    n = 5
    call torch_tensor_from_array(from, x, torch_kCPU)
    call torch_tensor_from_array(to, n, torch_kCPU)
    call torch_tensor_to(from, to, status=status)
    call check_status(status, torch_dtype_mismatch, 'source_tensor has dtype float64, target_tensor int32')
    call check_status(status, torch_dtype_mismatch, 'lossy=.true.')
    call check_equal(int(n, int64), [5_int64, 5_int64], 'nothing is written')
    call torch_tensor_to(from, to, lossy=.false., status=status)
    call check_status(status, torch_dtype_mismatch, 'int32')
    call torch_tensor_to(from, to, lossy=.true., status=status)
    call check(status%ok(), 'asked for')
    call check_equal(int(n, int64), [2_int64, -2_int64], 'truncated')
    call torch_tensor_ones(loose, 1, [2_int64], torch_kInt16, torch_kCPU)
    call record_errors()
    call torch_tensor_to(to, loose)
    call check_status(last_error, torch_dtype_mismatch, 'target_tensor int16')
  end subroutine to_integers

  subroutine overflow()
    real(real64), target :: x(1)
    real(real32), target :: y(1)
    type(torch_tensor) :: from, to
    type(torch_status) :: status

    x = 1.0e300_real64
    y = 3
    call torch_tensor_from_array(from, x, torch_kCPU)
    call torch_tensor_from_array(to, y, torch_kCPU)
    call torch_tensor_to(from, to, status=status)
    call check_status(status, torch_dtype_mismatch, 'float32')
    call check_close(y, 3.0, 0.0, 'nothing is written')
    call torch_tensor_to(from, to, non_blocking=.false., lossy=.true., status=status)
    call check(status%ok() .and. y(1) > huge(y), 'infinite when asked for')
  end subroutine overflow

  !> What keeps every number needs no word.
  subroutine kept()
    integer(int16), target :: n(2)
    real(real32), target :: x(2)
    complex(real64), target :: z(2)
    type(torch_tensor) :: from, real_tensor, complex_tensor
    type(torch_status) :: status

    n = [-huge(n), huge(n)]
    call torch_tensor_from_array(from, n, torch_kCPU)
    call torch_tensor_from_array(real_tensor, x, torch_kCPU)
    call torch_tensor_from_array(complex_tensor, z, torch_kCPU)
    call torch_tensor_to(from, real_tensor, status=status)
    call check(status%ok(), 'int16 to real32')
    call check_close(x, real(n, real32), 0.0, 'int16 to real32')
    call torch_tensor_to(real_tensor, complex_tensor, status=status)
    call check(status%ok(), 'real32 to complex(real64)')
    call check_close(real(z), real(n, real64), 0.0_real64, 'real32 to complex(real64)')
  end subroutine kept

  !> An array is filled by the same rule, and takes no integers for reals.
  subroutine filled()
    real(real64), target :: x(1)
    real(real32) :: y(1)
    integer(int32) :: n(1)
    type(torch_tensor) :: from
    type(torch_status) :: status

    x = 2.7_real64
    y = 1
    n = 1
    call torch_tensor_from_array(from, x, torch_kCPU)
    call torch_tensor_to_array(from, y, status)
    call check_status(status, torch_dtype_mismatch, 'float64')
    call torch_tensor_to_array(from, n, status)
    call check_status(status, torch_dtype_mismatch, 'int32')
    call record_errors()
    n = from
    call check_status(last_error, torch_dtype_mismatch, 'int32')
    call check_equal(int(n, int64), [1_int64], 'nothing is written')
    call check_close(y, 1.0, 0.0, 'nothing is written')
  end subroutine filled

end module lossy_cases

program test_lossy
  use lossy_cases
  use testing, only: add_case, run_cases
  implicit none

  call add_case('to_integers', to_integers)
  call add_case('overflow', overflow)
  call add_case('kept', kept)
  call add_case('filled', filled)
  call run_cases()
end program test_lossy
