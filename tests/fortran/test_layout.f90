! SPDX-License-Identifier: MIT
!> The order of dimensions: layout, permute_dims, from_blob.
module layout_cases
  use, intrinsic :: iso_c_binding, only: c_loc
  use, intrinsic :: iso_fortran_env, only: int64, real32
  use ftorch
  use testing, only: check, check_close, check_equal, check_status
  implicit none
  private
  public :: layout, layout_of_three, layout_of_section, permute_dims, permute_section, blob
  public :: blob_layout

  real(real32), parameter :: numbers(6) = [1, 2, 3, 4, 5, 6]

contains

  !> The memory 1..6 read row by row.
  subroutine layout()
    real(real32), target :: x(2, 3)
    type(torch_tensor) :: tensor
    real(real32) :: values(2, 3)

    x = reshape(numbers, [2, 3])
    call torch_tensor_from_array(tensor, x, [1, 2], torch_kCPU)
    values = tensor
    call check_close(values, x, 0.0_real32, 'identity')
    call torch_tensor_from_array(tensor, x, [2, 1], torch_kCPU)
    call check_equal(tensor%get_shape(), [2_int64, 3_int64], 'shape')
    call check_equal(tensor%get_stride(), [3_int64, 1_int64], 'stride')
    values = tensor
    call check_close(values, reshape(numbers, [2, 3], order=[2, 1]), 0.0_real32, 'values')
    tensor = tensor * 2
    call check_close(x, reshape(2 * numbers, [2, 3]), 0.0_real32, 'written')
  end subroutine layout

  subroutine layout_of_three()
    real(real32), target :: x(2, 3, 4)
    type(torch_tensor) :: tensor
    real(real32) :: values(2, 3, 4)
    integer :: i

    x = reshape([(real(i), i=1, 24)], [2, 3, 4])
    call torch_tensor_from_array(tensor, x, [3, 1, 2], torch_kCPU)
    call check_equal(tensor%get_shape(), [2_int64, 3_int64, 4_int64], 'shape')
    call check_equal(tensor%get_stride(), [4_int64, 8_int64, 1_int64], 'stride')
    values = tensor
    call check_close(values, reshape([(real(i), i=1, 24)], [2, 3, 4], order=[3, 1, 2]), &
      0.0_real32, 'values')
  end subroutine layout_of_three

  subroutine layout_of_section()
    real(real32), target :: x(4, 3)
    type(torch_tensor) :: tensor
    type(torch_status) :: status

    x = 0
    call torch_tensor_from_array(tensor, x(::2, :), [1, 2], torch_kCPU, status=status)
    call check(status%ok(), 'identity takes any section')
    call torch_tensor_from_array(tensor, x(::2, :), [2, 1], torch_kCPU, status=status)
    call check_status(status, torch_invalid_argument, 'contiguous')
  end subroutine layout_of_section

  subroutine permute_dims()
    real(real32), target :: x(2, 3), y(2, 3, 4)
    type(torch_tensor) :: tensor
    real(real32) :: values(3, 2), permuted(4, 2, 3)
    integer :: i

    x = reshape(numbers, [2, 3])
    call torch_tensor_from_array(tensor, x, torch_kCPU, permute_dims=[2, 1])
    call check_equal(tensor%get_shape(), [3_int64, 2_int64], 'shape')
    call check_equal(tensor%get_stride(), [2_int64, 1_int64], 'stride')
    values = tensor
    call check_close(values, transpose(x), 0.0_real32, 'values')
    tensor = tensor + 1
    call check_close(x, reshape(numbers + 1, [2, 3]), 0.0_real32, 'written')
    y = reshape([(real(i), i=1, 24)], [2, 3, 4])
    call torch_tensor_from_array(tensor, y, torch_kCPU, permute_dims=[3, 1, 2])
    call check_equal(tensor%get_shape(), [4_int64, 2_int64, 3_int64], 'shape of three')
    permuted = tensor
    do i = 1, 4
      call check_close(permuted(i, :, :), y(:, :, i), 0.0_real32, 'values of three')
    end do
  end subroutine permute_dims

  subroutine permute_section()
    real(real32), target :: x(4, 3)
    type(torch_tensor) :: tensor
    real(real32) :: values(3, 2)
    integer :: i

    x = reshape([(real(i), i=1, 12)], [4, 3])
    call torch_tensor_from_array(tensor, x(::2, :), torch_kCPU, permute_dims=[2, 1])
    call check_equal(tensor%get_stride(), [4_int64, 2_int64], 'stride')
    values = tensor
    call check_close(values, transpose(x(::2, :)), 0.0_real32, 'values')
  end subroutine permute_section

  subroutine blob()
    real(real32), target :: x(6)
    type(torch_tensor) :: tensor
    real(real32) :: values(2, 3)

    x = numbers
    call torch_tensor_from_blob(tensor, c_loc(x), 2, [2_int64, 3_int64], [1, 2], torch_kFloat32, &
      torch_kCPU)
    values = tensor
    call check_close(values, reshape(numbers, [2, 3]), 0.0_real32, 'values')
    call check_equal(tensor%get_stride(), [1_int64, 2_int64], 'stride')
    tensor = tensor * tensor
    call check_close(x, numbers**2, 0.0_real32, 'the memory follows')
    x = 1
    values = tensor
    call check_close(values, 1.0_real32, 0.0_real32, 'the tensor follows')
  end subroutine blob

  subroutine blob_layout()
    integer(int64), target :: x(6)
    type(torch_tensor) :: tensor
    integer(int64) :: values(2, 3)

    x = [1, 2, 3, 4, 5, 6]
    call torch_tensor_from_blob(tensor, c_loc(x), 2, [2_int64, 3_int64], [2, 1], torch_kInt64, &
      torch_kCPU, 0, .false.)
    call check_equal(tensor%get_stride(), [3_int64, 1_int64], 'stride')
    values = tensor
    call check_equal([values], [1_int64, 4_int64, 2_int64, 5_int64, 3_int64, 6_int64], 'values')
  end subroutine blob_layout

end module layout_cases

program test_layout
  use layout_cases
  use testing, only: add_case, run_cases
  implicit none

  call add_case('layout', layout)
  call add_case('layout_of_three', layout_of_three)
  call add_case('layout_of_section', layout_of_section)
  call add_case('permute_dims', permute_dims)
  call add_case('permute_section', permute_section)
  call add_case('blob', blob)
  call add_case('blob_layout', blob_layout)
  call run_cases()
end program test_layout
