! SPDX-License-Identifier: MIT
!> What functions of tensors refuse: dimensions, indices, shapes and dtypes that are wrong; nothing is written then.
module operand_faults_cases
  use, intrinsic :: iso_c_binding, only: c_associated
  use, intrinsic :: iso_fortran_env, only: int8, int64, real64
  use ftorch
  use ftorch_intrinsics, only: cos, norm2, sin, sum
  use testing, only: check, check_close, check_equal, check_status
  implicit none
  private
  public :: refusals, written_between, told_once, named_results
  integer :: failures = 0

contains

  subroutine refusals()
    real(real64), target :: x(2, 3), y(3, 2), z(0, 3)
    type(torch_tensor) :: a, b, c, none
    type(torch_status) :: status

    x = 1
    y = 1
    call torch_tensor_from_array(a, x, torch_kCPU)
    call torch_tensor_from_array(b, y, torch_kCPU)
    call torch_tensor_from_array(none, z, torch_kCPU)
    call torch_tensor_sum(c, a, 3, status=status)
    call check_status(status, torch_invalid_argument, 'dim is 3; dimensions count from 1, and here to 2')
    call torch_tensor_sum(c, a, -1, status=status)
    call check_status(status, torch_invalid_argument, 'dim is -1; dimensions count from 1')
    call torch_tensor_maxval(c, a, 0, status=status)
    call check_status(status, torch_invalid_argument, 'dim is 0')
    call torch_tensor_any(c, a, status=status)
    call check_status(status, torch_dtype_mismatch, 'float64; it must be logical')
    call torch_tensor_count(c, a, status=status)
    call check_status(status, torch_dtype_mismatch, 'it must be logical')
    call torch_tensor_merge(c, a, a, a, status)
    call check_status(status, torch_dtype_mismatch, 'mask has dtype float64; it must be logical')
    call torch_tensor_matmul(c, a, a, status)
    call check_status(status, torch_shape_mismatch, '2x3')
    call torch_tensor_select(c, a, 1, 3, status)
    call check_status(status, torch_invalid_argument, 'index is 3; indices count from 1, and here to 2')
    call torch_tensor_narrow(c, a, 2, 0, 2, status)
    call check_status(status, torch_invalid_argument, 'first:last is 0:2; the dimension is 1:3')
    call torch_tensor_narrow(c, a, 2, 3, 4, status)
    call check_status(status, torch_invalid_argument, 'first:last is 3:4; the dimension is 1:3')
    call torch_tensor_index_select(c, a, 1, [1, 0], status)
    call check_status(status, torch_invalid_argument, 'an index is 0')
    call torch_tensor_index_select(c, a, 1, [3_int64], status)
    call check_status(status, torch_invalid_argument, 'an index is 3')
    call torch_tensor_permute(c, a, [1, 1], status)
    call check_status(status, torch_invalid_argument, 'order is [1, 1]; it must be a permutation of 1 to 2')
    call torch_tensor_reshape(c, a, [4, 2], status)
    call check_status(status, torch_shape_mismatch, '[4, 2]')
    call torch_tensor_fortran_reshape(c, a, [-1, 2], status)
    call check_status(status, torch_invalid_argument, 'must not be negative')
    call torch_tensor_fortran_reshape(c, a, [4, 2], status)
    call check_status(status, torch_shape_mismatch, 'shape is [4, 2], of 8 elements; x has shape [2, 3], of 6')
    call torch_tensor_cat(c, [a, b], 1, status)
    call check_status(status, torch_shape_mismatch, &
                      'tensors(2) has shape [3, 2], tensors(1) [2, 3]; they may differ in dimension 1 alone')
    call torch_tensor_cat(c, [a, b], 3, status)
    call check_status(status, torch_invalid_argument, 'dim is 3; dimensions count from 1, and here to 2')
    call torch_tensor_maxval(c, none, 1, status=status)
    call check_status(status, torch_shape_mismatch, 'x has shape [0, 3]: no element is the greatest or least along dimension 1')
    call torch_tensor_minloc(c, none, status=status)
    call check_status(status, torch_shape_mismatch, 'x has shape [0, 3]: no element is the greatest or least')
    call torch_tensor_transpose(c, sum(a), status)
    call check_status(status, torch_shape_mismatch, 'a matrix has rank 2')
    call torch_tensor_leaky_relu(c, a, slope='0.1', status=status)
    call check_status(status, torch_invalid_argument, 'slope is no integer')
    call torch_tensor_einsum(c, 'ij,jk', [a], status)
    call check(.not. status%ok(), 'an equation for two tensors')
    call torch_tensor_cast(c, a, 77, status)
    call check(.not. status%ok(), 'a dtype that is none')
    call torch_tensor_add(c, a, torch_reshape(a, [6]), status)
    call check_status(status, torch_shape_mismatch, 'do not broadcast')
    call check(.not. c_associated(c%p), 'nothing was written')
  end subroutine refusals

  !> A failure of a procedure with several results is told once, and one of a number names it.
  subroutine told_once()
    integer(int8), target :: n(2) = [1_int8, 2_int8]
    real(real64), target :: x(3) = 1
    type(torch_tensor) :: a, u, s, vh
    type(torch_status) :: status

    call torch_tensor_from_array(a, n, torch_kCPU)
    call torch_tensor_clamp(u, a, maximum=300, status=status)
    call check_status(status, torch_dtype_mismatch, 'maximum: the number 300 does not fit the dtype int8')
    call torch_tensor_from_array(a, x, torch_kCPU)
    failures = 0
    call torch_set_error_handler(count_failures)
    call torch_svd(u, s, vh, a)
    call torch_set_error_handler()
    call check_equal(failures, 1, 'failures told')
    call torch_svd(u, s, vh, a, status)
    call check(.not. status%ok(), 'a vector has no singular values')
    call check(.not. c_associated(u%p), 'no result')
  end subroutine told_once

  !> Several results have names of their own.
  subroutine named_results()
    type(torch_tensor) :: a, q, r
    type(torch_status) :: status
    real(real64), target :: x(2, 2), room(3)

    x = reshape([1, 2, 3, 4], shape(x))
    room = 7
    call torch_tensor_from_array(a, x, torch_kCPU)
    call torch_tensor_from_array(r, room, torch_kCPU)
    call torch_qr(q, r, a, status=status)
    call check_status(status, torch_shape_mismatch, 'torch_qr: r: the value has shape [2, 2]')
    call check_close(room, 7.0_real64, 0.0_real64, 'nothing is written')
    call torch_delete(r)
    call torch_tensor_from_array(q, x, torch_kCPU)
    call torch_tensor_from_array(r, x, torch_kCPU)
    call torch_qr(q, r, a, status=status)
    call check_status(status, torch_invalid_argument, 'torch_qr: r: the tensor shares its memory with q')
  end subroutine named_results

  subroutine count_failures(status)
    type(torch_status), intent(in) :: status

    if (.not. status%ok()) failures = failures + 1
  end subroutine count_failures

  !> What a program writes through a pointer after an operation does not reach the operation's gradient.
  subroutine written_between()
    real(real64), target :: x(2)
    real(real64) :: got(2)
    real(real64), pointer :: p(:)
    type(torch_tensor) :: a, b, c, gradient
    integer :: form

    do form = 1, 4
      x = [0.5_real64, 0.25_real64]
      call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
      b = 2 * a
      call torch_tensor_to_pointer(b, p)
      if (form == 1) c = sin(b)
      if (form == 2) c = 3 / b
      if (form == 3) c = b**2
      if (form == 4) c = norm_of(b)
      p = 100
      call torch_tensor_sum(c, c)
      call torch_tensor_backward(c)
      call torch_tensor_get_gradient(gradient, a)
      got = gradient
      select case (form)
      case (1)
        call check_close(got, 2 * cos(2 * x), 1.0e-15_real64, 'sin')
      case (2)
        call check_close(got, -1.5_real64 / x**2, 1.0e-15_real64, 'a quotient')
      case (3)
        call check_close(got, 8 * x, 1.0e-15_real64, 'a square')
      case (4)
        call check_close(got, 2 * x / norm2(x), 1.0e-15_real64, 'a norm')
      end select
    end do
  end subroutine written_between

  function norm_of(x) result(y)
    type(torch_tensor), intent(in) :: x
    type(torch_tensor) :: y

    y = norm2(x)
  end function norm_of

end module operand_faults_cases

program test_operand_faults
  use operand_faults_cases
  use testing, only: add_case, run_cases
  implicit none

  call add_case('refusals', refusals)
  call add_case('written_between', written_between)
  call add_case('told_once', told_once)
  call add_case('named_results', named_results)
  call run_cases()
end program test_operand_faults
