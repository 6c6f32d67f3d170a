! SPDX-License-Identifier: MIT
!> Patterns of use, in which all that was made must be released: variables and expressions.
module lifetime_variables
  use, intrinsic :: iso_fortran_env, only: real32
  use ftorch, only: assignment(=), operator(*), operator(+), operator(-), torch_tensor
  use lifetime_objects, only: early, expect, fill, identity, make, make_allocatable, square_plus, &
    use_once, use_twice, value
  use testing, only: check, check_close
  implicit none
  private
  public :: function_result, repeated, expression, nested_expression, actual_argument, user_function
  public :: intent_out, self_assignment, associate_name, merged, condition, function_of_expression
  public :: block_local, early_return, allocatable_result, loop, dummy_used_twice, user_functions
  public :: function_with_early_return, scalar_contexts

contains

  subroutine function_result()
    type(torch_tensor) :: x

    x = make(2.0)
    call expect(x, 2.0)
  end subroutine function_result

  subroutine repeated()
    type(torch_tensor) :: x

    x = make(2.0)
    x = make(3.0)
    x = make(4.0)
    call expect(x, 4.0)
  end subroutine repeated

  subroutine expression()
    type(torch_tensor) :: a, b, c, x

    call fill(a, 2.0)
    call fill(b, 3.0)
    call fill(c, 4.0)
    x = a * b + c
    call expect(x, 10.0)
  end subroutine expression

  subroutine nested_expression()
    type(torch_tensor) :: a, b, c, x

    call fill(a, 2.0)
    call fill(b, 3.0)
    call fill(c, 4.0)
    x = -((a + b) * (c + a))
    call expect(x, -30.0)
  end subroutine nested_expression

  subroutine actual_argument()
    type(torch_tensor) :: a, b

    call fill(a, 2.0)
    call fill(b, 3.0)
    call use_once(make(5.0), 5.0)
    call use_once(a * b, 6.0)
  end subroutine actual_argument

  subroutine user_function()
    type(torch_tensor) :: a, x

    call fill(a, 3.0)
    x = square_plus(a)
    call expect(x, 12.0)
  end subroutine user_function

  subroutine intent_out()
    type(torch_tensor) :: x

    call fill(x, 2.0)
    call fill(x, 3.0)
    call expect(x, 3.0)
  end subroutine intent_out

  subroutine self_assignment()
    type(torch_tensor) :: a, x

    call fill(a, 2.0)
    call fill(x, 3.0)
    x = x
    x = x * a
    x = (x)
    call expect(x, 6.0)
  end subroutine self_assignment

  subroutine associate_name()
    type(torch_tensor) :: a, b

    call fill(a, 2.0)
    call fill(b, 3.0)
    associate (z => a * b)
      call expect(z, 6.0)
    end associate
  end subroutine associate_name

  subroutine merged()
    type(torch_tensor) :: a, b, x

    call fill(a, 2.0)
    call fill(b, 3.0)
    x = merge(a, b, .true.)
    call expect(x, 2.0)
    call expect(a, 2.0)
  end subroutine merged

  subroutine condition()
    type(torch_tensor) :: a, b
    logical :: larger

    call fill(a, 2.0)
    call fill(b, 3.0)
    larger = .false.
    if (value(a * b) > 2.0) larger = .true.
    call check(larger, 'condition')
  end subroutine condition

  subroutine function_of_expression()
    type(torch_tensor) :: a, b, x, y

    call fill(a, 2.0)
    call fill(b, 3.0)
    x = identity(a)
    y = identity(a * b)
    call expect(x, 2.0)
    call expect(y, 6.0)
  end subroutine function_of_expression

  subroutine block_local()
    integer :: i

    do i = 1, 3
      block
        type(torch_tensor) :: x

        x = make(real(i, real32))
        call expect(x, real(i, real32))
      end block
    end do
  end subroutine block_local

  subroutine early_return()
    call leave(.true.)
    call leave(.false.)

  contains

    subroutine leave(early)
      logical, intent(in) :: early
      type(torch_tensor) :: x, y

      x = make(2.0)
      if (early) return
      y = x * x
      call expect(y, 4.0)
    end subroutine leave
  end subroutine early_return

  subroutine allocatable_result()
    type(torch_tensor) :: x

    x = make_allocatable(2.0)
    call expect(x, 2.0)
  end subroutine allocatable_result

  subroutine loop()
    type(torch_tensor) :: a
    integer :: i

    call fill(a, 0.1)
    do i = 1, 5
      a = a * a + a
    end do
    call expect(a, 0.18004703)
  end subroutine loop

  subroutine dummy_used_twice()
    type(torch_tensor) :: a, b

    call fill(a, 2.0)
    call fill(b, 3.0)
    call use_twice(a * b, 6.0)
    call use_twice(make(2.0), 2.0)
  end subroutine dummy_used_twice

  subroutine user_functions()
    type(torch_tensor) :: a, x

    call fill(a, 2.0)
    x = square_plus(a * a) + square_plus(a)
    call expect(x, 26.0)
  end subroutine user_functions

  subroutine function_with_early_return()
    type(torch_tensor) :: a, x

    call fill(a, 3.0)
    x = early(a, .true.)
    call expect(x, 6.0)
    x = early(a, .false.)
    call expect(x, 18.0)
  end subroutine function_with_early_return

  !> Temporaries as arguments of functions of a number, wherever such calls stand.
  subroutine scalar_contexts()
    type(torch_tensor) :: a, b
    real(real32) :: s, several(2)
    logical :: answer
    integer :: i

    call fill(a, 2.0)
    call fill(b, 3.0)
    s = value(a * b)
    s = s + value(a * b) + value(a + b)
    several = [value(a * b), value(b - a)]
    call check_close(s + sum(several), 24.0, 1.0e-6, 'numbers')
    answer = value(a * b) > 5.0
    if (value(a + b) < 0) then
      answer = .false.
    else if (value(a + b) > 100) then
      answer = .false.
    end if
    i = 0
    do while (value(a * b) > 2.5 * i)
      i = i + 1
    end do
    select case (nint(value(a + b)))
    case (5)
      i = i + 1
    end select
    call check(answer .and. i == 4, 'branches')
  end subroutine scalar_contexts

end module lifetime_variables
