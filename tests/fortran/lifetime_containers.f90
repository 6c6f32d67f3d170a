! SPDX-License-Identifier: MIT
!> Patterns of use, in which all that was made must be released: arrays, allocatables, types.
module lifetime_containers
  use, intrinsic :: iso_fortran_env, only: real32
  use ftorch, only: assignment(=), operator(*), operator(+), torch_status, torch_tensor, &
    torch_tensor_to_array
  use lifetime_objects, only: expect, fill, make, make_array, make_outer, outer, outer_array, pair
  use recorder, only: last_error, record_errors
  use testing, only: check, check_close
  implicit none
  private
  public :: allocatable_variable, array_constructor, array_elements, outer_type
  public :: allocatable_component, moved, elemental_arrays, source_allocation, structure_constructor
  public :: array_function, allocatable_outer, pointer_target, reassigned, broadcast, grown
  public :: polymorphic
  public :: outer_function

contains

  subroutine allocatable_variable()
    type(torch_tensor), allocatable :: y

    allocate (y)
    y = make(2.0)
    call expect(y, 2.0)
  end subroutine allocatable_variable

  subroutine array_constructor()
    type(torch_tensor), allocatable :: v(:)

    allocate (v(2))
    v = [make(2.0), make(3.0)]
    call expect(v(1), 2.0)
    call expect(v(2), 3.0)
  end subroutine array_constructor

  subroutine array_elements()
    type(torch_tensor) :: v(3)
    integer :: i

    do i = 1, 3
      v(i) = make(real(i, real32))
    end do
    call expect(v(3), 3.0)
  end subroutine array_elements

  subroutine outer_type()
    type(outer) :: o, q

    o%t = make(2.0)
    o%number = 5
    q = o
    call expect(q%t, 2.0)
    call expect(o%t, 2.0)
    call check(q%number == 5, 'the other component')
  end subroutine outer_type

  subroutine allocatable_component()
    type(outer_array) :: o

    allocate (o%v(2))
    o%v(1) = make(2.0)
    o%v(2) = make(3.0)
    call expect(o%v(2), 3.0)
  end subroutine allocatable_component

  subroutine moved()
    type(torch_tensor), allocatable :: y, z

    allocate (y)
    y = make(2.0)
    call move_alloc(y, z)
    call expect(z, 2.0)
  end subroutine moved

  subroutine elemental_arrays()
    type(torch_tensor) :: v(3), w(3), x(3)
    integer :: i

    do i = 1, 3
      call fill(v(i), real(i, real32))
      call fill(w(i), 10.0)
    end do
    x(:) = v * w + v
    call expect(x(1), 11.0)
    call expect(x(3), 33.0)
  end subroutine elemental_arrays

  !> Known to be unsafe on most compilers: what comes out works, or is an error; it never crashes.
  subroutine source_allocation()
    class(torch_tensor), allocatable :: q
    real(real32) :: numbers(1)
    type(torch_status) :: status

    allocate (q, source=make(2.0))
    numbers = 2
    call torch_tensor_to_array(q, numbers, status)
    call works_or_fails(status, numbers(1), 2.0)
  end subroutine source_allocation

  !> As source_allocation.
  subroutine structure_constructor()
    type(pair) :: e
    real(real32) :: numbers(1)
    type(torch_status) :: status

    e = pair(make(2.0), make(3.0))
    numbers = 3
    call torch_tensor_to_array(e%second, numbers, status)
    call works_or_fails(status, numbers(1), 3.0)
  end subroutine structure_constructor

  subroutine works_or_fails(status, number, expected)
    type(torch_status), intent(in) :: status
    real(real32), intent(in) :: number, expected

    call check_close(number, expected, 0.0, 'value')
    if (.not. status%ok()) print '(2a)', 'unsafe here: ', status%message
    if (.not. last_error%ok()) print '(2a)', 'unsafe here: ', last_error%message
    call record_errors()
  end subroutine works_or_fails

  subroutine array_function()
    type(torch_tensor) :: x(3)
    type(torch_tensor), allocatable :: y(:)

    allocate (y(2))
    y(:) = make_array(2)
    x = make_array(3)
    call expect(y(2), 2.0)
    call expect(x(3), 3.0)
  end subroutine array_function

  subroutine allocatable_outer()
    type(outer), allocatable :: o

    allocate (o)
    o%t = make(2.0)
    call expect(o%t, 2.0)
    deallocate (o)
  end subroutine allocatable_outer

  subroutine pointer_target()
    type(torch_tensor), pointer :: x

    allocate (x)
    x = make(2.0)
    call expect(x, 2.0)
    deallocate (x)
  end subroutine pointer_target

  subroutine reassigned()
    type(torch_tensor), allocatable :: x

    allocate (x)
    x = make(2.0)
    x = make(3.0)
    call expect(x, 3.0)
    deallocate (x)
    allocate (x)
    x = make(4.0)
    call expect(x, 4.0)
    deallocate (x)
  end subroutine reassigned

  subroutine broadcast()
    type(torch_tensor) :: v(3)

    v(:) = make(2.0)
    call expect(v(1), 2.0)
    call expect(v(3), 2.0)
  end subroutine broadcast

  subroutine grown()
    type(torch_tensor), allocatable :: v(:), w(:)

    allocate (v(1))
    v(1) = make(2.0)
    allocate (w(2))
    w = [v, make(3.0)]
    call move_alloc(w, v)
    call expect(v(1), 2.0)
    call expect(v(2), 3.0)
  end subroutine grown

  subroutine polymorphic()
    class(torch_tensor), allocatable :: q

    allocate (torch_tensor :: q)
    q = make(2.0)
    select type (q)
    type is (torch_tensor)
      call expect(q, 2.0)
    end select
  end subroutine polymorphic

  subroutine outer_function()
    type(outer) :: o

    o = make_outer(2.0)
    call check(o%number == 7, 'the other component')
    call expect(o%t, 2.0)
  end subroutine outer_function

end module lifetime_containers
