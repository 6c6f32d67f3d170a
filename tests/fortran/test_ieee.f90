! SPDX-License-Identifier: MIT
!> The program's IEEE flags and rounding mode are what they were before a call, whatever LibTorch raises in it.
module ieee_cases
  use, intrinsic :: ieee_arithmetic, only: ieee_nearest, ieee_set_rounding_mode, ieee_support_rounding, ieee_to_zero
  use, intrinsic :: ieee_exceptions, only: ieee_all, ieee_get_flag, ieee_set_flag, ieee_support_flag
  use, intrinsic :: iso_fortran_env, only: int64, real64
  use ftorch
  use testing, only: check, check_status, skip
  implicit none
  private
  public :: start, quiet_afterwards, own_flags, after_an_error, rounding

contains

  !> Whether each flag is set.
  function flags() result(are_set)
    logical :: are_set(size(ieee_all)), is_set
    integer :: i

    do i = 1, size(ieee_all)
      call ieee_get_flag(ieee_all(i), is_set)  ! flang 19 leaves an element of an array as it is
      are_set(i) = is_set
    end do
  end function flags

  subroutine clear()
    call ieee_set_flag(ieee_all, .false.)
  end subroutine clear

  !> Division by zero, invalid, overflow, underflow and inexact in many elements, in single and double precision.
  subroutine raise_all(n)
    integer(int64), intent(in) :: n
    type(torch_tensor) :: zero, one, c
    integer :: dtype

    do dtype = torch_kFloat32, torch_kFloat64
      call torch_tensor_zeros(zero, 1, [n], dtype, torch_kCPU)
      call torch_tensor_ones(one, 1, [n], dtype, torch_kCPU)
      c = one / zero
      c = zero / zero
      c = 1.0e30 * (one * 1.0e30) * 1.0e30_real64 * 1.0e300_real64 * 1.0e300_real64
      c = 1.0e-30 * (one * 1.0e-30) * 1.0e-300_real64 * 1.0e-300_real64
      c = one / 3
    end do
  end subroutine raise_all

  !> LibTorch raises none while it is loaded.
  subroutine start()
    logical :: are_set(size(ieee_all))

    are_set = flags()
    call check(.not. any(are_set(:4)), 'no flag at the start of the program')
  end subroutine start

  subroutine quiet_afterwards()
    call clear()
    call raise_all(1_int64)
    call check(.not. any(flags()), 'no flag after small operations')
    call raise_all(100000_int64)
    call check(.not. any(flags()), 'no flag after large operations')
  end subroutine quiet_afterwards

  !> A flag that the program raised stays, alone. All is in one procedure: its flags are quiet when another one begins.
  subroutine own_flags()
    integer :: i, k
    logical :: is_set

    do i = 1, size(ieee_all)
      if (.not. ieee_support_flag(ieee_all(i), 1.0_real64)) cycle
      call ieee_set_flag(ieee_all, .false.)
      call ieee_set_flag(ieee_all(i), .true.)
      call raise_all(10_int64)
      do k = 1, size(ieee_all)
        call ieee_get_flag(ieee_all(k), is_set)
        call check(is_set .eqv. i == k, 'the flag of the program, and no other')
      end do
    end do
  end subroutine own_flags

  !> Backward passes, and a call that fails.
  subroutine after_an_error()
    real(real64), target :: x(3)
    type(torch_tensor) :: a, y, c
    type(torch_status) :: status

    x = [0.0_real64, 1.0_real64, 2.0_real64]
    call clear()
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    y = 1 / a
    call torch_tensor_backward(y)
    call check(.not. any(flags()), 'no flag after a backward pass')
    call torch_tensor_ones(c, 1, [2_int64], torch_kFloat64, torch_kCPU)
    call torch_tensor_div(y, a, c, status)
    call check_status(status, torch_shape_mismatch, 'broadcast')
    call check(.not. any(flags()), 'no flag after an error')
  end subroutine after_an_error

  !> In the mode that the program set, 1/10 is rounded down after a call as before.
  subroutine rounding()
    real(real64), volatile :: one, ten
    real(real64) :: nearest, before, after

    if (.not. ieee_support_rounding(ieee_to_zero, 1.0_real64)) call skip('the rounding mode cannot be set here')
    one = 1
    ten = 10
    nearest = one / ten
    call ieee_set_rounding_mode(ieee_to_zero)
    before = one / ten
    call raise_all(10_int64)
    after = one / ten
    call ieee_set_rounding_mode(ieee_nearest)
    if (abs(before - nearest) <= 0) call skip('the compiler moves divisions across changes of the rounding mode')
    call check(abs(after - before) <= 0, 'the mode of the program')
  end subroutine rounding

end module ieee_cases

program test_ieee
  use ieee_cases
  use testing, only: add_case, run_cases
  implicit none

  call add_case('start', start)
  call add_case('quiet_afterwards', quiet_afterwards)
  call add_case('own_flags', own_flags)
  call add_case('after_an_error', after_an_error)
  call add_case('rounding', rounding)
  call run_cases()
end program test_ieee
