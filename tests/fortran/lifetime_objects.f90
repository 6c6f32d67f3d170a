! SPDX-License-Identifier: MIT
!> What the lifetime patterns are made of: tensors of one number, functions, types that hold them.
module lifetime_objects
  use, intrinsic :: iso_fortran_env, only: int64, real32
  use ftorch, only: assignment(=), operator(*), operator(+), torch_kCPU, torch_kFloat32, &
    torch_tensor, torch_tensor_ones, torch_tensor_to_array
  use testing, only: check_close
  implicit none
  private
  public :: make, value, expect, outer, outer_array, pair, identity, square_plus, early
  public :: make_allocatable, make_array, make_outer, fill, use_once, use_twice

  type :: outer
    type(torch_tensor) :: t
    integer :: number = 0
  end type outer

  type :: outer_array
    type(torch_tensor), allocatable :: v(:)
  end type outer_array

  type :: pair
    type(torch_tensor) :: first, second
  end type pair

contains

  !> A tensor that holds `number`.
  function make(number) result(tensor)
    real(real32), intent(in) :: number
    type(torch_tensor) :: tensor

    call fill(tensor, number)
  end function make

  subroutine fill(tensor, number)
    type(torch_tensor), intent(out) :: tensor
    real(real32), intent(in) :: number

    call torch_tensor_ones(tensor, 1, [1_int64], torch_kFloat32, torch_kCPU)
    tensor = tensor * number
  end subroutine fill

  !> The number in a tensor.
  function value(tensor) result(number)
    type(torch_tensor), intent(in) :: tensor
    real(real32) :: number, numbers(1)

    numbers = -huge(numbers)
    call torch_tensor_to_array(tensor, numbers)
    number = numbers(1)
  end function value

  subroutine expect(tensor, number)
    type(torch_tensor), intent(in) :: tensor
    real(real32), intent(in) :: number

    call check_close(value(tensor), number, 1.0e-6_real32, 'value')
  end subroutine expect

  function identity(tensor) result(same)
    type(torch_tensor), intent(in) :: tensor
    type(torch_tensor) :: same

    same = tensor
  end function identity

  !> x*x + x through a local variable.
  function square_plus(x) result(r)
    type(torch_tensor), intent(in) :: x
    type(torch_tensor) :: r, tmp

    tmp = x * x
    r = tmp + x
  end function square_plus

  !> The result is set, and set again unless the function returns early.
  function early(x, returns) result(r)
    type(torch_tensor), intent(in) :: x
    logical, intent(in) :: returns
    type(torch_tensor) :: r

    r = x + x
    if (returns) return
    r = r * x
  end function early

  function make_allocatable(number) result(tensor)
    real(real32), intent(in) :: number
    type(torch_tensor), allocatable :: tensor

    allocate (tensor)
    tensor = make(number)
  end function make_allocatable

  function make_array(count) result(tensors)
    integer, intent(in) :: count
    type(torch_tensor) :: tensors(count)
    integer :: i

    do i = 1, count
      tensors(i) = make(real(i, real32))
    end do
  end function make_array

  function make_outer(number) result(o)
    real(real32), intent(in) :: number
    type(outer) :: o

    o%t = make(number)
    o%number = 7
  end function make_outer

  subroutine use_once(tensor, number)
    type(torch_tensor), intent(in) :: tensor
    real(real32), intent(in) :: number

    call expect(tensor, number)
  end subroutine use_once

  subroutine use_twice(tensor, number)
    type(torch_tensor), intent(in) :: tensor
    real(real32), intent(in) :: number
    type(torch_tensor) :: local

    local = tensor + tensor
    call expect(local, 2 * number)
    local = tensor * tensor
    call expect(local, number**2)
    call expect(tensor, number)
  end subroutine use_twice

end module lifetime_objects
