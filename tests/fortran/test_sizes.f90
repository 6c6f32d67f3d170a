! SPDX-License-Identifier: MIT
!> Arrays with more elements or bytes than 32 bits count. Almost all of their memory is virtual: few pages are touched.
module sizes_cases
  use, intrinsic :: iso_c_binding, only: c_loc
  use, intrinsic :: iso_fortran_env, only: int8, int64, real64
  use ftorch
  use testing, only: check, check_close, check_equal, check_status, skip
  implicit none
  private
  public :: strides, long_vector, sections, long_dimension, copied_to_section, layout, blob, complex_numbers

  real(real64), parameter :: exact = 0
  integer(int64), parameter :: long = 3000000000_int64

contains

  !> Strides of several gigabytes in bytes.
  subroutine strides()
    integer(int64), parameter :: n = 23200
    real(real64), allocatable, target :: x(:, :, :)
    type(torch_tensor) :: tensor, corners
    real(real64) :: values(2, 2, 2)

    call allocate_doubles(x, n)
    call torch_tensor_from_array(tensor, x, torch_kCPU)
    call check_equal(tensor%get_shape(), [n, n, 2_int64], 'shape')
    call check_equal(tensor%get_stride(), [1_int64, n, n * n], 'strides')
    call torch_tensor_from_array(tensor, x, torch_kCPU, permute_dims=[3, 1, 2])
    call check_equal(tensor%get_shape(), [2_int64, n, n], 'permuted shape')
    call check_equal(tensor%get_stride(), [n * n, 1_int64, n], 'permuted strides')
    x(n, n, 2) = 1
    call torch_tensor_from_array(corners, x(::n - 1, ::n - 1, :), torch_kCPU)
    call check_equal(corners%get_stride(), [n - 1, (n - 1) * n, n * n], 'strides of a section')
    values = corners
    call check_close(sum(values) + values(2, 2, 2), 2.0_real64, exact, 'the last element')
    corners = corners + 2
    call check_close(x(1, n, 2), 2.0_real64, exact, 'written through the section')
    call check_close(x(n, n, 2), 3.0_real64, exact, 'the last element, written through the section')
    call check_close(x(2, n, 2) + x(1, n - 1, 2), 0.0_real64, exact, 'elements beside')
    call torch_delete(tensor)
    call torch_delete(corners)
  end subroutine strides

  !> More elements than the largest default integer.
  subroutine long_vector()
    integer(int8), allocatable, target :: x(:)
    type(torch_tensor) :: tensor

    call allocate_bytes(x)
    call torch_tensor_from_array(tensor, x, torch_kCPU)
    call check_equal(tensor%get_shape(), [long], 'shape')
    call check_equal(tensor%get_stride(), [1_int64], 'stride')
    call torch_delete(tensor)
  end subroutine long_vector

  subroutine sections()
    integer(int64), parameter :: step = 999999999
    integer(int8), allocatable, target :: x(:)
    integer(int8), pointer :: far(:)
    type(torch_tensor) :: tensor
    integer(int8) :: values(4)

    call allocate_bytes(x)
    x(::step) = [1_int8, 2_int8, 3_int8, 4_int8]
    call torch_tensor_from_array(tensor, x(::step), torch_kCPU)
    call check_equal(tensor%get_shape(), [4_int64], 'shape')
    call check_equal(tensor%get_stride(), [step], 'stride')
    values = tensor
    call check(all(values == [1_int8, 2_int8, 3_int8, 4_int8]), 'values of a section')
    tensor = tensor * 2
    call check(all(x(::step) == 2 * values), 'written through the section')
    far => x(long - 1:)
    far(1) = 7
    call torch_tensor_from_array(tensor, far, torch_kCPU)
    values(:2) = tensor
    call check(all(values(:2) == [7_int8, 0_int8]), 'elements beyond the largest default integer')
    call torch_delete(tensor)
  end subroutine sections

  !> An extent beyond the largest default integer beside another one.
  subroutine long_dimension()
    integer(int8), allocatable, target :: x(:)
    integer(int8), pointer :: grid(:, :)
    type(torch_tensor) :: tensor
    integer(int8) :: values(2, 2)

    call allocate_bytes(x)
    grid(0:1, 1:long / 2) => x
    grid(:, long / 2) = [5_int8, 6_int8]
    call torch_tensor_from_array(tensor, grid, torch_kCPU)
    call check_equal(tensor%get_shape(), [2_int64, long / 2], 'shape')
    call check_equal(tensor%get_stride(), [1_int64, 2_int64], 'strides')
    call torch_tensor_from_array(tensor, grid(:, 1::long / 2 - 1), torch_kCPU)
    values = tensor
    call check(all(values == reshape([0_int8, 0_int8, 5_int8, 6_int8], [2, 2])), 'first and last column')
    call torch_delete(tensor)
  end subroutine long_dimension

  !> torch_tensor_to_array and assignment to a section with strides of gigabytes.
  subroutine copied_to_section()
    integer(int64), parameter :: n = 23200
    real(real64), allocatable, target :: x(:, :, :)
    type(torch_tensor) :: tensor

    call allocate_doubles(x, n)
    call torch_tensor_ones(tensor, 3, [2_int64, 1_int64, 2_int64], torch_kFloat64, torch_kCPU)
    call torch_tensor_to_array(tensor, x(::n - 1, n:, :))
    call check_close(x(::n - 1, n, :), 1.0_real64, exact, 'copied to a section')
    tensor = tensor + 1
    call torch_tensor_to_array(tensor, x(n:1:1 - n, n:, 2:1:-1))
    call check_close(x(::n - 1, n, :), 2.0_real64, exact, 'copied backwards')
    x(::n - 1, 1:1, :) = 0
    call assign(x(::n - 1, 1:1, :), tensor + 1)
    call check_close(x(::n - 1, 1, :), 3.0_real64, exact, 'assigned to a section')
    call check_close(x(2, n, :), 0.0_real64, exact, 'elements beside')

  contains

    subroutine assign(section, value)
      real(real64), intent(inout), target :: section(:, :, :)
      type(torch_tensor), intent(in) :: value

      section = value
    end subroutine assign
  end subroutine copied_to_section

  subroutine layout()
    integer(int64), parameter :: n = 23200
    real(real64), allocatable, target :: x(:, :, :)
    type(torch_tensor) :: tensor
    type(torch_status) :: status

    call allocate_doubles(x, n)
    call torch_tensor_from_array(tensor, x, [3, 2, 1], torch_kCPU)
    call check_equal(tensor%get_stride(), [2 * n, 2_int64, 1_int64], 'row-major')
    call torch_tensor_from_array(tensor, x(:n - 1, :, :), [3, 2, 1], torch_kCPU, status=status)
    call check_status(status, torch_invalid_argument, 'contiguous')
    call torch_delete(tensor)
  end subroutine layout

  subroutine blob()
    integer(int8), allocatable, target :: x(:)
    type(torch_tensor) :: tensor
    type(torch_status) :: status

    call allocate_bytes(x)
    call torch_tensor_from_blob(tensor, c_loc(x), 2, [2_int64, long / 2], [1, 2], torch_kInt8, torch_kCPU)
    call check_equal(tensor%get_shape(), [2_int64, long / 2], 'shape')
    call check_equal(tensor%get_stride(), [1_int64, 2_int64], 'strides')
    call torch_tensor_from_blob(tensor, c_loc(x), 2, [2_int64, long / 2], [2, 1], torch_kInt8, torch_kCPU)
    call check_equal(tensor%get_stride(), [long / 2, 1_int64], 'row-major')
    call torch_tensor_from_blob(tensor, c_loc(x), 3, [long, long, long], [1, 2, 3], torch_kInt8, torch_kCPU, &
      status=status)
    call check_status(status, torch_invalid_argument, 'more elements than can be counted')
  end subroutine blob

  !> The components of a complex array, whose strides compilers count in different units.
  subroutine complex_numbers()
    integer(int64), parameter :: n = 16400
    complex(real64), allocatable, target :: z(:, :)
    real(real64), pointer :: imaginary(:, :)
    type(torch_tensor) :: tensor
    type(torch_status) :: status
    real(real64) :: values(2, 2)
    integer :: code

    allocate (z(n, n), stat=code)
    if (code /= 0) call skip('4.3 GB of virtual memory cannot be had')
    z(n, n) = (1.0_real64, 2.0_real64)
    imaginary => z%im
    call torch_tensor_from_array(tensor, imaginary, torch_kCPU, status=status)
    if (status%code == torch_dtype_mismatch) call skip('this compiler gives real parts the size of complex numbers')
    call check(status%ok(), 'wrapped')
    call check_equal(tensor%get_stride(), [2_int64, 2 * n], 'strides')
    imaginary => z(::n - 1, ::n - 1)%im
    call torch_tensor_from_array(tensor, imaginary, torch_kCPU)
    call check_equal(tensor%get_stride(), [2 * (n - 1), 2 * n * (n - 1)], 'strides of a section')
    values = tensor
    call check_close(values, reshape([0.0_real64, 0.0_real64, 0.0_real64, 2.0_real64], [2, 2]), exact, 'values')
    call torch_delete(tensor)
  end subroutine complex_numbers

  !> 8.6 GB.
  subroutine allocate_doubles(x, n)
    real(real64), allocatable, intent(out) :: x(:, :, :)
    integer(int64), intent(in) :: n
    integer :: code

    allocate (x(n, n, 2), stat=code)
    if (code /= 0) call skip('8.6 GB of virtual memory cannot be had')
  end subroutine allocate_doubles

  !> 3 GB.
  subroutine allocate_bytes(x)
    integer(int8), allocatable, intent(out) :: x(:)
    integer :: code

    allocate (x(long), stat=code)
    if (code /= 0) call skip('3 GB of virtual memory cannot be had')
  end subroutine allocate_bytes

end module sizes_cases

program test_sizes
  use sizes_cases
  use testing, only: add_case, run_cases
  implicit none

  call add_case('strides', strides)
  call add_case('long_vector', long_vector)
  call add_case('sections', sections)
  call add_case('long_dimension', long_dimension)
  call add_case('copied_to_section', copied_to_section)
  call add_case('layout', layout)
  call add_case('blob', blob)
  call add_case('complex_numbers', complex_numbers)
  call run_cases()
end program test_sizes
