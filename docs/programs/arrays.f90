! SPDX-License-Identifier: MIT
!> What it means that a tensor is made over an array.
program arrays
  use, intrinsic :: iso_fortran_env, only: int64, real64
  use ftorch
  implicit none

  call attached()
  call sections()
  call components()
  call axes()
  call between()

contains

  !> The tensor and the array are the same numbers.
  subroutine attached()
    real(real64), target :: x(3) = [1, 2, 3], total(3)
    type(torch_tensor) :: a, sum_of_both

    call torch_tensor_from_array(a, x, torch_kCPU)
    call torch_tensor_from_array(sum_of_both, total, torch_kCPU)
    sum_of_both = a + a             ! writes total
    print '(a, 3f6.1)', 'total   ', total
    x(1) = 10                       ! changes a
    sum_of_both = a + a
    print '(a, 3f6.1)', 'total   ', total
  end subroutine attached

  !> A section is wrapped where it lies; its neighbours are not touched.
  subroutine sections()
    real(real64), target :: field(3, 4)
    type(torch_tensor) :: row
    integer(int64), allocatable :: stride(:)

    field = 0
    call torch_tensor_from_array(row, field(2, 1:4:2), torch_kCPU)
    row = row + 7.0_real64
    stride = row%get_stride()
    print '(a, 4f6.1)', 'row 2   ', field(2, :)
    print '(a, 2i6)', 'strides ', stride
  end subroutine sections

  !> One component of an array of a derived type, by way of a pointer.
  subroutine components()
    type :: point
      real(real64) :: x = 0, y = 0
    end type point
    type(point), target :: points(3)
    real(real64), pointer :: section(:)
    type(torch_tensor) :: heights

    section => points%y
    call torch_tensor_from_array(heights, section, torch_kCPU)
    heights = heights + 7.0_real64
    print '(a, 6f6.1)', 'points  ', points
  end subroutine components

  !> A field (level, column) as the tensor [column, level] that a network wants.
  subroutine axes()
    real(real64), target :: field(2, 3)
    type(torch_tensor) :: samples
    integer(int64), allocatable :: extents(:)

    field = 0
    call torch_tensor_from_array(samples, field, torch_kCPU, permute_dims=[2, 1])
    extents = samples%get_shape()
    print '(a, 2i6)', 'shape   ', extents
  end subroutine axes

  !> The graph of y = w x has a copy of x for the derivative. Of a leaf it has none.
  subroutine between()
    real(real64), target :: x(2) = [3, 4], weight(1) = [2], derivative(1)
    type(torch_tensor) :: a, w, y, gradient

    call torch_tensor_from_array(a, x, torch_kCPU)
    call torch_tensor_from_array(w, weight, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(gradient, derivative, torch_kCPU)

    y = w*a
    x = 0                           ! no harm
    call torch_tensor_backward(y)
    call torch_tensor_get_gradient(gradient, w)
    print '(a, f6.1)', 'right   ', derivative

    call torch_tensor_zero_grad(w)
    y = w*w
    weight = 5                      ! too early: the derivative of w*w was 4
    call torch_tensor_backward(y)
    call torch_tensor_get_gradient(gradient, w)
    print '(a, f6.1)', 'wrong   ', derivative
  end subroutine between
end program arrays
