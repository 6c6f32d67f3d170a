! SPDX-License-Identifier: MIT
!> float16 and bfloat16 come from arrays of real32, and go into such.
module reduced_cases
  use, intrinsic :: iso_fortran_env, only: int16, int32, int64, real32, real64
  use ftorch
  use testing, only: check, check_close, check_equal, check_status
  implicit none
  private
  public :: there_and_back, ranks, made, refused, gradients

contains

  !> bfloat16 is real32 without the last 16 bits, rounded to even.
  subroutine there_and_back()
    type(torch_tensor) :: wide, narrow
    real(real32), target :: x(1000), y(1000)
    real(real64) :: z(1000)
    integer(int32) :: bits(1000)

    call random_number(x)
    x = (x - 0.5) * 1.0e6
    bits = transfer(x, bits)
    bits = iand(bits + 32767 + iand(shiftr(bits, 16), 1), not(65535))
    y = transfer(bits, y)
    call torch_tensor_from_array(wide, x, torch_kCPU)
    call torch_tensor_empty(narrow, 1, [1000_int64], torch_kBFloat16, torch_kCPU)
    call torch_tensor_to(wide, narrow, lossy=.true.)
    x = narrow
    call check_close(x, y, 0.0, 'real32')
    call torch_tensor_to_array(narrow, z)
    call check_close(z, real(y, real64), 0.0_real64, 'real64')
    call check_equal(narrow%get_dtype(), torch_kBFloat16, 'dtype')
  end subroutine there_and_back

  subroutine ranks()
    type(torch_tensor) :: wide, narrow
    real(real32), target :: scalar, cube(2, 3, 4), got(2, 3, 4), number
    integer :: i, code
    integer, parameter :: codes(2) = [torch_kFloat16, torch_kBFloat16]

    scalar = 0.1
    cube = reshape([(real(i) / 8, i=1, 24)], shape(cube))
    do code = 1, 2
      call torch_tensor_from_array(wide, cube, torch_kCPU)
      call torch_tensor_empty(narrow, 3, [2_int64, 3_int64, 4_int64], codes(code), torch_kCPU)
      call torch_tensor_to(wide, narrow, lossy=.true.)
      got = narrow
      call check_close(got, cube, 0.0, 'rank 3')
      call torch_tensor_from_array(wide, scalar, torch_kCPU)
      call torch_tensor_empty(narrow, 0, [integer(int64) ::], codes(code), torch_kCPU)
      call torch_tensor_to(wide, narrow, lossy=.true.)
      number = narrow
      call check_close(number, 0.1, 4.0e-4, 'rank 0')
      call check_close(real(narrow%item(), real32), number, 0.0, 'item')
    end do
  end subroutine ranks

  subroutine made()
    type(torch_tensor) :: t
    real(real32) :: x(2)

    call torch_tensor_full(t, 1, [2_int64], 0.5, torch_kFloat16, torch_kCPU)
    x = t * t
    call check_close(x, 0.25, 0.0, 'arithmetic')
    call check_equal(t%get_dtype(), torch_kFloat16, 'dtype')
  end subroutine made

  subroutine refused()
    type(torch_tensor) :: wide, narrow
    type(torch_status) :: status
    real(real32), target :: x(2)
    integer(int16) :: n(2)

    x = [1.0, 2.0]
    n = -1
    call torch_tensor_from_array(wide, x, torch_kCPU)
    call torch_tensor_zeros(narrow, 1, [2_int64], torch_kFloat16, torch_kCPU)
    call torch_tensor_to(wide, narrow, status=status)
    call check_status(status, torch_dtype_mismatch, 'source_tensor has dtype float32, target_tensor float16')
    call torch_tensor_to_array(narrow, n, status)
    call check_status(status, torch_dtype_mismatch, 'the tensor has dtype float16, the array int16')
    call check(all(n == -1_int16), 'nothing written')
  end subroutine refused

  subroutine gradients()
    type(torch_tensor) :: w, narrow, g
    real(real32), target :: wa(2), ga(2)

    wa = [1.5, 2.0]
    call torch_tensor_from_array(w, wa, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(g, ga, torch_kCPU)
    call torch_tensor_empty(narrow, 1, [2_int64], torch_kBFloat16, torch_kCPU)
    call torch_tensor_to(w, narrow, lossy=.true.)
    call torch_tensor_backward(narrow * narrow)
    call torch_tensor_get_gradient(g, w)
    call check_close(ga, 2 * wa, 0.0, 'through the conversion')
  end subroutine gradients

end module reduced_cases

program test_reduced
  use reduced_cases
  use testing, only: add_case, run_cases
  implicit none

  call add_case('there_and_back', there_and_back)
  call add_case('ranks', ranks)
  call add_case('made', made)
  call add_case('refused', refused)
  call add_case('gradients', gradients)
  call run_cases()
end program test_reduced
