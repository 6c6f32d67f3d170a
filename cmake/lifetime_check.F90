! SPDX-License-Identifier: MIT
!> Counts live objects of a finalisable, counted type in patterns of use, to find the representation that this compiler
!> finalises without leaks. The exit status is 0 when every pattern is clean.
!>
!> By default (`type`) the type that holds the object is itself finalisable. With LIFETIME_COMPONENT (`component`) the
!> owner is an allocatable component, finalisable and knowing its own address, so that a bit copy of it is no owner.
!> LIFETIME_CONTAINERS adds arrays of temporaries, on which `component` may leak where `type` leaks more.
module lifetime_objects
  use, intrinsic :: iso_c_binding, only: c_intptr_t, c_loc
  implicit none
  private
  public :: object, make, number_live, faults, operator(+), operator(*), assignment(=), measure

#ifdef LIFETIME_COMPONENT
  type :: owner
    integer :: id = 0
    integer(c_intptr_t) :: home = 0
  contains
    final :: release_owner
  end type owner

  type :: object
    type(owner), allocatable :: own
  contains
    procedure, private :: assign
    generic :: assignment(=) => assign
  end type object
#else
  type :: object
    integer :: id = 0
  contains
    procedure, private :: assign
    generic :: assignment(=) => assign
    final :: release_object
  end type object
#endif

  interface operator(+)
    module procedure combine
  end interface operator(+)

  interface operator(*)
    module procedure combine
  end interface operator(*)

  integer, parameter :: capacity = 1000
  integer :: references(0:capacity) = 0
  integer :: last_id = 0
  !> Releases and uses of objects that were already gone.
  integer :: faults = 0

contains

  !> Number of objects with an owner.
  integer function number_live()
    number_live = count(references > 0)
  end function number_live

  !> A new object.
  function make() result(new)
    type(object) :: new
    call adopt(new, new_id())
  end function make

  impure elemental function combine(a, b) result(new)
    class(object), intent(in) :: a, b
    type(object) :: new
    if (references(id_of(a)) < 1 .or. references(id_of(b)) < 1) faults = faults + 1
    call adopt(new, new_id())
  end function combine

  !> A number that needs a live object.
  integer function measure(x)
    type(object), intent(in) :: x
    if (references(id_of(x)) < 1) faults = faults + 1
    measure = id_of(x)
  end function measure

  impure elemental subroutine assign(lhs, rhs)
    class(object), intent(inout) :: lhs
    class(object), intent(in) :: rhs
    integer :: id
    id = id_of(rhs)
    references(id) = references(id) + 1
    call drop(id_of(lhs))
    call adopt(lhs, id)
  end subroutine assign

  integer function new_id()
    last_id = last_id + 1
    references(last_id) = 1
    new_id = last_id
  end function new_id

  subroutine drop(id)
    integer, intent(in) :: id
    if (id == 0) return
    references(id) = references(id) - 1
    if (references(id) < 0) faults = faults + 1
  end subroutine drop

#ifdef LIFETIME_COMPONENT
  integer function id_of(x)
    class(object), intent(in) :: x
    id_of = 0
    if (allocated(x%own)) id_of = x%own%id
  end function id_of

  subroutine adopt(x, id)
    class(object), intent(inout), target :: x
    integer, intent(in) :: id
    if (.not. allocated(x%own)) allocate (x%own)
    x%own%id = id
    x%own%home = transfer(c_loc(x%own), x%own%home)
  end subroutine adopt

  impure elemental subroutine release_owner(x)
    type(owner), intent(inout), target :: x
    if (x%home == transfer(c_loc(x), x%home)) call drop(x%id)
    x%id = 0
  end subroutine release_owner
#else
  integer function id_of(x)
    class(object), intent(in) :: x
    id_of = x%id
  end function id_of

  subroutine adopt(x, id)
    class(object), intent(inout) :: x
    integer, intent(in) :: id
    x%id = id
  end subroutine adopt

  impure elemental subroutine release_object(x)
    type(object), intent(inout) :: x
    call drop(x%id)
    x%id = 0
  end subroutine release_object
#endif

end module lifetime_objects

module lifetime_patterns
  use lifetime_objects, only: object, make, operator(+), operator(*), assignment(=), measure
  implicit none
  private
  public :: single, repeated, expression, argument, condition
#ifdef LIFETIME_CONTAINERS
  public :: constructor, elemental_expression, broadcast
#endif

contains

  subroutine single()
    type(object) :: x
    x = make()
  end subroutine single

  subroutine repeated()
    type(object) :: x
    x = make()
    x = make()
    x = make()
  end subroutine repeated

  subroutine expression()
    type(object) :: a, b, c, x
    a = make()
    b = make()
    c = make()
    x = a * b + c
  end subroutine expression

  subroutine argument()
    type(object) :: a, b
    a = make()
    b = make()
    call take(make())
    call take(a * b)
  end subroutine argument

  subroutine take(x)
    type(object), intent(in) :: x
    if (measure(x) < 1) error stop 'an object without a number'
  end subroutine take

  subroutine condition()
    type(object) :: a, b
    integer :: i
    a = make()
    b = make()
    i = 0
    if (measure(a * b) > 2) i = 1
    if (i < 0) error stop 'unreachable'
  end subroutine condition

#ifdef LIFETIME_CONTAINERS
  subroutine constructor()
    type(object), allocatable :: v(:)
    allocate (v(2))
    v = [make(), make()]
  end subroutine constructor

  subroutine elemental_expression()
    type(object) :: v(3), w(3), x(3)
    integer :: i
    do i = 1, 3
      v(i) = make()
      w(i) = make()
    end do
    x(:) = v * w + v
  end subroutine elemental_expression

  subroutine broadcast()
    type(object) :: v(3)
    v(:) = make()
  end subroutine broadcast
#endif

end module lifetime_patterns

program lifetime_check
  use lifetime_objects, only: faults, number_live
  use lifetime_patterns
  implicit none
  logical :: clean

  clean = .true.
  call count_in('x = make()', single)
  call count_in('x = make(), three times', repeated)
  call count_in('x = a * b + c', expression)
  call count_in('call sub(a * b)', argument)
  call count_in('if (f(a * b) > 2)', condition)
#ifdef LIFETIME_CONTAINERS
  call count_in('v = [make(), make()]', constructor)
  call count_in('x(:) = v * w + v', elemental_expression)
  call count_in('v(:) = make()', broadcast)
#endif
  if (.not. clean) stop 1

contains

  subroutine count_in(name, pattern)
    character(*), intent(in) :: name
    interface
      subroutine pattern()
      end subroutine pattern
    end interface
    integer :: live_before, faults_before
    live_before = number_live()
    faults_before = faults
    call pattern()
    if (number_live() == live_before .and. faults == faults_before) return
    clean = .false.
    print '(2a,i0,a,i0,a)', name, ': ', number_live() - live_before, ' left alive, ', faults - faults_before, ' faults'
  end subroutine count_in

end program lifetime_check
