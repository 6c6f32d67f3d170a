! SPDX-License-Identifier: MIT
!> Tensors: constructors, queries, print, copies to other places, zero, delete.
module tensor_cases
  use, intrinsic :: iso_c_binding, only: c_associated
  use, intrinsic :: iso_fortran_env, only: int32, int64, real32, real64
  use child_process, only: run_child
  use ftorch
  use testing, only: check, check_close, check_equal
  implicit none
  private
  public :: filled, every_dtype, rank_0_and_7, requires_grad, rebuilt, print_values, print_child
  public :: to_dtype, to_attached, zero, delete, null_when_empty, to_array, zero_size, device_index

  integer(int64), parameter :: shape_23(2) = [2, 3]

contains

  subroutine filled()
    type(torch_tensor) :: tensor
    real(real64) :: values(2, 3)

    call torch_tensor_zeros(tensor, 2, shape_23, torch_kFloat64, torch_kCPU)
    values = 7
    call torch_tensor_to_array(tensor, values)
    call check_close(values, 0.0_real64, 0.0_real64, 'zeros')
    call torch_tensor_ones(tensor, 2, shape_23, torch_kFloat64, torch_kCPU)
    call torch_tensor_to_array(tensor, values)
    call check_close(values, 1.0_real64, 0.0_real64, 'ones')
    call torch_tensor_empty(tensor, 2, shape_23, torch_kFloat64, torch_kCPU)
    call check_equal(tensor%get_rank(), 2, 'rank of empty')
    call check_equal(tensor%get_shape(), shape_23, 'shape of empty')
    call check_equal(torch_tensor_get_shape(tensor), shape_23, 'shape, not type-bound')
    call check_equal(torch_tensor_get_rank(tensor), 2, 'rank, not type-bound')
    call check_equal(torch_tensor_get_dtype(tensor), torch_kFloat64, 'dtype, not type-bound')
    call check_equal(torch_tensor_get_stride(tensor), tensor%get_stride(), 'stride, not type-bound')
    call check_equal(torch_tensor_get_device_type(tensor), torch_kCPU, 'device, not type-bound')
    call check(.not. torch_tensor_requires_grad(tensor), 'requires_grad, not type-bound')
  end subroutine filled

  subroutine every_dtype()
    integer, parameter :: dtypes(8) = [torch_kUInt8, torch_kInt8, torch_kInt16, torch_kInt32, &
      torch_kInt64, torch_kFloat16, torch_kFloat32, torch_kFloat64]
    type(torch_tensor) :: tensor
    integer :: i

    do i = 1, size(dtypes)
      call torch_tensor_zeros(tensor, 2, shape_23, dtypes(i), torch_kCPU)
      call check_equal(tensor%get_dtype(), dtypes(i), 'zeros')
      call torch_tensor_ones(tensor, 2, shape_23, dtypes(i), torch_kCPU)
      call check_equal(tensor%get_dtype(), dtypes(i), 'ones')
      call torch_tensor_empty(tensor, 2, shape_23, dtypes(i), torch_kCPU)
      call check_equal(tensor%get_dtype(), dtypes(i), 'empty')
    end do
  end subroutine every_dtype

  subroutine rank_0_and_7()
    integer(int64), parameter :: none(0) = [integer(int64) ::], seven(7) = [1, 2, 1, 3, 1, 2, 2]
    type(torch_tensor) :: tensor
    real(real32) :: number, values(1, 2, 1, 3, 1, 2, 2)

    call torch_tensor_ones(tensor, 0, none, torch_kFloat32, torch_kCPU)
    call check_equal(tensor%get_rank(), 0, 'rank 0')
    call check_equal(tensor%get_shape(), none, 'shape of rank 0')
    number = tensor
    call check_close(number, 1.0_real32, 0.0_real32, 'value of rank 0')
    call torch_tensor_ones(tensor, 7, seven, torch_kFloat32, torch_kCPU)
    call check_equal(tensor%get_rank(), 7, 'rank 7')
    call check_equal(tensor%get_shape(), seven, 'shape of rank 7')
    values = tensor
    call check_close(values, 1.0_real32, 0.0_real32, 'values of rank 7')
  end subroutine rank_0_and_7

  subroutine requires_grad()
    type(torch_tensor) :: tensor
    real(real32), target :: x(3) = 1

    call torch_tensor_zeros(tensor, 2, shape_23, torch_kFloat32, torch_kCPU, requires_grad=.true.)
    call check(tensor%requires_grad(), 'zeros')
    call torch_tensor_ones(tensor, 2, shape_23, torch_kFloat32, torch_kCPU, requires_grad=.false.)
    call check(.not. tensor%requires_grad(), 'ones')
    call torch_tensor_empty(tensor, 2, shape_23, torch_kFloat64, torch_kCPU, 0, .true.)
    call check(tensor%requires_grad(), 'empty, positional')
    call torch_tensor_from_array(tensor, x, torch_kCPU, 0, .true.)
    call check(tensor%requires_grad(), 'from_array, positional')
    call torch_tensor_from_array(tensor, x, [1], torch_kCPU, requires_grad=.true.)
    call check(tensor%requires_grad(), 'from_array with layout')
  end subroutine requires_grad

  !> A constructor replaces what the tensor held, a failed one leaves it empty.
  subroutine rebuilt()
    type(torch_tensor) :: tensor
    type(torch_status) :: status
    integer(int64) :: live
    integer :: i

    live = torch_live_tensors()
    do i = 1, 3
      call torch_tensor_zeros(tensor, 2, shape_23, torch_kFloat32, torch_kCPU)
    end do
    call check_equal([torch_live_tensors()], [live + 1], 'live tensors')
    call torch_tensor_zeros(tensor, 1, shape_23, torch_kFloat32, torch_kCPU, status=status)
    call check(.not. status%ok(), 'ndims 1 with two extents')
    call check(.not. c_associated(tensor%p), 'empty after a failed constructor')
    call check_equal([torch_live_tensors()], [live], 'live tensors after a failed constructor')
  end subroutine rebuilt

  subroutine print_values()
    character(len=:), allocatable :: text
    integer :: exit_status

    call run_child('print_child', exit_status, text)
    call check_equal(exit_status, 0, 'exit status of the printing program')
    call check(index(text, 'CPUFloatType{2,3}') > 0, 'type and shape in: ' // text)
    call check(index(text, '1  3  5') > 0 .and. index(text, '2  4  6') > 0, 'rows in: ' // text)
    call check(index(text, 'CPULongType{2}') > 0, 'second tensor in: ' // text)
  end subroutine print_values

  subroutine print_child()
    real(real32), target :: x(2, 3) = reshape([1, 2, 3, 4, 5, 6], [2, 3])
    integer(int64), target :: n(2) = [10, 20]
    type(torch_tensor) :: tensor

    call torch_tensor_from_array(tensor, x, torch_kCPU)
    call torch_tensor_print(tensor)
    call torch_tensor_from_array(tensor, n, torch_kCPU)
    call tensor%print()
    call check(.true., 'printed')
  end subroutine print_child

  subroutine to_dtype()
    real(real32), target :: x(2, 3) = reshape([1, 2, 3, 4, 5, 6], [2, 3])
    type(torch_tensor) :: source, target
    real(real64) :: values(2, 3)

    call torch_tensor_from_array(source, x, torch_kCPU)
    call torch_tensor_zeros(target, 2, shape_23, torch_kFloat64, torch_kCPU)
    call torch_tensor_to(source, target)
    call check_equal(target%get_dtype(), torch_kFloat64, 'the target keeps its dtype')
    values = target
    call check_close(values, real(x, real64), 0.0_real64, 'values')
    x = 0
    values = target
    call check_close(values(2, 3), 6.0_real64, 0.0_real64, 'a copy')
  end subroutine to_dtype

  subroutine to_attached()
    real(real32), target :: x(2, 3) = reshape([1, 2, 3, 4, 5, 6], [2, 3])
    integer(int32), target :: n(2, 3) = 0
    type(torch_tensor) :: source, target

    call torch_tensor_from_array(source, x, torch_kCPU)
    call torch_tensor_from_array(target, n, torch_kCPU)
    call torch_tensor_to(source, target, non_blocking=.false., lossy=.true.)
    call check(all(n == int(x)), 'the array of the target follows')
    call check_equal(target%get_dtype(), torch_kInt32, 'dtype')
  end subroutine to_attached

  subroutine zero()
    real(real32), target :: x(2, 3) = 5
    type(torch_tensor) :: tensor, copy
    real(real32) :: values(2, 3)

    call torch_tensor_from_array(tensor, x, torch_kCPU)
    copy = tensor
    call torch_tensor_zero(tensor)
    call check_close(x, 0.0_real32, 0.0_real32, 'the array')
    values = copy
    call check_close(values, 5.0_real32, 0.0_real32, 'a copy made before')
    tensor = copy + 1
    call tensor%zero()
    call check_close(x, 0.0_real32, 0.0_real32, 'type-bound')
  end subroutine zero

  subroutine delete()
    type(torch_tensor) :: tensor, several(3)
    real(real32), target :: x(2) = 4
    integer(int64) :: live
    integer :: i

    live = torch_live_tensors()
    call torch_tensor_from_array(tensor, x, torch_kCPU)
    do i = 1, size(several)
      call torch_tensor_ones(several(i), 2, shape_23, torch_kFloat32, torch_kCPU)
    end do
    call check_equal([torch_live_tensors()], [live + 4], 'live tensors')
    call torch_delete(tensor)
    call check_close(x, 4.0_real32, 0.0_real32, 'the array stays')
    call torch_delete(several)
    call check_equal([torch_live_tensors()], [live], 'live tensors after delete')
    do i = 1, size(several)
      call check(.not. c_associated(several(i)%p), 'p after delete')
    end do
    call torch_tensor_delete(several)
    call torch_delete(tensor)
    call check_equal([torch_live_tensors()], [live], 'live tensors after a second delete')
  end subroutine delete

  subroutine null_when_empty()
    type(torch_tensor) :: tensor, other

    call check(.not. c_associated(tensor%p), 'declared')
    call torch_tensor_ones(tensor, 2, shape_23, torch_kFloat32, torch_kCPU)
    call check(c_associated(tensor%p), 'made')
    other = tensor
    call check(c_associated(other%p), 'assigned')
    call torch_tensor_sum(other, tensor)
    call check(c_associated(other%p), 'result')
    call torch_delete(tensor)
    call check(.not. c_associated(tensor%p), 'deleted')
    call check(c_associated(other%p), 'the copy lives on')
  end subroutine null_when_empty

  subroutine to_array()
    type(torch_tensor) :: tensor
    real(real32) :: values(2, 3), wide(4, 3), wrong(3, 2)
    integer(int64) :: other_kind(2, 3)
    type(torch_status) :: status

    call torch_tensor_ones(tensor, 2, shape_23, torch_kFloat32, torch_kCPU)
    call torch_tensor_to_array(tensor, values, status)
    call check(status%ok(), 'status')
    call check_close(values, 1.0_real32, 0.0_real32, 'values')
    wide = 0
    call torch_tensor_to_array(tensor, wide(1:3:2, :))
    call check_close(sum(wide), 6.0_real32, 0.0_real32, 'a section')
    call check_close(wide(2, :), 0.0_real32, 0.0_real32, 'beside the section')
    wrong = -1
    call torch_tensor_to_array(tensor, wrong, status)
    call check_equal(status%code, torch_shape_mismatch, 'shape')
    call check_close(wrong, -1.0_real32, 0.0_real32, 'nothing written')
    other_kind = -1
    call torch_tensor_to_array(tensor, other_kind, status)
    call check_equal(status%code, torch_dtype_mismatch, 'dtype')
    call check_equal([other_kind], spread(-1_int64, 1, 6), 'nothing written')
  end subroutine to_array

  subroutine zero_size()
    real(real32), target :: x(0, 3)
    real(real32) :: y(0, 3)
    type(torch_tensor) :: tensor, total

    call torch_tensor_from_array(tensor, x, torch_kCPU)
    call check_equal(tensor%get_shape(), [0_int64, 3_int64], 'shape')
    y = tensor
    call torch_tensor_sum(total, tensor)
    call check_equal(total%get_rank(), 0, 'rank of the sum')
    call torch_tensor_zeros(tensor, 1, [0_int64], torch_kFloat32, torch_kCPU)
    call check_equal(tensor%get_shape(), [0_int64], 'shape of zeros')
  end subroutine zero_size

  subroutine device_index()
    type(torch_tensor) :: tensor

    call torch_tensor_ones(tensor, 2, shape_23, torch_kFloat32, torch_kCPU)
    call check_equal(tensor%get_device_index(), -1, 'of the host')
    call check_equal(torch_tensor_get_device_index(tensor), -1, 'not type-bound')
    call torch_tensor_ones(tensor, 2, shape_23, torch_kFloat32, torch_kCPU, device_index=0)
    call check_equal(tensor%get_device_type(), torch_kCPU, 'index 0 of the host')
  end subroutine device_index

end module tensor_cases

program test_tensor
  use tensor_cases
  use testing, only: add_case, run_cases
  implicit none

  call add_case('filled', filled)
  call add_case('every_dtype', every_dtype)
  call add_case('rank_0_and_7', rank_0_and_7)
  call add_case('requires_grad', requires_grad)
  call add_case('rebuilt', rebuilt)
  call add_case('print', print_values)
  call add_case('print_child', print_child, 'child')
  call add_case('to_dtype', to_dtype)
  call add_case('to_attached', to_attached)
  call add_case('zero', zero)
  call add_case('delete', delete)
  call add_case('null_when_empty', null_when_empty)
  call add_case('to_array', to_array)
  call add_case('zero_size', zero_size)
  call add_case('device_index', device_index)
  call run_cases()
end program test_tensor
