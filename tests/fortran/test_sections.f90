! SPDX-License-Identifier: MIT
!> Sections of arrays, wrapped in place: strides, components, pointers.
module sections_cases
  use, intrinsic :: iso_c_binding, only: c_associated
  use, intrinsic :: iso_fortran_env, only: int32, int64, real32, real64
  use ftorch
  use testing, only: check, check_close, check_equal, check_status, skip
  implicit none
  private
  public :: row, strided, rows, block_of_rank_7, derived_type, grid_of_types, complex_part
  public :: component, pointer_section, assumed_shape, lower_bounds, written_section
  public :: negative_stride, unassociated, no_elements

  real(real32), parameter :: numbers(6) = [1, 2, 3, 4, 5, 6]

contains

  subroutine row()
    real(real32), target :: x(2, 3)
    type(torch_tensor) :: tensor

    x = reshape(numbers, [2, 3])
    call torch_tensor_from_array(tensor, x(1, :), torch_kCPU)
    call check_equal(tensor%get_shape(), [3_int64], 'shape')
    call check_equal(tensor%get_stride(), [2_int64], 'stride')
    call check_values_1(tensor, x(1, :))
    x(1, 2) = -1
    call check_values_1(tensor, x(1, :))
  end subroutine row

  !> An extent of 0 is one that is known.
  subroutine no_elements()
    real(real32), target :: x(8, 0), y(8, 5), z(0, 3)
    type(torch_tensor) :: tensor

    call torch_tensor_from_array(tensor, x, torch_kCPU)
    call check_equal(tensor%get_shape(), [8_int64, 0_int64], 'no columns')
    call torch_tensor_to_array(tensor, x)
    x = tensor
    call torch_tensor_from_array(tensor, y(2:3, 1:0), torch_kCPU)
    call check_equal(tensor%get_shape(), [2_int64, 0_int64], 'no columns of a section')
    call torch_tensor_from_array(tensor, z, torch_kCPU)
    call check_equal(tensor%get_shape(), [0_int64, 3_int64], 'no rows')
  end subroutine no_elements

  subroutine strided()
    real(real64), target :: m(3, 5)
    type(torch_tensor) :: tensor
    real(real64) :: values(3)
    integer :: i

    m = reshape([(real(i, real64), i=1, 15)], [3, 5])
    call torch_tensor_from_array(tensor, m(2, 1:5:2), torch_kCPU)
    call check_equal(tensor%get_shape(), [3_int64], 'shape')
    call check_equal(tensor%get_stride(), [6_int64], 'stride')
    values = tensor
    call check_close(values, [2.0_real64, 8.0_real64, 14.0_real64], 0.0_real64, 'values')
    tensor = tensor * 10
    call check_close(m(2, :), [20.0_real64, 5.0_real64, 80.0_real64, 11.0_real64, 140.0_real64], &
      0.0_real64, 'written through the section only')
    call check_close(sum(m(1, :)) + sum(m(3, :)), 80.0_real64, 0.0_real64, 'other rows')
  end subroutine strided

  subroutine rows()
    real(real32), target :: x(4, 3)
    type(torch_tensor) :: tensor
    real(real32) :: values(2, 3), square(2, 2)
    integer :: i

    x = reshape([(real(i), i=1, 12)], [4, 3])
    call torch_tensor_from_array(tensor, x(::2, :), torch_kCPU)
    call check_equal(tensor%get_shape(), [2_int64, 3_int64], 'shape')
    call check_equal(tensor%get_stride(), [2_int64, 4_int64], 'stride')
    values = tensor
    call check_close(values, x(::2, :), 0.0_real32, 'values')
    call torch_tensor_from_array(tensor, x(2:3, 2:3), torch_kCPU)
    call check_equal(tensor%get_stride(), [1_int64, 4_int64], 'stride of a block')
    square = tensor
    call check_close(square, x(2:3, 2:3), 0.0_real32, 'values of a block')
  end subroutine rows

  subroutine block_of_rank_7()
    real(real32), target :: x(3, 2, 2, 2, 2, 2, 4)
    real(real32) :: values(2, 2, 2, 1, 2, 2, 2)
    type(torch_tensor) :: tensor
    integer :: i

    x = reshape([(real(i), i=1, size(x))], shape(x))
    call torch_tensor_from_array(tensor, x(1:3:2, :, :, 2:2, :, :, 2:4:2), torch_kCPU)
    call check_equal(tensor%get_shape(), shape(values, int64), 'shape')
    values = tensor
    call check_close(values, x(1:3:2, :, :, 2:2, :, :, 2:4:2), 0.0_real32, 'values')
  end subroutine block_of_rank_7

  subroutine derived_type()
    type :: point
      real(real64) :: x = 0, y = 0
      integer(int32) :: label = 0, spare = 0
    end type point
    type(point), target :: points(4)
    real(real64), pointer :: y(:)
    integer(int32), pointer :: label(:)
    type(torch_tensor) :: tensor, labels
    real(real64) :: values(4)
    integer(int32) :: label_values(2)
    integer :: i

    points%y = [(0.5_real64 * i, i=1, 4)]
    y => points%y
    call torch_tensor_from_array(tensor, y, torch_kCPU)
    call check_equal(tensor%get_stride(), [3_int64], 'stride')
    values = tensor
    call check_close(values, points%y, 0.0_real64, 'values')
    tensor = -tensor
    call check_close(points%y, -values, 0.0_real64, 'written')
    call check_close(points%x, 0.0_real64, 0.0_real64, 'the component beside')
    label => points(2:3)%label
    call torch_tensor_from_array(labels, label, torch_kCPU)
    points%label = [10, 20, 30, 40]
    label_values = labels
    call check(all(label_values == [20, 30]), 'labels')
  end subroutine derived_type

  !> Strides of two dimensions, and copying out to a component.
  subroutine grid_of_types()
    type :: point
      real(real64) :: x = 0, y = 0, z = 0
    end type point
    type(point), target :: points(2, 3)
    real(real64), pointer :: y(:, :)
    real(real64) :: values(2, 2)
    type(torch_tensor) :: tensor, number

    points%y = reshape([1, 2, 3, 4, 5, 6], [2, 3])
    y => points(:, ::2)%y
    call torch_tensor_from_array(tensor, y, torch_kCPU)
    call check_equal(tensor%get_stride(), [3_int64, 12_int64], 'stride')
    values = tensor
    call check_close(values, reshape([1.0_real64, 2.0_real64, 5.0_real64, 6.0_real64], [2, 2]), 0.0_real64, 'values')
    call torch_tensor_zeros(number, 2, [2_int64, 2_int64], torch_kFloat64, torch_kCPU)
    call torch_tensor_to_array(number, y)
    call check_close(points%y, reshape([0.0_real64, 0.0_real64, 3.0_real64, 4.0_real64, 0.0_real64, 0.0_real64], [2, 3]), &
      0.0_real64, 'copied to a component')
    number = number + 7
    call torch_tensor_to_array(number, points(:, 2:)%z)
    call check_close(points%z, reshape([0.0_real64, 0.0_real64, 7.0_real64, 7.0_real64, 7.0_real64, 7.0_real64], [2, 3]), &
      0.0_real64, 'copied to a section of a component')
    call check_close(points%x, 0.0_real64, 0.0_real64, 'the component beside')
  end subroutine grid_of_types

  subroutine complex_part()
    complex(real64), target :: z(3)
    real(real64), pointer :: imaginary(:)
    type(torch_tensor) :: tensor
    real(real64) :: values(3)

    z = [(1.0_real64, -1.0_real64), (2.0_real64, -2.0_real64), (3.0_real64, -3.0_real64)]
    imaginary => z%im
    call torch_tensor_from_array(tensor, imaginary, torch_kCPU)
    call check_equal(tensor%get_stride(), [2_int64], 'stride')
    values = tensor
    call check_close(values, aimag(z), 0.0_real64, 'values')
    tensor = tensor + 1
    call check_close(real(z), [1.0_real64, 2.0_real64, 3.0_real64], 0.0_real64, 'the real part')
    call check_close(aimag(z), values + 1, 0.0_real64, 'written')
  end subroutine complex_part

  !> A component section without a pointer of its own, where the compiler does not lose the component's place.
  subroutine component()
    complex(real64), target :: z(3)
    type(torch_tensor) :: tensor
    real(real64) :: values(3)

    z = [(1.0_real64, -1.0_real64), (2.0_real64, -2.0_real64), (3.0_real64, -3.0_real64)]
    if (.not. associated_with_imaginary(z%im)) &
      call skip('this compiler loses where a component stands when it makes the pointer of a dummy')
    call torch_tensor_from_array(tensor, z%im, torch_kCPU)
    values = tensor
    call check_close(values, aimag(z), 0.0_real64, 'values')

  contains

    logical function associated_with_imaginary(part)
      real(real64), pointer, intent(in) :: part(:)
      real(real64), pointer :: imaginary(:)

      imaginary => z%im
      associated_with_imaginary = associated(part, imaginary)
    end function associated_with_imaginary
  end subroutine component

  subroutine pointer_section()
    real(real32), pointer :: whole(:, :), section(:)
    type(torch_tensor) :: tensor

    allocate (whole(2, 3))
    whole = reshape(numbers, [2, 3])
    section => whole(2, 1:3:2)
    call torch_tensor_from_array(tensor, section, torch_kCPU)
    call check_equal(tensor%get_stride(), [4_int64], 'stride')
    call check_values_1(tensor, [2.0, 6.0])
    call torch_delete(tensor)
    deallocate (whole)
  end subroutine pointer_section

  subroutine assumed_shape()
    real(real32), target :: x(4, 3)

    x = 1
    call wrap(x)
    call check_close(x, 3.0_real32, 0.0_real32, 'whole array')
    x = 1
    call wrap(x(::2, :))
    call check_close(x(::2, :), 3.0_real32, 0.0_real32, 'section')
    call check_close(x(2::2, :), 1.0_real32, 0.0_real32, 'beside the section')

  contains

    subroutine wrap(dummy)
      real(real32), target, intent(inout) :: dummy(:, :)
      type(torch_tensor) :: tensor

      call torch_tensor_from_array(tensor, dummy, torch_kCPU)
      tensor = tensor + 2
    end subroutine wrap
  end subroutine assumed_shape

  subroutine lower_bounds()
    real(real32), allocatable, target :: x(:, :)
    type(torch_tensor) :: tensor

    allocate (x(-1:0, 0:2))
    x = reshape(numbers, [2, 3])
    call torch_tensor_from_array(tensor, x, torch_kCPU)
    call check_equal(tensor%get_shape(), [2_int64, 3_int64], 'shape')
    call torch_tensor_from_array(tensor, x(0, :), torch_kCPU)
    call check_values_1(tensor, [2.0, 4.0, 6.0])
  end subroutine lower_bounds

  subroutine written_section()
    real(real32), target :: x(3, 4), total(1, 2)
    type(torch_tensor) :: column, row, result

    x = 1
    x(:, 2) = 5
    call torch_tensor_from_array(column, x(:, 1), torch_kCPU)
    call torch_tensor_from_array(row, x(:, 2), torch_kCPU)
    column = column + row
    call check_close(x(:, 1), 6.0_real32, 0.0_real32, 'the column')
    call check_close(x(:, 3), 1.0_real32, 0.0_real32, 'another column')
    call torch_tensor_from_array(result, total(:, 2:2), torch_kCPU)
    total = 0
    call torch_tensor_sum(result, column)
    call check_close(total(1, :), [0.0_real32, 18.0_real32], 0.0_real32, 'a sum into one element')
  end subroutine written_section

  subroutine negative_stride()
    real(real32), target :: x(4)
    type(torch_tensor) :: tensor
    type(torch_status) :: status

    x = 1
    call torch_tensor_from_array(tensor, x(4:1:-1), torch_kCPU, status=status)
    call check_status(status, torch_invalid_argument, 'backwards')
    call check(.not. c_associated(tensor%p), 'empty')
  end subroutine negative_stride

  subroutine unassociated()
    real(real32), pointer :: x(:)
    real(real32), allocatable, target :: none(:)
    type(torch_tensor) :: tensor
    type(torch_status) :: status

    nullify (x)
    call torch_tensor_from_array(tensor, x, torch_kCPU, status=status)
    call check_status(status, torch_invalid_argument, 'data_in is not allocated, or not associated')
    call check(.not. c_associated(tensor%p), 'empty')
    call torch_tensor_from_array(tensor, none, torch_kCPU, status=status)
    call check_status(status, torch_invalid_argument, 'data_in is not allocated')
    call check(.not. c_associated(tensor%p), 'still empty')
    call torch_tensor_ones(tensor, 1, [3_int64], torch_kFloat32, torch_kCPU)
    call torch_tensor_to_array(tensor, none, status=status)
    call check_status(status, torch_invalid_argument, 'array is not allocated, or not associated')
  end subroutine unassociated

  subroutine check_values_1(tensor, expected)
    type(torch_tensor), intent(in) :: tensor
    real(real32), intent(in) :: expected(:)
    real(real32) :: values(size(expected))

    call torch_tensor_to_array(tensor, values)
    call check_close(values, expected, 0.0_real32, 'values')
  end subroutine check_values_1

end module sections_cases

program test_sections
  use sections_cases
  use testing, only: add_case, run_cases
  implicit none

  call add_case('row', row)
  call add_case('strided', strided)
  call add_case('rows', rows)
  call add_case('block_of_rank_7', block_of_rank_7)
  call add_case('derived_type', derived_type)
  call add_case('grid_of_types', grid_of_types)
  call add_case('complex_part', complex_part)
  call add_case('component', component)
  call add_case('pointer_section', pointer_section)
  call add_case('assumed_shape', assumed_shape)
  call add_case('lower_bounds', lower_bounds)
  call add_case('written_section', written_section)
  call add_case('negative_stride', negative_stride)
  call add_case('unassociated', unassociated)
  call add_case('no_elements', no_elements)
  call run_cases()
end program test_sections
