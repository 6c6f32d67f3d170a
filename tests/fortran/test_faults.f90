! SPDX-License-Identifier: MIT
!> Wrong arguments of tensors: each a clear error that leaves everything as it was.
module faults_cases
  use, intrinsic :: iso_c_binding, only: c_associated, c_loc, c_null_ptr
  use, intrinsic :: iso_fortran_env, only: int32, int64, real32
  use child_process, only: run_child
  use ftorch
  use recorder, only: last_error, record_errors
  use testing, only: check, check_close, check_equal, check_status, skip
  implicit none
  private
  public :: device_not_there, layout, permute_dims, blob, ndims, unknown_dtype, negative_extent
  public :: integer_requires_grad, shapes_do_not_broadcast, assignment_to_array
  public :: result_of_other_shape
  public :: scope_end_without_begin, query_in_output, query_child

contains

  subroutine device_not_there()
    type(torch_tensor) :: tensor
    type(torch_status) :: status
    real(real32), target :: x(2)
    integer, parameter :: devices(3) = [torch_kCUDA, torch_kXPU, torch_kMPS]
    integer :: i

    call torch_tensor_ones(tensor, 1, [2_int64], torch_kFloat32, torch_kCUDA, status=status)
    if (status%ok()) call skip('this LibTorch and machine have a CUDA device')
    x = 1
    do i = 1, size(devices)
      call torch_tensor_ones(tensor, 1, [2_int64], torch_kFloat32, devices(i), status=status)
      call check_status(status, torch_device_unavailable, 'torch_tensor_ones')
      call check(index(status%message, 'cpu') > 0, 'what is there, in: ' // status%message)
      call check(.not. c_associated(tensor%p), 'empty')
      call torch_tensor_from_array(tensor, x, devices(i), status=status)
      call check_status(status, torch_device_unavailable, 'torch_tensor_from_array')
      call check(.not. c_associated(tensor%p), 'empty')
    end do
    call torch_tensor_ones(tensor, 1, [2_int64], torch_kFloat32, 77, status=status)
    call check_status(status, torch_invalid_argument, '77')
  end subroutine device_not_there

  subroutine layout()
    integer(int32), parameter :: wrong(2, 3) = reshape([1, 1, 0, 1, 1, 5], [2, 3])
    real(real32), target :: x(2, 3)
    type(torch_tensor) :: tensor
    type(torch_status) :: status
    integer :: i

    x = 1
    do i = 1, 3
      call torch_tensor_from_array(tensor, x, wrong(:, i), torch_kCPU, status=status)
      call check_status(status, torch_invalid_argument, 'permutation')
      call check(.not. c_associated(tensor%p), 'empty')
    end do
    call torch_tensor_from_array(tensor, x, [1], torch_kCPU, status=status)
    call check_status(status, torch_invalid_argument, 'layout')
    call torch_tensor_from_array(tensor, x, [1, 2, 3], torch_kCPU, status=status)
    call check_status(status, torch_invalid_argument, 'layout')
  end subroutine layout

  subroutine permute_dims()
    real(real32), target :: x(2, 3)
    type(torch_tensor) :: tensor
    type(torch_status) :: status

    x = 1
    call torch_tensor_from_array(tensor, x, torch_kCPU, permute_dims=[1, 1], status=status)
    call check_status(status, torch_invalid_argument, 'permute_dims')
    call torch_tensor_from_array(tensor, x, torch_kCPU, permute_dims=[0, 1], status=status)
    call check_status(status, torch_invalid_argument, 'permute_dims')
    call torch_tensor_from_array(tensor, x, torch_kCPU, permute_dims=[2], status=status)
    call check_status(status, torch_invalid_argument, 'permute_dims')
    call check(.not. c_associated(tensor%p), 'empty')
  end subroutine permute_dims

  subroutine blob()
    real(real32), target :: x(6)
    integer(int64), parameter :: extents(2) = [2, 3]
    type(torch_tensor) :: tensor
    type(torch_status) :: status
    integer(int32), parameter :: wrong(2, 3) = reshape([1, 1, 0, 1, 1, 5], [2, 3])
    integer :: i

    x = 1
    do i = 1, 3
      call torch_tensor_from_blob(tensor, c_loc(x), 2, extents, wrong(:, i), torch_kFloat32, &
        torch_kCPU, status=status)
      call check_status(status, torch_invalid_argument, 'permutation')
    end do
    call torch_tensor_from_blob(tensor, c_loc(x), 1, extents, [1, 2], torch_kFloat32, torch_kCPU, &
      status=status)
    call check_status(status, torch_invalid_argument, 'ndims')
    call torch_tensor_from_blob(tensor, c_loc(x), 2, extents, [1], torch_kFloat32, torch_kCPU, &
      status=status)
    call check_status(status, torch_invalid_argument, 'layout')
    call torch_tensor_from_blob(tensor, c_null_ptr, 2, extents, [1, 2], torch_kFloat32, &
      torch_kCPU, status=status)
    call check_status(status, torch_invalid_argument, 'torch_tensor_from_blob')
    call torch_tensor_from_blob(tensor, c_loc(x), 2, extents, [1, 2], 1000, torch_kCPU, &
      status=status)
    call check_status(status, torch_invalid_argument, '1000')
    call torch_tensor_from_blob(tensor, c_loc(x), 2, [-2_int64, 3_int64], [1, 2], torch_kFloat32, &
      torch_kCPU, status=status)
    call check_status(status, torch_invalid_argument, '-2')
    call check(.not. c_associated(tensor%p), 'empty')
  end subroutine blob

  subroutine ndims()
    integer(int64), parameter :: extents(2) = [2, 3]
    type(torch_tensor) :: tensor
    type(torch_status) :: status

    call torch_tensor_zeros(tensor, 1, extents, torch_kFloat32, torch_kCPU, status=status)
    call check_status(status, torch_invalid_argument, 'ndims')
    call torch_tensor_ones(tensor, 3, extents, torch_kFloat32, torch_kCPU, status=status)
    call check_status(status, torch_invalid_argument, '3')
    call torch_tensor_empty(tensor, -1, extents, torch_kFloat32, torch_kCPU, status=status)
    call check_status(status, torch_invalid_argument, '-1')
    call check(.not. c_associated(tensor%p), 'empty')
  end subroutine ndims

  subroutine unknown_dtype()
    integer, parameter :: unknown(4) = [-1, 8, 77, huge(1)]
    type(torch_tensor) :: tensor
    type(torch_status) :: status
    character(len=12) :: number
    integer :: i

    do i = 1, size(unknown)
      write (number, '(i0)') unknown(i)
      call torch_tensor_zeros(tensor, 1, [2_int64], unknown(i), torch_kCPU, status=status)
      call check_status(status, torch_invalid_argument, trim(number))
      call check(.not. c_associated(tensor%p), 'empty')
    end do
  end subroutine unknown_dtype

  subroutine negative_extent()
    type(torch_tensor) :: tensor
    type(torch_status) :: status

    call torch_tensor_ones(tensor, 2, [2_int64, -5_int64], torch_kFloat32, torch_kCPU, &
      status=status)
    call check_status(status, torch_invalid_argument, '-5')
    call torch_tensor_empty(tensor, 2, [huge(1_int64), huge(1_int64)], torch_kFloat32, torch_kCPU, &
      status=status)
    call check(.not. status%ok(), 'more elements than can be counted')
    call torch_tensor_empty(tensor, 1, [1000000000000000_int64], torch_kFloat64, torch_kCPU, &
      status=status)
    call check_equal(status%code, torch_out_of_memory, 'more elements than memory')
  end subroutine negative_extent

  subroutine integer_requires_grad()
    integer(int32), target :: n(2)
    type(torch_tensor) :: tensor
    type(torch_status) :: status

    n = 1
    call torch_tensor_zeros(tensor, 1, [2_int64], torch_kInt32, torch_kCPU, requires_grad=.true., &
      status=status)
    call check_status(status, torch_dtype_mismatch, 'requires_grad')
    call torch_tensor_from_array(tensor, n, torch_kCPU, requires_grad=.true., status=status)
    call check_status(status, torch_dtype_mismatch, 'requires_grad')
    call check(.not. c_associated(tensor%p), 'empty')
  end subroutine integer_requires_grad

  subroutine shapes_do_not_broadcast()
    type(torch_tensor) :: a, b, c
    type(torch_status) :: status

    call torch_tensor_ones(a, 2, [2_int64, 3_int64], torch_kFloat32, torch_kCPU)
    call torch_tensor_ones(b, 1, [2_int64], torch_kFloat32, torch_kCPU)
    call torch_tensor_mul(c, a, b, status)
    call check_status(status, torch_shape_mismatch, '[2, 3]')
    call check(index(status%message, '[2]') > 0, 'the other shape in: ' // status%message)
    call record_errors()
    c = a / b
    call check_status(last_error, torch_shape_mismatch, 'operator(/)')
    call check(.not. c_associated(c%p), 'empty')
  end subroutine shapes_do_not_broadcast

  subroutine assignment_to_array()
    real(real32), target :: x(2, 3)
    type(torch_tensor) :: a, b

    x = 5
    call torch_tensor_from_array(a, x, torch_kCPU)
    call torch_tensor_ones(b, 2, [3_int64, 2_int64], torch_kFloat32, torch_kCPU)
    call record_errors()
    a = b
    call check_status(last_error, torch_shape_mismatch, '[3, 2]')
    call check(index(last_error%message, '[2, 3]') > 0, 'shape wanted: ' // last_error%message)
    call torch_tensor_ones(b, 2, [2_int64, 3_int64], torch_kFloat64, torch_kCPU)
    call record_errors()
    a = b
    call check_status(last_error, torch_dtype_mismatch, 'float64')
    call check(index(last_error%message, 'float32') > 0, 'dtype wanted: ' // last_error%message)
    call check_close(x, 5.0, 0.0, 'nothing written')
  end subroutine assignment_to_array

  !> A tensor that was made by a constructor has promised its shape and dtype to results.
  subroutine result_of_other_shape()
    type(torch_tensor) :: a, c
    type(torch_status) :: status
    real(real32) :: values(3)

    call torch_tensor_ones(a, 1, [2_int64], torch_kFloat32, torch_kCPU)
    call torch_tensor_zeros(c, 1, [3_int64], torch_kFloat32, torch_kCPU)
    call torch_tensor_add(c, a, a, status)
    call check_status(status, torch_shape_mismatch, 'torch_tensor_add')
    values = c
    call check_close(values, 0.0, 0.0, 'nothing written')
    call torch_tensor_zeros(c, 1, [2_int64], torch_kInt64, torch_kCPU)
    call torch_tensor_add(c, a, a, status)
    call check_status(status, torch_dtype_mismatch, 'torch_tensor_add')
  end subroutine result_of_other_shape

  subroutine scope_end_without_begin()
    type(torch_status) :: status

    call torch_scope_end(status)
    call check_status(status, torch_invalid_argument, 'torch_scope_end')
  end subroutine scope_end_without_begin

  !> An error inside an output statement ends the program, too; the runtime holds a lock there.
  subroutine query_in_output()
    character(len=:), allocatable :: text
    integer :: exit_status
    integer(int64) :: start, finish, rate

    call system_clock(start, rate)
    call run_child('query_child', exit_status, text)
    call system_clock(finish)
    call check_equal(exit_status, 1, 'exit status')
    call check(index(text, 'torch_tensor_get_rank') > 0, 'message in: ' // text)
    call check((finish - start) / rate < 20, 'within seconds')
  end subroutine query_in_output

  subroutine query_child()
    type(torch_tensor) :: a

    print *, a%get_rank()
    call check(.true., 'still running')
  end subroutine query_child

end module faults_cases

program test_faults
  use faults_cases
  use testing, only: add_case, run_cases
  implicit none

  call add_case('device_not_there', device_not_there)
  call add_case('layout', layout)
  call add_case('permute_dims', permute_dims)
  call add_case('blob', blob)
  call add_case('ndims', ndims)
  call add_case('unknown_dtype', unknown_dtype)
  call add_case('negative_extent', negative_extent)
  call add_case('integer_requires_grad', integer_requires_grad)
  call add_case('shapes_do_not_broadcast', shapes_do_not_broadcast)
  call add_case('assignment_to_array', assignment_to_array)
  call add_case('result_of_other_shape', result_of_other_shape)
  call add_case('scope_end_without_begin', scope_end_without_begin)
  call add_case('query_in_output', query_in_output)
  call add_case('query_child', query_child, 'child')
  call run_cases()
end program test_faults
