! SPDX-License-Identifier: MIT
!> Tensors made from arrays keep them up to date.
module attached_cases
  use, intrinsic :: iso_fortran_env, only: int32, int64, real32, real64
  use ftorch
  use recorder, only: last_error, record_errors
  use testing, only: check, check_close, check_equal, check_status
  implicit none
  private
  public :: follows, follows_in_graph, other_shape, other_dtype, writes_seen, two_tensors, copies
  public :: copies_over_values
  public :: squares, self_assignment, parentheses, rank_0, scope_of_array

  real(real64), parameter :: exact = 0

contains

  subroutine follows()
    real(real64), target :: x(2, 2), y(2, 2), q(2, 2)
    type(torch_tensor) :: a, b, c
    integer :: i

    x = reshape([1, 2, 3, 4], [2, 2])
    y = 2
    call torch_tensor_from_array(a, x, torch_kCPU)
    call torch_tensor_from_array(b, y, torch_kCPU)
    call torch_tensor_from_array(c, q, torch_kCPU)
    do i = 1, 3
      c = a * b
      call check_close(q, x * y, exact, 'product')
      x = x + 1
      c = c - a
      call check_close(q, (x - 1) * y - x, exact, 'difference')
    end do
    call torch_tensor_add(c, a, b)
    call check_close(q, x + y, exact, 'subroutine form')
  end subroutine follows

  subroutine follows_in_graph()
    real(real64), target :: x(3), q(3), total(1)
    type(torch_tensor) :: a, c, s

    x = [1, 2, 3]
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(c, q, torch_kCPU)
    call torch_tensor_from_array(s, total, torch_kCPU)
    c = a * a
    call check_close(q, [1.0_real64, 4.0_real64, 9.0_real64], exact, 'result of the graph')
    call check(c%requires_grad(), 'the result is in the graph')
    call torch_tensor_sum(s, c)
    call check_close(total(1), 14.0_real64, exact, 'sum in the graph')
    call check(s%requires_grad(), 'the sum is in the graph')
  end subroutine follows_in_graph

  subroutine other_shape()
    real(real64), target :: x(3), y(2), m(2, 3)
    type(torch_tensor) :: a, b, c

    x = 1
    y = 2
    m = 3
    call torch_tensor_from_array(a, x, torch_kCPU)
    call torch_tensor_from_array(b, y, torch_kCPU)
    call torch_tensor_from_array(c, m, torch_kCPU)
    call record_errors()
    a = b
    call check_status(last_error, torch_shape_mismatch, 'assignment(=)')
    call check_close(x, 1.0_real64, exact, 'nothing written')
    call record_errors()
    a = c
    call check_equal(last_error%code, torch_shape_mismatch, 'a broadcast')
    call record_errors()
    a = b + b
    call check_equal(last_error%code, torch_shape_mismatch, 'a temporary')
    call check_equal(a%get_shape(), [3_int64], 'shape kept')
    call check_close(x, 1.0_real64, exact, 'nothing written')
  end subroutine other_shape

  subroutine other_dtype()
    real(real32), target :: x(3)
    real(real64), target :: y(3)
    type(torch_tensor) :: a, b
    type(torch_status) :: status

    x = 1
    y = 2
    call torch_tensor_from_array(a, x, torch_kCPU)
    call torch_tensor_from_array(b, y, torch_kCPU)
    call record_errors()
    a = b
    call check_equal(last_error%code, torch_dtype_mismatch, 'assignment')
    call torch_tensor_mul(a, b, b, status)
    call check_status(status, torch_dtype_mismatch, 'torch_tensor_mul')
    call check_close(x, 1.0, 0.0, 'nothing written')
    call check_equal(a%get_dtype(), torch_kFloat32, 'dtype kept')
  end subroutine other_dtype

  subroutine writes_seen()
    real(real64), target :: x(3), q(3)
    real(real64) :: total
    type(torch_tensor) :: a, b, s

    x = 1
    q = 0
    call torch_tensor_from_array(a, x, torch_kCPU)
    call torch_tensor_from_array(b, q, torch_kCPU)
    b = a * 3
    x = [4, 5, 6]
    call torch_tensor_sum(s, a)
    total = s
    call check_close(total, 15.0_real64, exact, 'a written array')
    q = 100
    call torch_tensor_sum(s, b)
    total = s
    call check_close(total, 300.0_real64, exact, 'a written result')
  end subroutine writes_seen

  subroutine two_tensors()
    real(real64), target :: x(2, 2)
    real(real64) :: values(2)
    type(torch_tensor) :: whole, column

    x = 1
    call torch_tensor_from_array(whole, x, torch_kCPU)
    call torch_tensor_from_array(column, x(:, 2), torch_kCPU)
    column = column + 4
    whole = whole * 2
    values = column
    call check_close(values, 10.0_real64, exact, 'a section of the array sees the whole')
    call check_close(x(:, 1), 2.0_real64, exact, 'the rest')
  end subroutine two_tensors

  !> `b = a` shares nothing that anybody can see.
  subroutine copies()
    real(real64), target :: x(2), y(2)
    real(real64) :: values(2)
    type(torch_tensor) :: a, b, c

    x = [1, 2]
    y = 0
    call torch_tensor_from_array(a, x, torch_kCPU)
    b = a
    x = 9
    values = b
    call check_close(values, [1.0_real64, 2.0_real64], exact, 'the copy keeps its values')
    call b%zero()
    call check_close(x, 9.0_real64, exact, 'the array keeps its values')
    call torch_tensor_from_array(c, y, torch_kCPU)
    c = a
    x = 3
    call check_close(y, 9.0_real64, exact, 'array to array')
  end subroutine copies

  !> Assignment to a variable that holds something is a copy as well.
  subroutine copies_over_values()
    real(real64), target :: x(2), w(2)
    type(torch_tensor) :: a, b, c, weight, former
    type(torch_optim) :: optim

    x = [1, 2]
    call torch_tensor_from_array(a, x, torch_kCPU)
    b = a * 5
    b = a
    c = b * 5
    c = b
    x = 9
    call check_values(b, [1.0_real64, 2.0_real64], 'a written array')
    call b%zero()
    call check_values(c, [1.0_real64, 2.0_real64], 'a variable set to zero')
    w = [3, 4]
    call torch_tensor_from_array(weight, w, torch_kCPU, requires_grad=.true.)
    former = a * 5
    former = weight
    call torch_tensor_backward(weight * weight)
    call torch_optim_SGD(optim, [weight], 0.5_real64)
    call optim%step()
    call check_close(w, 0.0_real64, exact, 'a step')
    call check_values(former, [3.0_real64, 4.0_real64], 'the weights before the step')
  end subroutine copies_over_values

  !> d = a*a, with d fresh or built before, in the graph or not.
  subroutine squares()
    real(real64), target :: x(2), y(2)
    type(torch_tensor) :: a, fresh, built, attached
    logical :: in_graph
    integer :: i

    do i = 1, 4
      in_graph = i > 2
      x = [2, 3]
      call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=in_graph)
      call torch_tensor_ones(built, 1, [2_int64], torch_kFloat64, torch_kCPU)
      call torch_tensor_from_array(attached, y, torch_kCPU)
      fresh = a * a
      built = a * a
      attached = a * a
      call check_values(fresh, [4.0_real64, 9.0_real64], 'fresh')
      call check_values(built, [4.0_real64, 9.0_real64], 'built')
      call check_close(y, [4.0_real64, 9.0_real64], exact, 'attached')
      call check(fresh%requires_grad() .eqv. in_graph, 'graph of the fresh one')
      call check(built%requires_grad() .eqv. in_graph, 'graph of the built one')
      call check(attached%requires_grad() .eqv. in_graph, 'graph of the attached one')
    end do
    built = a
    call check_values(built, [2.0_real64, 3.0_real64], 'a variable assigned to another shape')
  end subroutine squares

  subroutine self_assignment()
    real(real64), target :: x(2)
    type(torch_tensor) :: a, b

    x = [2, 3]
    call torch_tensor_from_array(a, x, torch_kCPU)
    a = a
    call check_close(x, [2.0_real64, 3.0_real64], exact, 'a = a')
    a = a * a
    call check_close(x, [4.0_real64, 9.0_real64], exact, 'a = a*a')
    a = -a
    call check_close(x, [-4.0_real64, -9.0_real64], exact, 'a = -a')
    a = a + a * a
    call check_close(x, [12.0_real64, 72.0_real64], exact, 'a = a + a*a')
    b = a * 1
    b = b
    b = b * b - b
    call check_values(b, [132.0_real64, 5112.0_real64], 'unattached')
  end subroutine self_assignment

  subroutine parentheses()
    real(real64), target :: x(2), y(2)
    type(torch_tensor) :: a, b, c

    x = [2, 3]
    y = [5, 7]
    call torch_tensor_from_array(a, x, torch_kCPU)
    a = (a)
    call check_close(x, [2.0_real64, 3.0_real64], exact, 'x = (x)')
    call check_values(a, [2.0_real64, 3.0_real64], 'the tensor')
    call torch_tensor_from_array(b, y, torch_kCPU)
    c = a
    a = b
    b = c
    call check_close(x, [5.0_real64, 7.0_real64], exact, 'swapped')
    call check_close(y, [2.0_real64, 3.0_real64], exact, 'swapped back')
    b = (a + b)
    call check_close(y, [7.0_real64, 10.0_real64], exact, 'an expression in parentheses')
  end subroutine parentheses

  !> A result of rank 0 fits any array of one element.
  subroutine rank_0()
    real(real64), target :: x(2), number, one(1), grid(1, 1, 1)
    type(torch_tensor) :: a, s

    x = [2, 3]
    call torch_tensor_from_array(a, x, torch_kCPU)
    call torch_tensor_from_array(s, number, torch_kCPU)
    call torch_tensor_sum(s, a)
    call check_close(number, 5.0_real64, exact, 'rank 0')
    call torch_tensor_from_array(s, one, torch_kCPU)
    call torch_tensor_sum(s, a)
    call check_close(one, 5.0_real64, exact, 'rank 1')
    call check_equal(s%get_shape(), [1_int64], 'shape kept')
    call torch_tensor_from_array(s, grid, torch_kCPU)
    call torch_tensor_mean(s, a)
    call check_close(grid, 2.5_real64, exact, 'rank 3')
    call check_equal(s%get_shape(), [1_int64, 1_int64, 1_int64], 'shape kept')
  end subroutine rank_0

  !> The array outlives its tensor, and a tensor made anew finds what the former one left.
  subroutine scope_of_array()
    real(real64), target :: x(2)
    integer :: i

    x = 1
    do i = 1, 3
      call double_in_place(x)
    end do
    call check_close(x, 8.0_real64, exact, 'values')

  contains

    subroutine double_in_place(array)
      real(real64), target, intent(inout) :: array(:)
      type(torch_tensor) :: tensor

      call torch_tensor_from_array(tensor, array, torch_kCPU)
      tensor = tensor + tensor
      call torch_delete(tensor)
    end subroutine double_in_place
  end subroutine scope_of_array

  subroutine check_values(tensor, expected, message)
    type(torch_tensor), intent(in) :: tensor
    real(real64), intent(in) :: expected(:)
    character(len=*), intent(in) :: message
    real(real64) :: values(size(expected))

    call torch_tensor_to_array(tensor, values)
    call check_close(values, expected, exact, message)
  end subroutine check_values

end module attached_cases

program test_attached
  use attached_cases
  use testing, only: add_case, run_cases
  implicit none

  call add_case('follows', follows)
  call add_case('follows_in_graph', follows_in_graph)
  call add_case('other_shape', other_shape)
  call add_case('other_dtype', other_dtype)
  call add_case('writes_seen', writes_seen)
  call add_case('two_tensors', two_tensors)
  call add_case('copies', copies)
  call add_case('copies_over_values', copies_over_values)
  call add_case('squares', squares)
  call add_case('self_assignment', self_assignment)
  call add_case('parentheses', parentheses)
  call add_case('rank_0', rank_0)
  call add_case('scope_of_array', scope_of_array)
  call run_cases()
end program test_attached
