! SPDX-License-Identifier: MIT
!> Patterns of use in which elements move within an array: the right-hand side is a temporary of bit copies.
module lifetime_moves
  use, intrinsic :: iso_fortran_env, only: real32
  use ftorch, only: assignment(=), operator(*), torch_kCPU, torch_tensor, torch_tensor_from_array
  use lifetime_objects, only: fill, make, value
  use testing, only: check_close
  implicit none
  private
  public :: cshifted, eoshifted, sections, reversed, permuted, constructed, implied_do, parenthesised
  public :: reshaped, packed, spread_out, elementwise, statements_in_a_row, with_empty_element
  public :: allocatable_array, passed_on

  !> Three tensors of one number: on their own, over arrays, over arrays with gradients, and one of each.
  type :: three
    type(torch_tensor) :: t(3)
    real(real32) :: numbers(1, 3) = 0
  end type three

  abstract interface
    subroutine move(t)
      import :: torch_tensor
      implicit none
      type(torch_tensor), intent(inout) :: t(3)
    end subroutine move
  end interface

contains

  !> Runs a move on tensors that hold 1, 2, 3, twice, and compares what they hold then and what their arrays do.
  subroutine expect_order(moves, once, twice)
    procedure(move) :: moves
    integer, intent(in) :: once(3), twice(3)
    type(three), target :: tensors
    integer :: kind, i

    do kind = 1, 4
      do i = 1, 3
        tensors%numbers(1, i) = i
        call prepare(tensors%t(i), tensors%numbers(:, i), merge(i, kind, kind == 4))
      end do
      call moves(tensors%t)
      call compare(once)
      call moves(tensors%t)
      call compare(twice)
    end do

  contains

    subroutine compare(expected)
      integer, intent(in) :: expected(3)

      do i = 1, 3
        call check_close(value(tensors%t(i)), real(expected(i), real32), 0.0, 'element')
        if (kind == 1 .or. (kind == 4 .and. i == 1)) cycle
        call check_close(tensors%numbers(1, i), real(expected(i), real32), 0.0, 'its array')
      end do
    end subroutine compare
  end subroutine expect_order

  subroutine prepare(tensor, number, kind)
    type(torch_tensor), intent(inout) :: tensor
    real(real32), intent(in), target :: number(1)
    integer, intent(in) :: kind

    if (kind == 1) then
      call fill(tensor, number(1))
    else
      call torch_tensor_from_array(tensor, number, torch_kCPU, requires_grad=kind == 3)
    end if
  end subroutine prepare

  subroutine cshifted()
    call expect_order(shift, [2, 3, 1], [3, 1, 2])

  contains

    subroutine shift(t)
      type(torch_tensor), intent(inout) :: t(3)

      t = cshift(t, 1)
    end subroutine shift
  end subroutine cshifted

  subroutine eoshifted()
    call expect_order(shift, [2, 3, 1], [3, 1, 2])

  contains

    subroutine shift(t)
      type(torch_tensor), intent(inout) :: t(3)

      t = eoshift(t, 1, boundary=t(1))
    end subroutine shift
  end subroutine eoshifted

  subroutine sections()
    call expect_order(down, [1, 1, 2], [1, 1, 1])
    call expect_order(up, [2, 3, 3], [3, 3, 3])

  contains

    subroutine down(t)
      type(torch_tensor), intent(inout) :: t(3)

      t(2:3) = t(1:2)
    end subroutine down

    subroutine up(t)
      type(torch_tensor), intent(inout) :: t(3)

      t(1:2) = t(2:3)
    end subroutine up
  end subroutine sections

  subroutine reversed()
    call expect_order(reverse, [3, 2, 1], [1, 2, 3])

  contains

    subroutine reverse(t)
      type(torch_tensor), intent(inout) :: t(3)

      t(1:3) = t(3:1:-1)
    end subroutine reverse
  end subroutine reversed

  subroutine permuted()
    call expect_order(permute, [2, 3, 1], [3, 1, 2])

  contains

    subroutine permute(t)
      type(torch_tensor), intent(inout) :: t(3)

      t = t([2, 3, 1])
    end subroutine permute
  end subroutine permuted

  subroutine constructed()
    call expect_order(construct, [2, 3, 1], [3, 1, 2])

  contains

    subroutine construct(t)
      type(torch_tensor), intent(inout) :: t(3)

      t = [t(2), t(3), t(1)]
    end subroutine construct
  end subroutine constructed

  subroutine implied_do()
    call expect_order(construct, [3, 2, 1], [1, 2, 3])

  contains

    subroutine construct(t)
      type(torch_tensor), intent(inout) :: t(3)
      integer :: i

      t = [(t(4 - i), i=1, 3)]
    end subroutine construct
  end subroutine implied_do

  subroutine parenthesised()
    call expect_order(move_back, [3, 2, 1], [1, 2, 3])

  contains

    subroutine move_back(t)
      type(torch_tensor), intent(inout) :: t(3)

      t = (t(3:1:-1))
      t(2) = (t(2))
    end subroutine move_back
  end subroutine parenthesised

  subroutine reshaped()
    call expect_order(fold, [3, 1, 2], [2, 3, 1])

  contains

    subroutine fold(t)
      type(torch_tensor), intent(inout) :: t(3)

      t = reshape(t(1:2), [3], pad=t(3:3), order=[1])
      t = reshape([t(3), t(1), t(2)], [3])
    end subroutine fold
  end subroutine reshaped

  subroutine packed()
    call expect_order(choose, [2, 3, 3], [3, 3, 3])

  contains

    subroutine choose(t)
      type(torch_tensor), intent(inout) :: t(3)

      t(1:2) = pack(t, [.false., .true., .true.])
    end subroutine choose
  end subroutine packed

  subroutine spread_out()
    call expect_order(repeat_first, [1, 1, 1], [1, 1, 1])

  contains

    subroutine repeat_first(t)
      type(torch_tensor), intent(inout) :: t(3)

      t = spread(t(1), 1, 3)
    end subroutine repeat_first
  end subroutine spread_out

  subroutine elementwise()
    call expect_order(double, [1, 2, 4], [1, 2, 4])

  contains

    subroutine double(t)
      type(torch_tensor), intent(inout) :: t(3)

      t(2:3) = t(1:2) * 2.0
    end subroutine double
  end subroutine elementwise

  !> What one statement replaced is nothing to the next.
  subroutine statements_in_a_row()
    call expect_order(three_shifts, [1, 2, 3], [1, 2, 3])

  contains

    subroutine three_shifts(t)
      type(torch_tensor), intent(inout) :: t(3)

      t = cshift(t, 1)
      t = t([2, 3, 1])
      t = [t(2), t(3), t(1)]
    end subroutine three_shifts
  end subroutine statements_in_a_row

  subroutine with_empty_element()
    type(torch_tensor) :: t(3)

    call fill(t(1), 1.0)
    call fill(t(3), 3.0)
    t = cshift(t, 1)
    call check_close(value(t(2)), 3.0, 0.0, 'second')
    call check_close(value(t(3)), 1.0, 0.0, 'third')
    t = cshift(t, 1)
    call check_close(value(t(1)), 3.0, 0.0, 'first')
    call check_close(value(t(2)), 1.0, 0.0, 'second again')
  end subroutine with_empty_element

  subroutine allocatable_array()
    type(torch_tensor), allocatable :: v(:), w(:)
    integer :: i

    allocate (v(3))
    do i = 1, 3
      v(i) = make(real(i, real32))
    end do
    v = v([3, 2, 1])
    call check_close(value(v(1)), 3.0, 0.0, 'first')
    allocate (w(6))
    w = [v, v]
    w(2:6) = w(1:5)
    call move_alloc(w, v)
    call check_close(value(v(6)), 2.0, 0.0, 'last')
    v = v(6:1:-1)
    call check_close(value(v(1)), 2.0, 0.0, 'last as first')
  end subroutine allocatable_array

  !> By way of a procedure, and in part of the array.
  subroutine passed_on()
    call expect_order(outside, [3, 2, 1], [1, 2, 3])

  contains

    subroutine outside(t)
      type(torch_tensor), intent(inout) :: t(3)

      call swap(t(::2))
    end subroutine outside

    subroutine swap(ends)
      type(torch_tensor), intent(inout) :: ends(:)

      ends = ends(size(ends):1:-1)
    end subroutine swap
  end subroutine passed_on

end module lifetime_moves
