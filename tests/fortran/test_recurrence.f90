! SPDX-License-Identifier: MIT
!> Attached arrays in the graph: the array follows, and the graph keeps what it saved.
module recurrence_cases
  use, intrinsic :: iso_fortran_env, only: int64, real64
  use ftorch
  use testing, only: check, check_close, check_equal
  implicit none
  private
  public :: reused, recurrence, recurrence_reused, saved_operand, saved_twice
  public :: leaf_overwritten, gradient_attached, constant_after_graph
  public :: through_assignment

  real(real64), parameter :: exact = 0, tight = 1.0e-14_real64

contains

  !> One set of tensors serves all iterations.
  subroutine reused()
    real(real64), target :: x(3), w(3), q(3), loss(1), gradient(3)
    type(torch_tensor) :: a, b, c, l, g
    integer :: i

    w = [0.5_real64, 1.0_real64, 1.5_real64]
    call torch_tensor_from_array(a, x, torch_kCPU)
    call torch_tensor_from_array(b, w, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(c, q, torch_kCPU)
    call torch_tensor_from_array(l, loss, torch_kCPU)
    call torch_tensor_from_array(g, gradient, torch_kCPU)
    do i = 1, 5
      x = [1, 2, 3] * real(i, real64)
      call b%zero_grad()
      c = a * b * b
      call torch_tensor_mean(l, c)
      call check_close(q, x * w * w, tight, 'values')
      call check_close(loss(1), sum(q) / 3, tight, 'loss')
      call torch_tensor_backward(l)
      call torch_tensor_get_gradient(g, b)
      call check_close(gradient, 2 * x * w / 3, tight, 'gradient')
    end do
  end subroutine reused

  subroutine recurrence()
    call run_recurrence(1)
  end subroutine recurrence

  subroutine recurrence_reused()
    call run_recurrence(3)
  end subroutine recurrence_reused

  !> h = w*h*h + x, four times, through the attached h; reference: the derivative carried forward.
  subroutine run_recurrence(repetitions)
    integer, intent(in) :: repetitions
    real(real64), target :: w(3), h(3), x(3), gradient(3)
    real(real64) :: state(3), derivative(3)
    type(torch_tensor) :: wt, ht, xt, g
    integer :: i, repetition

    w = [0.3_real64, -0.2_real64, 0.7_real64]
    x = [0.1_real64, 0.5_real64, -0.3_real64]
    call torch_tensor_from_array(wt, w, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(ht, h, torch_kCPU)
    call torch_tensor_from_array(xt, x, torch_kCPU)
    call torch_tensor_from_array(g, gradient, torch_kCPU)
    do repetition = 1, repetitions
      state = [0.4_real64, 0.6_real64, -0.5_real64] / repetition
      derivative = 0
      call set_start(ht, state)
      call wt%zero_grad()
      do i = 1, 4
        derivative = state**2 + 2 * w * state * derivative
        state = w * state * state + x
        ht = wt * ht * ht + xt
        call check_close(h, state, tight, 'array')
      end do
      call torch_tensor_backward(ht)
      call torch_tensor_get_gradient(g, wt)
      call check_close(gradient, derivative, tight, 'gradient')
    end do
  end subroutine run_recurrence

  !> tensor = values, through a constant that ends the graph of the former iteration.
  subroutine set_start(tensor, values)
    type(torch_tensor), intent(inout) :: tensor
    real(real64), intent(in), target :: values(:)
    type(torch_tensor) :: start

    call torch_tensor_from_array(start, values, torch_kCPU)
    tensor = start
  end subroutine set_start

  !> y = b*x keeps the old x when x is assigned anew before backward.
  subroutine saved_operand()
    real(real64), target :: x(2), w(2), q(2), gradient(2)
    real(real64) :: total
    type(torch_tensor) :: a, b, y, g, s

    x = [2, 3]
    w = [5, 7]
    call torch_tensor_from_array(a, x, torch_kCPU)
    call torch_tensor_from_array(b, w, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(y, q, torch_kCPU)
    call torch_tensor_from_array(g, gradient, torch_kCPU)
    y = b * a
    a = a + 10
    call check_close(x, [12.0_real64, 13.0_real64], exact, 'assigned')
    call torch_tensor_backward(y)
    call torch_tensor_get_gradient(g, b)
    call check_close(gradient, [2.0_real64, 3.0_real64], exact, 'gradient of the old value')
    x = 1
    call torch_tensor_sum(s, a)
    call torch_tensor_to_array(s, total)
    call check_close(total, 2.0_real64, exact, 'the array is the tensor again')
  end subroutine saved_operand

  subroutine saved_twice()
    real(real64), target :: x(2), w(2), gradient(2)
    type(torch_tensor) :: a, b, y, z, g

    x = [2, 3]
    w = [5, 7]
    call torch_tensor_from_array(a, x, torch_kCPU)
    call torch_tensor_from_array(b, w, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(g, gradient, torch_kCPU)
    y = b * a
    a = a * 2
    z = b * a
    call a%zero()
    y = y + z * 10
    call torch_tensor_backward(y)
    call torch_tensor_get_gradient(g, b)
    call check_close(gradient, [42.0_real64, 63.0_real64], exact, 'both old values')
    call check_close(x, 0.0_real64, exact, 'the array')
  end subroutine saved_twice

  !> A leaf that is assigned a result of a graph stops being one; the graph of its former value is untouched.
  subroutine leaf_overwritten()
    real(real64), target :: x(2), gradient(2)
    type(torch_tensor) :: a, y, kept, g
    type(torch_status) :: status

    x = [2, 3]
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    y = a * a
    kept = a
    a = a * 2
    call check_close(x, [4.0_real64, 6.0_real64], exact, 'array')
    call check(a%requires_grad(), 'still in the graph')
    call torch_tensor_backward(y)
    call torch_tensor_get_gradient(g, a, status)
    call check_equal(status%code, torch_autograd_error, 'no gradient of a result')
    gradient = kept
    call check_close(gradient, [2.0_real64, 3.0_real64], exact, 'a copy made before')
  end subroutine leaf_overwritten

  !> The array of a gradient follows, and the gradient is a copy.
  subroutine gradient_attached()
    real(real64), target :: x(2), gradient(2)
    type(torch_tensor) :: a, y, g
    integer :: i

    x = [2, 3]
    gradient = 0
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(g, gradient, torch_kCPU)
    do i = 1, 3
      y = a * a
      call torch_tensor_backward(y)
      call check_close(gradient, 2 * x * (i - 1), exact, 'a copy stays as it was')
      call torch_tensor_get_gradient(g, a)
      call check_close(gradient, 2 * x * i, exact, 'accumulated')
    end do
    call check(.not. g%requires_grad(), 'a gradient is no variable')
  end subroutine gradient_attached

  !> What held a graph is a plain array again after a constant was assigned.
  subroutine constant_after_graph()
    real(real64), target :: x(2), q(2), c(2)
    real(real64) :: values(2)
    type(torch_tensor) :: a, y, constant

    x = [2, 3]
    c = 1
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(y, q, torch_kCPU)
    call torch_tensor_from_array(constant, c, torch_kCPU)
    y = a * a
    call check(y%requires_grad(), 'in the graph')
    y = constant
    call check(.not. y%requires_grad(), 'out of the graph')
    call check_close(q, 1.0_real64, exact, 'array')
    q = 5
    values = y
    call check_close(values, 5.0_real64, exact, 'the array is the tensor')
    c = 7
    call check_close(q, 5.0_real64, exact, 'the constant is not shared')
  end subroutine constant_after_graph

  !> Assignment to an attached tensor stays in the graph.
  subroutine through_assignment()
    real(real64), target :: x(2), q(2), gradient(2)
    type(torch_tensor) :: a, b, y, g

    x = [2, 3]
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(b, q, torch_kCPU)
    call torch_tensor_from_array(g, gradient, torch_kCPU)
    b = a
    call check_close(q, x, exact, 'array')
    call check(b%requires_grad(), 'in the graph')
    y = b * b * b
    call torch_tensor_backward(y)
    call torch_tensor_get_gradient(g, a)
    call check_close(gradient, 3 * x**2, exact, 'gradient')
  end subroutine through_assignment

end module recurrence_cases

program test_recurrence
  use recurrence_cases
  use testing, only: add_case, run_cases
  implicit none

  call add_case('reused', reused)
  call add_case('recurrence', recurrence)
  call add_case('recurrence_reused', recurrence_reused)
  call add_case('saved_operand', saved_operand)
  call add_case('saved_twice', saved_twice)
  call add_case('leaf_overwritten', leaf_overwritten)
  call add_case('gradient_attached', gradient_attached)
  call add_case('constant_after_graph', constant_after_graph)
  call add_case('through_assignment', through_assignment)
  call run_cases()
end program test_recurrence
