! SPDX-License-Identifier: MIT
!> Derivatives against analytic ones and finite differences.
module autograd_cases
  use, intrinsic :: iso_fortran_env, only: int64, real32, real64
  use ftorch
  use testing, only: check, check_close, check_equal
  implicit none
  private
  public :: scalar_output, not_scalar, external_gradient, retain_graph, accumulated, zero_grad
  public :: requires_grad, two_leaves, copy_of_gradient, numbers_on_both_sides, single_precision
  public :: finite_differences, rebuilt_leaf, strided_leaf, deep_chain

  real(real64), parameter :: exact = 0, tight = 1.0e-14_real64

contains

  subroutine scalar_output()
    real(real64), target :: x(4)
    real(real64) :: gradient(4)
    type(torch_tensor) :: a, y, g

    x = [1.0_real64, -2.0_real64, 0.5_real64, 3.0_real64]
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    call torch_tensor_mean(y, a * a * a)
    call torch_tensor_backward(y)
    call torch_tensor_get_gradient(g, a)
    gradient = g
    call check_close(gradient, 3 * x**2 / 4, tight, 'mean of cubes')
  end subroutine scalar_output

  !> Without an external gradient a result of several elements is differentiated as its sum.
  subroutine not_scalar()
    real(real64), target :: x(2, 2)
    real(real64) :: gradient(2, 2)
    type(torch_tensor) :: a, y, g

    x = reshape([1, 2, 3, 4], [2, 2])
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    y = 1 / a
    call torch_tensor_backward(y)
    call torch_tensor_get_gradient(g, a)
    gradient = g
    call check_close(gradient, -1 / x**2, tight, 'quotient')
  end subroutine not_scalar

  subroutine external_gradient()
    real(real64), target :: x(3), weights(3)
    real(real64) :: gradient(3)
    type(torch_tensor) :: a, y, w, g

    x = [1, 2, 3]
    weights = [0.5_real64, -1.0_real64, 2.0_real64]
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(w, weights, torch_kCPU)
    y = a**2
    call torch_tensor_backward(y, w)
    call torch_tensor_get_gradient(g, a)
    gradient = g
    call check_close(gradient, 2 * x * weights, tight, 'weighted')
    y = a**2
    call torch_tensor_backward(y, w, .true.)
    call torch_tensor_backward(y, external_gradient=w, retain_graph=.false.)
    call torch_tensor_get_gradient(g, a)
    gradient = g
    call check_close(gradient, 6 * x * weights, tight, 'three times')
    call a%zero_grad()
    y = a + 1
    call torch_tensor_backward(y, w)
    weights = -7
    call torch_tensor_get_gradient(g, a)
    gradient = g
    call check_close(gradient, [0.5_real64, -1.0_real64, 2.0_real64], exact, 'not shared')
  end subroutine external_gradient

  subroutine retain_graph()
    real(real64), target :: x(2)
    real(real64) :: gradient(2)
    type(torch_tensor) :: a, y, g
    type(torch_status) :: status

    x = [1, 2]
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    y = a * a
    call torch_tensor_backward(y, .true.)
    call torch_tensor_backward(y, retain_graph=.true.)
    call torch_tensor_backward(y)
    call torch_tensor_get_gradient(g, a)
    gradient = g
    call check_close(gradient, 6 * x, tight, 'three times')
    call torch_tensor_backward(y, status=status)
    call check_equal(status%code, torch_autograd_error, 'the graph is gone')
  end subroutine retain_graph

  subroutine accumulated()
    real(real64), target :: x(2)
    real(real64) :: gradient(2)
    type(torch_tensor) :: a, y, g
    integer :: i

    x = [1, 2]
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    do i = 1, 4
      y = a * a
      call torch_tensor_backward(y)
      call torch_tensor_get_gradient(g, a)
      gradient = g
      call check_close(gradient, 2 * x * i, tight, 'accumulated')
    end do
  end subroutine accumulated

  subroutine zero_grad()
    real(real64), target :: x(2)
    real(real64) :: gradient(2)
    type(torch_tensor) :: a, y, g

    x = [1, 2]
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    call a%zero_grad()
    y = a * a
    call torch_tensor_backward(y)
    call a%zero_grad()
    call torch_tensor_get_gradient(g, a)
    gradient = g
    call check_close(gradient, 0.0_real64, exact, 'zero')
    y = a * 3
    call torch_tensor_backward(y)
    call torch_tensor_get_gradient(g, a)
    call torch_tensor_zero_grad(a)
    gradient = g
    call check_close(gradient, 3.0_real64, exact, 'anew, and a copy')
  end subroutine zero_grad

  subroutine requires_grad()
    real(real64), target :: x(2)
    type(torch_tensor) :: a, b, y

    x = 1
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(b, x, torch_kCPU)
    y = b * b
    call check(.not. y%requires_grad(), 'constants')
    y = a * b
    call check(y%requires_grad(), 'one leaf')
    y = b
    call check(.not. y%requires_grad(), 'a constant assigned')
    call torch_tensor_sum(y, a)
    call check(y%requires_grad(), 'sum')
  end subroutine requires_grad

  subroutine two_leaves()
    real(real64), target :: x(2, 3), w(3)
    real(real64) :: gradient(2, 3), gradient_w(3)
    type(torch_tensor) :: a, b, y, g

    x = reshape([1, 2, 3, 4, 5, 6], [2, 3])
    w = [0.5_real64, 1.5_real64, -1.0_real64]
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(b, w, torch_kCPU, requires_grad=.true.)
    y = a * b - b / 2
    call torch_tensor_backward(y)
    call torch_tensor_get_gradient(g, a)
    gradient = g
    call check_close(gradient, spread(w, 1, 2), tight, 'of the first')
    call torch_tensor_get_gradient(g, b)
    gradient_w = g
    call check_close(gradient_w, sum(x, 1) - 1, tight, 'of the broadcast one')
  end subroutine two_leaves

  subroutine copy_of_gradient()
    real(real64), target :: x(2)
    real(real64) :: gradient(2)
    type(torch_tensor) :: a, y, g

    x = [1, 2]
    call torch_tensor_ones(g, 1, [2_int64], torch_kFloat64, torch_kCPU)
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    y = a * a
    call torch_tensor_backward(y)
    call torch_tensor_get_gradient(g, a)
    call g%zero()
    call torch_tensor_get_gradient(y, a)
    gradient = y
    call check_close(gradient, 2 * x, tight, 'the gradient itself stays')
    y = a * a
    call torch_tensor_get_gradient(g, a)
    call torch_tensor_backward(y)
    gradient = g
    call check_close(gradient, 2 * x, tight, 'the copy stays')
  end subroutine copy_of_gradient

  subroutine numbers_on_both_sides()
    real(real64), target :: x(3)
    real(real64) :: gradient(3)
    type(torch_tensor) :: a, y, g

    x = [0.5_real64, 1.0_real64, 2.0_real64]
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    y = 2 + a * 3 - 4.0 / a + 2.0_real64**a - (1 - a) + a**3 - (-a)
    call torch_tensor_backward(y)
    call torch_tensor_get_gradient(g, a)
    gradient = g
    call check_close(gradient, 5 + 4 / x**2 + log(2.0_real64) * 2**x + 3 * x**2, tight, 'sum')
  end subroutine numbers_on_both_sides

  subroutine single_precision()
    real(real32), target :: x(3), gradient(3)
    type(torch_tensor) :: a, y, g

    x = [0.5, 1.0, 2.0]
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(g, gradient, torch_kCPU)
    y = a * a / (a + 1)
    call torch_tensor_backward(y)
    call torch_tensor_get_gradient(g, a)
    call check_close(gradient, (x**2 + 2 * x) / (x + 1)**2, 1.0e-6_real32, 'rational')
  end subroutine single_precision

  !> Central differences of the library's own values.
  subroutine finite_differences()
    real(real64), parameter :: step = 1.0e-5_real64
    real(real64), target :: x(4), w(4)
    real(real64) :: gradient(4), difference, base
    type(torch_tensor) :: a, b, y, g
    integer :: i

    x = [0.3_real64, 1.2_real64, -0.7_real64, 2.1_real64]
    w = [1.1_real64, 0.4_real64, 0.9_real64, -0.6_real64]
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(b, w, torch_kCPU)
    call evaluate(y)
    call torch_tensor_backward(y)
    call torch_tensor_get_gradient(g, a)
    gradient = g
    do i = 1, size(x)
      base = x(i)
      x(i) = base + step
      difference = value()
      x(i) = base - step
      difference = (difference - value()) / (2 * step)
      x(i) = base
      call check_close(gradient(i), difference, 1.0e-8_real64, 'difference quotient')
    end do

  contains

    subroutine evaluate(output)
      type(torch_tensor), intent(inout) :: output

      call torch_tensor_sum(output, (a * b + a**2) / (a * a + 1) - 2.0_real64 * a * (b - a)**3)
    end subroutine evaluate

    function value()
      real(real64) :: value
      type(torch_tensor) :: output

      call evaluate(output)
      value = output
    end function value
  end subroutine finite_differences

  !> A leaf that is constructed anew starts without a gradient.
  subroutine rebuilt_leaf()
    real(real64), target :: x(2)
    real(real64) :: gradient(2)
    type(torch_tensor) :: a, y, g
    integer :: i

    do i = 1, 3
      x = i
      call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
      y = a * a
      call torch_tensor_backward(y)
      call torch_tensor_get_gradient(g, a)
      gradient = g
      call check_close(gradient, 2 * x, tight, 'not accumulated')
    end do
  end subroutine rebuilt_leaf

  subroutine strided_leaf()
    real(real64), target :: x(3, 2), q(2, 3)
    real(real64) :: gradient(2)
    type(torch_tensor) :: a, y, g, c

    x = 2
    x(2, :) = [3, 4]
    call torch_tensor_from_array(a, x(2, :), torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(c, q(:, 2), torch_kCPU)
    c = a * a
    y = c * a
    call check_close(q(:, 2), [9.0_real64, 16.0_real64], exact, 'result in a column')
    call torch_tensor_backward(y)
    call torch_tensor_get_gradient(g, a)
    gradient = g
    call check_close(gradient, 3 * x(2, :)**2, tight, 'gradient')
  end subroutine strided_leaf

  subroutine deep_chain()
    real(real64), target :: x(1)
    real(real64) :: gradient(1), value, derivative
    type(torch_tensor) :: a, y, g
    integer :: i

    x = 0.3_real64
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    y = a
    value = x(1)
    derivative = 1
    do i = 1, 500
      y = 3.7_real64 * y * (1 - y) * a + a
      derivative = 3.7_real64 * ((1 - 2 * value) * derivative * x(1) + value * (1 - value)) + 1
      value = 3.7_real64 * value * (1 - value) * x(1) + x(1)
    end do
    call torch_tensor_backward(y)
    call torch_tensor_get_gradient(g, a)
    gradient = g
    call check_close(gradient(1), derivative, 1.0e-12_real64, '500 operators deep')
  end subroutine deep_chain

end module autograd_cases

program test_autograd
  use autograd_cases
  use testing, only: add_case, run_cases
  implicit none

  call add_case('scalar_output', scalar_output)
  call add_case('not_scalar', not_scalar)
  call add_case('external_gradient', external_gradient)
  call add_case('retain_graph', retain_graph)
  call add_case('accumulated', accumulated)
  call add_case('zero_grad', zero_grad)
  call add_case('requires_grad', requires_grad)
  call add_case('two_leaves', two_leaves)
  call add_case('copy_of_gradient', copy_of_gradient)
  call add_case('numbers_on_both_sides', numbers_on_both_sides)
  call add_case('single_precision', single_precision)
  call add_case('finite_differences', finite_differences)
  call add_case('rebuilt_leaf', rebuilt_leaf)
  call add_case('strided_leaf', strided_leaf)
  call add_case('deep_chain', deep_chain)
  call run_cases()
end program test_autograd
