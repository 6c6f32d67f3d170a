! SPDX-License-Identifier: MIT
!> External gradients: never kept as the gradient of a leaf, so that arrays of the program are neither read nor written later.
module seeds_cases
  use, intrinsic :: iso_fortran_env, only: int64, real64
  use ftorch
  use testing, only: check, check_close, check_status
  implicit none
  private
  public :: rank_0, same_shape, sections, given_twice, unattached, complex_output, gradient_is_a_copy

  real(real64), parameter :: exact = 0

contains

  !> Leaves of rank 0, the result in an array of one element: the seed reaches the leaves as a view.
  subroutine rank_0()
    real(real64), target :: a, b, d(1), g(1)
    type(torch_tensor) :: ta, tb, td, tg

    a = 2
    b = 3
    g = 1
    call torch_tensor_from_array(ta, a, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(tb, b, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(td, d, torch_kCPU)
    call torch_tensor_from_array(tg, g, torch_kCPU)
    td = ta + tb
    call torch_tensor_backward(td, tg)
    g = 10
    call check_gradient_0(ta, 1.0_real64)
    call check_gradient_0(tb, 1.0_real64)
    td = ta + tb
    call torch_tensor_backward(td, tg)
    call check_close(g, 10.0_real64, exact, 'the seed is not written')
    call check_gradient_0(ta, 11.0_real64)
    call check_gradient_0(tb, 11.0_real64)
  end subroutine rank_0

  subroutine check_gradient_0(leaf, expected)
    type(torch_tensor), intent(in) :: leaf
    real(real64), intent(in) :: expected
    type(torch_tensor) :: gradient
    real(real64) :: got

    call torch_tensor_get_gradient(gradient, leaf)
    got = gradient
    call check_close(got, expected, exact, 'gradient')
  end subroutine check_gradient_0

  subroutine check_gradient(leaf, expected)
    type(torch_tensor), intent(in) :: leaf
    real(real64), intent(in) :: expected(:)
    type(torch_tensor) :: gradient
    real(real64) :: got(size(expected))

    call torch_tensor_get_gradient(gradient, leaf)
    got = gradient
    call check_close(got, expected, exact, 'gradient')
  end subroutine check_gradient

  !> A leaf itself, and a sum, whose gradient is the seed.
  subroutine same_shape()
    real(real64), target :: x(2), y(2), g(2)
    type(torch_tensor) :: a, b, tg, result

    x = [1, 2]
    y = [3, 4]
    g = [1, 2]
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(b, y, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(tg, g, torch_kCPU)
    call torch_tensor_backward(a, tg)
    result = a + b
    call torch_tensor_backward(result, tg)
    g = 100
    call check_gradient(a, [2.0_real64, 4.0_real64])
    call check_gradient(b, [1.0_real64, 2.0_real64])
    result = a - b
    call torch_tensor_backward(result, tg)
    call check_close(g, 100.0_real64, exact, 'the seed is not written')
    call check_gradient(a, [102.0_real64, 104.0_real64])
    call check_gradient(b, [-99.0_real64, -98.0_real64])
  end subroutine same_shape

  !> The seed is a row of a matrix.
  subroutine sections()
    real(real64), target :: x(3), g(2, 3)
    type(torch_tensor) :: a, tg, result

    x = [1, 2, 3]
    g = 1
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(tg, g(2, :), torch_kCPU)
    result = a + 1
    call torch_tensor_backward(result, tg)
    g = 5
    result = a + 1
    call torch_tensor_backward(result, tg)
    call check_gradient(a, [6.0_real64, 6.0_real64, 6.0_real64])
    call check_close(g, 5.0_real64, exact, 'the seed is not written')
  end subroutine sections

  !> One seed for two graphs, and the same graph twice.
  subroutine given_twice()
    real(real64), target :: x(2), y(2), g(2)
    type(torch_tensor) :: a, b, tg, p, q

    x = 1
    y = 1
    g = [1, 2]
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(b, y, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(tg, g, torch_kCPU)
    p = a + 1
    q = b + 1
    call torch_tensor_backward(p, tg, retain_graph=.true.)
    call torch_tensor_backward(q, tg)
    call torch_tensor_backward(p, tg)
    call check_gradient(a, [2.0_real64, 4.0_real64])
    call check_gradient(b, [1.0_real64, 2.0_real64])
    call check_close(g, [1.0_real64, 2.0_real64], exact, 'the seed is not written')
  end subroutine given_twice

  !> A seed with memory of its own: its later zeroing does not reach the gradient.
  subroutine unattached()
    real(real64), target :: x(2)
    type(torch_tensor) :: a, g, result

    x = 1
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    call torch_tensor_ones(g, 1, [2_int64], torch_kFloat64, torch_kCPU)
    result = a + 1
    call torch_tensor_backward(result, g)
    call torch_tensor_zero(g)
    call check_gradient(a, [1.0_real64, 1.0_real64])
    result = a + 1
    call torch_tensor_backward(result, 3 * result)
    call check_gradient(a, [7.0_real64, 7.0_real64])
  end subroutine unattached

  subroutine complex_output()
    complex(real64), target :: z(2), g(2)
    type(torch_tensor) :: a, result, seed
    type(torch_status) :: status
    type(torch_tensor) :: gradient
    complex(real64) :: got(2)

    z = [(1.0_real64, 2.0_real64), (3.0_real64, 4.0_real64)]
    g = (1.0_real64, 0.0_real64)
    call torch_tensor_from_array(a, z, torch_kCPU, requires_grad=.true.)
    result = a * a
    call torch_tensor_backward(result, status=status)
    call check_status(status, torch_autograd_error, 'complex128; a complex tensor needs an external_gradient')
    call torch_tensor_from_array(seed, g, torch_kCPU)
    call torch_tensor_backward(result, seed)
    call torch_tensor_get_gradient(gradient, a)
    got = gradient
    call check(all(abs(got - conjg(2 * z)) <= 0), 'PyTorch gives the conjugate of the derivative')
  end subroutine complex_output

  !> What get_gradient gives is no view of the gradient.
  subroutine gradient_is_a_copy()
    real(real64), target :: x(2), held(2)
    type(torch_tensor) :: a, result, gradient, attached

    x = 1
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(attached, held, torch_kCPU)
    result = a * 2
    call torch_tensor_backward(result)
    call torch_tensor_get_gradient(gradient, a)
    call torch_tensor_zero(gradient)
    call torch_tensor_get_gradient(attached, a)
    held = 50
    call check_gradient(a, [2.0_real64, 2.0_real64])
  end subroutine gradient_is_a_copy

end module seeds_cases

program test_seeds
  use seeds_cases
  use testing, only: add_case, run_cases
  implicit none

  call add_case('rank_0', rank_0)
  call add_case('same_shape', same_shape)
  call add_case('sections', sections)
  call add_case('given_twice', given_twice)
  call add_case('unattached', unattached)
  call add_case('complex_output', complex_output)
  call add_case('gradient_is_a_copy', gradient_is_a_copy)
  call run_cases()
end program test_seeds
