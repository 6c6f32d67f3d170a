! SPDX-License-Identifier: MIT
!> Patterns of use in which the compiler copies tensors without assignment: each copy is on its own, or its use an error.
module lifetime_copies
  use, intrinsic :: iso_fortran_env, only: int64, real32
  use ftorch
  use lifetime_objects, only: expect, fill, make, outer_array, pair, value
  use testing, only: check, check_close
  implicit none
  private
  public :: swapped_pair, parenthesised_pair, permuted_pairs, permuted_assigned_pairs, shifted_pairs, grown_pairs
  public :: swapped_components, nested_array
  public :: source_array, source_type, source_type_array, polymorphic_copy, polymorphic_source
  public :: copy_written, original_written, original_gone, copy_gone, copy_of_array

contains

  subroutine fill_pair(p, first, second)
    type(pair), intent(inout) :: p
    real(real32), intent(in) :: first, second

    call fill(p%first, first)
    call fill(p%second, second)
  end subroutine fill_pair

  subroutine expect_pair(p, first, second)
    type(pair), intent(in) :: p
    real(real32), intent(in) :: first, second

    call expect(p%first, first)
    call expect(p%second, second)
  end subroutine expect_pair

  subroutine swapped_pair()
    type(pair) :: p

    call fill_pair(p, 1.0, 2.0)
    p = pair(p%second, p%first)
    call expect_pair(p, 2.0, 1.0)
    p = pair(p%second, p%first)
    call expect_pair(p, 1.0, 2.0)
  end subroutine swapped_pair

  subroutine parenthesised_pair()
    type(pair) :: p

    call fill_pair(p, 1.0, 2.0)
    p = (p)
    call expect_pair(p, 1.0, 2.0)
  end subroutine parenthesised_pair

  subroutine permuted_pairs()
    type(pair) :: v(3)

    call fill_pairs(v)
    v = v([2, 3, 1])
    call expect_pairs(v, [2, 3, 1])
    v = v([2, 3, 1])
    call expect_pairs(v, [3, 1, 2])
    v(1:2) = v(2:1:-1)
    call expect_pairs(v, [1, 3, 2])
    v(1:2) = v(2:3)
    call expect_pairs(v, [3, 2, 2])
    v(2:3) = v(1:2)
    call expect_pairs(v, [3, 3, 2])
  end subroutine permuted_pairs

  subroutine permuted_assigned_pairs()
    type(pair) :: v(3)
    type(pair), allocatable :: w(:)

    call fill_pairs(v)
    allocate (w(3))
    w = v
    w = w(3:1:-1)
    call expect_pairs(w, [3, 2, 1])
    call expect_pairs(v, [1, 2, 3])
  end subroutine permuted_assigned_pairs

  subroutine fill_pairs(v)
    type(pair), intent(inout) :: v(:)
    integer :: i

    do i = 1, size(v)
      call fill_pair(v(i), real(i, real32), real(10 * i, real32))
    end do
  end subroutine fill_pairs

  !> Compares with what `fill_pairs` put into the elements `from`.
  subroutine expect_pairs(v, from)
    type(pair), intent(in) :: v(:)
    integer, intent(in) :: from(:)
    integer :: i

    do i = 1, size(v)
      call expect_pair(v(i), real(from(i), real32), real(10 * from(i), real32))
    end do
  end subroutine expect_pairs

  subroutine shifted_pairs()
    type(pair) :: v(3)

    call fill_pairs(v)
    v = cshift(v, 1)
    call expect_pairs(v, [2, 3, 1])
    v(2:3) = v(1:2)
    call expect_pairs(v, [2, 2, 3])
    v = [v(3), v(1), v(2)]
    call expect_pairs(v, [3, 2, 2])
  end subroutine shifted_pairs

  subroutine grown_pairs()
    type(pair), allocatable :: v(:)

    allocate (v(1))
    call fill_pair(v(1), 1.0, 2.0)
    v = [v, v(1)]
    call expect_pair(v(2), 1.0, 2.0)
    v = [v(2), v]
    call torch_tensor_zero(v(1)%first)
    call expect_pair(v(1), 0.0, 2.0)
    call expect_pair(v(2), 1.0, 2.0)
    call expect_pair(v(3), 1.0, 2.0)
  end subroutine grown_pairs

  subroutine swapped_components()
    type(pair) :: p(2)

    call fill_pair(p(1), 1.0, 2.0)
    call fill_pair(p(2), 3.0, 4.0)
    p%first = p(2:1:-1)%first
    call expect_pair(p(1), 3.0, 2.0)
    call expect_pair(p(2), 1.0, 4.0)
    p(:)%first = p(:)%second
    call expect_pair(p(1), 2.0, 2.0)
  end subroutine swapped_components

  subroutine nested_array()
    type(outer_array) :: o, q

    allocate (o%v(2))
    o%v(1) = make(1.0)
    o%v(2) = make(2.0)
    q = o
    o%v = o%v([2, 1])
    call expect(o%v(1), 2.0)
    call expect(o%v(2), 1.0)
    call expect(q%v(1), 1.0)
    call torch_tensor_zero(q%v(2))
    call expect(o%v(1), 2.0)
  end subroutine nested_array

  subroutine source_array()
    type(torch_tensor) :: t, x
    type(torch_tensor), allocatable :: y(:)

    call fill(t, 1.0)
    call fill(x, 5.0)
    allocate (y(2), source=t)
    call expect(y(1), 1.0)
    call torch_tensor_zero(y(1))
    call torch_tensor_mul(y(2), x, x)
    call expect(t, 1.0)
    call expect(y(1), 0.0)
    call expect(y(2), 25.0)
    y(1) = x
    t = x * x
    call expect(y(1), 5.0)
  end subroutine source_array

  subroutine source_type()
    type(pair) :: p
    type(pair), allocatable :: c

    call fill_pair(p, 1.0, 2.0)
    allocate (c, source=p)
    call expect_pair(c, 1.0, 2.0)
    c%first = c%second
    call torch_tensor_zero(c%second)
    call expect_pair(c, 2.0, 0.0)
    deallocate (c)
    call expect_pair(p, 1.0, 2.0)
  end subroutine source_type

  subroutine source_type_array()
    type(pair) :: p
    type(pair), allocatable :: c(:)

    call fill_pair(p, 1.0, 2.0)
    allocate (c(2), source=p)
    call torch_tensor_zero(c(1)%first)
    call expect_pair(c(1), 0.0, 2.0)
    call expect_pair(c(2), 1.0, 2.0)
    call expect_pair(p, 1.0, 2.0)
    c = c([2, 1])
    call expect_pair(c(2), 0.0, 2.0)
  end subroutine source_type_array

  subroutine polymorphic_copy()
    type(pair) :: p
    class(pair), allocatable :: c

    call fill_pair(p, 1.0, 2.0)
    c = p
    call torch_tensor_zero(c%first)
    call expect(c%first, 0.0)
    call expect_pair(p, 1.0, 2.0)
    c = p
    call expect(c%first, 1.0)
    p%second = c%first
    call expect_pair(p, 1.0, 1.0)
  end subroutine polymorphic_copy

  subroutine polymorphic_source()
    class(torch_tensor), allocatable :: a, b
    type(torch_tensor) :: x

    call fill(x, 3.0)
    allocate (torch_tensor :: a)
    a = make(2.0)
    allocate (b, source=a)
    b = b * x
    call check_close(number(b), 6.0, 0.0, 'the copy')
    call check_close(number(a), 2.0, 0.0, 'the original')

  contains

    function number(tensor)
      class(torch_tensor), intent(in) :: tensor
      real(real32) :: number
      type(torch_tensor) :: plain

      plain = tensor
      number = value(plain)
    end function number
  end subroutine polymorphic_source

  !> Each procedure that writes a tensor writes the copy's own.
  subroutine copy_written()
    type(torch_tensor) :: t, x, loss
    type(torch_tensor), allocatable :: y(:)
    real(real32), target :: numbers(1), gradients(1)

    numbers = 3
    call torch_tensor_from_array(x, numbers, torch_kCPU, requires_grad=.true.)
    loss = x * x
    call torch_tensor_backward(loss)
    call fill(t, 1.0)
    allocate (y(8), source=t)
    call torch_tensor_zero(y(1))
    call torch_tensor_to(x, y(2))
    call torch_tensor_get_gradient(y(3), x)
    call torch_loss_mse(y(4), x, t)
    call torch_tensor_sum(y(5), x)
    call torch_tensor_delete(y(6))
    call torch_tensor_from_array(y(7), gradients, torch_kCPU)
    call torch_tensor_ones(y(8), 1, [1_int64], torch_kFloat32, torch_kCPU)
    call expect(t, 1.0)
    call expect(y(1), 0.0)
    call expect(y(2), 3.0)
    call expect(y(3), 6.0)
    call expect(y(8), 1.0)
  end subroutine copy_written

  !> The copy does not follow: it has no value any more.
  subroutine original_written()
    type(torch_tensor) :: t, x
    type(torch_tensor), allocatable :: y(:)
    integer :: i

    call fill(x, 3.0)
    do i = 1, 4
      call fill(t, 1.0)
      allocate (y(1), source=t)
      select case (i)
      case (1)
        t = x
      case (2)
        t = x * x
      case (3)
        call torch_tensor_zero(t)
      case (4)
        call torch_tensor_mul(t, x, x)
      end select
      call expect_released(y(1))
      y(1) = t
      call expect(y(1), value(t))
      deallocate (y)
    end do
  end subroutine original_written

  subroutine expect_released(tensor)
    type(torch_tensor), intent(in) :: tensor
    type(torch_status) :: status
    real(real32) :: numbers(1)

    call torch_tensor_to_array(tensor, numbers, status)
    call check(status%code == torch_invalid_argument, 'the copy has a value')
    call check(index(status%message, 'was released') > 0, status%message)
  end subroutine expect_released

  subroutine original_gone()
    type(torch_tensor), allocatable :: t, y(:)

    allocate (t)
    call fill(t, 1.0)
    allocate (y(2), source=t)
    deallocate (t)
    call expect_released(y(1))
    y(1) = make(2.0)
    call expect(y(1), 2.0)
  end subroutine original_gone

  subroutine copy_gone()
    type(torch_tensor) :: t
    type(torch_tensor), allocatable :: y

    call fill(t, 1.0)
    allocate (y, source=t)
    deallocate (y)
    call expect(t, 1.0)
    allocate (y, source=t)
    call torch_delete(y)
    call expect(t, 1.0)
  end subroutine copy_gone

  !> The array stays that of the original.
  subroutine copy_of_array()
    type(torch_tensor) :: t
    type(torch_tensor), allocatable :: y
    real(real32), target :: numbers(1)

    numbers = 1
    call torch_tensor_from_array(t, numbers, torch_kCPU)
    allocate (y, source=t)
    call torch_tensor_zero(y)
    call check_close(numbers(1), 1.0, 0.0, 'array')
    y = t * 7.0
    call check_close(numbers(1), 1.0, 0.0, 'array')
    t = y
    call check_close(numbers(1), 7.0, 0.0, 'array')
  end subroutine copy_of_array

end module lifetime_copies
