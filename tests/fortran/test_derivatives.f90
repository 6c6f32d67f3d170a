! SPDX-License-Identifier: MIT
!> Derivatives as results: gradients of several outputs, products, Jacobians, second derivatives.
module derivative_cases
  use, intrinsic :: iso_fortran_env, only: int64, real32, real64
  use ftorch
  use testing, only: check, check_close, check_equal, check_status
  implicit none
  private
  public :: several, seeds, create_graph, third_derivative, unused, refused, targets, intermediate, products, hessian
  public :: linear_hessian, jacobian, jacobian_shape, dot_product, many_jacobians, parameters

  integer, parameter :: dp = real64

contains

  !> Outputs u = x*y and w = x**3 of leaves over arrays; those of leaves stay without a gradient.
  subroutine several()
    real(dp), target :: x(2), y(2), gx(2)
    type(torch_tensor) :: a, b, u(2), g(2), none
    type(torch_status) :: status

    x = [2, 3]
    y = [5, 7]
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(b, y, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(g(1), gx, torch_kCPU)
    u(1) = a * b
    u(2) = a**3
    call torch_grad(g, u, [a, b], retain_graph=.true., status=status)
    call check(status%ok(), 'status')
    call check_close(gx, y + 3 * x**2, 1.0e-14_dp, 'over an array')
    call check_close(values(g(2)), x, 0.0_dp, 'made')
    call check(.not. g(2)%requires_grad(), 'no graph')
    call torch_tensor_get_gradient(none, a, status)
    call check_status(status, torch_autograd_error, 'no backward pass')
    call torch_grad(g, u, [a, b])
    call torch_grad(g, u, [a, b], status=status)
    call check_status(status, torch_autograd_error, 'retain_graph')
    call check_close(gx, y + 3 * x**2, 1.0e-14_dp, 'stays')
  end subroutine several

  subroutine seeds()
    real(dp), target :: x(2), v(2)
    type(torch_tensor) :: a, u(2), s(2), g(1)

    x = [2, 3]
    v = [10, 100]
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(s(1), v, torch_kCPU)
    u(1) = a * a
    u(2) = a * 3
    call torch_grad(g, u, [a], output_gradients=s)
    call check_close(values(g(1)), 2 * x * v + 3, 1.0e-14_dp, 'the second is differentiated as its sum')
    u(1) = a + 0
    call torch_grad(g, u(1:1), [a], output_gradients=s(1:1))
    v = 0
    call check_close(values(g(1)), [10.0_dp, 100.0_dp], 0.0_dp, 'a seed that passes through is copied')
  end subroutine seeds

  !> Of x**4, in several steps; the graph of a gradient keeps nothing of the seed's array.
  subroutine create_graph()
    real(dp), target :: x(2), v(2)
    type(torch_tensor) :: a, u(1), s(1), g(1), h(1)

    x = [2, 3]
    v = [1, 5]
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(s(1), v, torch_kCPU)
    u(1) = a**4
    call torch_grad(g, u, [a], output_gradients=s, create_graph=.true.)
    call check(g(1)%requires_grad(), 'graph')
    v = -1
    call torch_grad(h, g, [a])
    call check_close(values(h(1)), 12 * x**2 * [1, 5], 1.0e-13_dp, 'second')
  end subroutine create_graph

  subroutine third_derivative()
    real(dp), target :: x
    type(torch_tensor) :: a, u(1)
    integer :: i

    x = 2
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    u(1) = a**5
    do i = 1, 3
      call torch_grad(u, u, [a], create_graph=.true.)
    end do
    call torch_tensor_backward(u(1))
    call torch_tensor_get_gradient(u(1), a)
    call check_close(values(u(1)), [240.0_dp], 1.0e-12_dp, 'fourth')
  end subroutine third_derivative

  subroutine unused()
    real(dp), target :: x(2), y(2), gy(2)
    type(torch_tensor) :: a, b, u(1), g(2)
    type(torch_status) :: status

    x = 1
    y = 1
    gy = 7
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(b, y, torch_kCPU, requires_grad=.true.)
    u(1) = a * 2
    g(2) = b * 3
    call torch_grad(g, u, [a, b], retain_graph=.true., status=status)
    call check_status(status, torch_autograd_error, 'torch_grad: inputs(2): outputs do not depend on the tensor')
    call check(.not. holds(g(1)) .and. holds(g(2)), 'nothing written')
    call torch_grad(g, u, [a, b], retain_graph=.true., allow_unused=.true.)
    call check(holds(g(1)) .and. .not. holds(g(2)), 'empty')
    call torch_tensor_from_array(g(2), gy, torch_kCPU)
    call torch_grad(g, u, [a, b], allow_unused=.true.)
    call check_close(gy, [0.0_dp, 0.0_dp], 0.0_dp, 'zeros over an array')
  end subroutine unused

  subroutine refused()
    real(dp), target :: x(2), y(3)
    type(torch_tensor) :: a, b, u(1), g(1), h(2), none(1), nobody(0)
    type(torch_status) :: status

    x = 1
    y = 1
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(b, y, torch_kCPU)
    u(1) = a * 2
    call torch_grad(h, u, [a], status=status)
    call check_status(status, torch_invalid_argument, 'gradients has 2 elements, inputs 1')
    call torch_grad(g, u, [a], output_gradients=h, status=status)
    call check_status(status, torch_invalid_argument, 'output_gradients has 2 elements, outputs 1')
    call torch_grad(nobody, u, nobody, status=status)
    call check_status(status, torch_invalid_argument, 'inputs has no elements')
    call torch_grad(g, nobody, [a], status=status)
    call check_status(status, torch_invalid_argument, 'outputs has no elements')
    call torch_grad(g, none, [a], status=status)
    call check_status(status, torch_invalid_argument, 'outputs(1): the tensor holds nothing')
    call torch_grad(g, [b], [a], status=status)
    call check_status(status, torch_autograd_error, 'outputs(1): the tensor depends on nothing')
    call torch_grad(g, u, [b], status=status)
    call check_status(status, torch_autograd_error, 'inputs(1): the tensor was made without requires_grad')
    call torch_grad(g, u, [a], output_gradients=[b], status=status)
    call check_status(status, torch_shape_mismatch, 'output_gradients(1): the tensor has shape [3], the output [2]')
    call check(.not. holds(g(1)), 'nothing written')
    call torch_grad(g, u, [a])
    call check_close(values(g(1)), [2.0_dp, 2.0_dp], 0.0_dp, 'the graph is there after all that')
  end subroutine refused

  !> A target that does not fit is found before the pass, which may be made once more.
  subroutine targets()
    real(dp), target :: x(2), wrong(3), both(2)
    type(torch_tensor) :: a, b, u(1), g(1), twice(2)
    type(torch_status) :: status

    x = 1
    wrong = 4
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(b, x, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(g(1), wrong, torch_kCPU)
    call torch_tensor_from_array(twice(1), both, torch_kCPU)
    call torch_tensor_from_array(twice(2), both, torch_kCPU)
    u(1) = a * b
    call torch_grad(g, u, [a], status=status)
    call check_status(status, torch_shape_mismatch, 'gradients(1)')
    call torch_grad(twice, u, [a, b], status=status)
    call check_status(status, torch_invalid_argument, 'gradients(2): the tensor shares its memory with gradients(1)')
    call check_close(wrong, [4.0_dp, 4.0_dp, 4.0_dp], 0.0_dp, 'untouched')
    call torch_delete(g)
    call torch_grad(g, u, [a])
    call check_close(values(g(1)), x, 0.0_dp, 'gradient')
  end subroutine targets

  !> Inputs that are results, over arrays and not, and a sum of two paths.
  subroutine intermediate()
    real(dp), target :: x(2), hidden(2)
    type(torch_tensor) :: a, h, k, u(1), g(2)

    x = [2, 3]
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(h, hidden, torch_kCPU)
    h = a * a
    k = h * a
    u(1) = k * h
    call torch_grad(g, u, [h, k])
    call check_close(values(g(1)), 2 * x**3, 1.0e-13_dp, 'over an array')
    call check_close(values(g(2)), x**2, 1.0e-13_dp, 'in memory of LibTorch')
  end subroutine intermediate

  !> u = [x1*x2, x2**2, x1]: products with a Jacobian known by heart.
  subroutine products()
    real(dp), target :: x(2), v(2), w(2), p(2)
    type(torch_tensor) :: a, b, u, tv, tw, product
    type(torch_status) :: status

    x = [2, 3]
    v = [0.5, -1.0]
    w = [1.0, 10.0]
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(b, x, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(tv, v, torch_kCPU)
    call torch_tensor_from_array(tw, w, torch_kCPU)
    call torch_tensor_from_array(product, p, torch_kCPU)
    u = a**3 * 2
    call torch_vjp(product, u, a, tw)
    call check_close(p, 6 * x**2 * w, 1.0e-13_dp, 'vjp')
    call torch_jvp(product, u, a, tv)
    call check_close(p, 6 * x**2 * v, 1.0e-13_dp, 'jvp')
    call torch_jvp(product, u, a, tv)
    call check_close(p, 6 * x**2 * v, 1.0e-13_dp, 'again')
    call torch_vjp(product, u, b, tw, status)
    call check_status(status, torch_autograd_error, 'torch_vjp: output does not depend on input')
    call torch_jvp(product, tv, a, tv, status)
    call check_status(status, torch_autograd_error, 'torch_jvp: output: the tensor depends on nothing')
    call torch_jvp(product, u, tv, tv, status)
    call check_status(status, torch_autograd_error, 'torch_jvp: input: the tensor was made without requires_grad')
    call torch_tensor_zeros(tw, 1, [3_int64], torch_kFloat64, torch_kCPU)
    call torch_vjp(product, u, a, tw, status)
    call check_status(status, torch_shape_mismatch, 'vector has shape [3], output [2]')
    call torch_jvp(product, u, a, tw, status)
    call check_status(status, torch_shape_mismatch, 'vector has shape [3], input [2]')
    call check_close(p, 6 * x**2 * v, 1.0e-13_dp, 'stays')
  end subroutine products

  !> Of sum(x)**3 the Hessian is 6*sum(x) everywhere.
  subroutine hessian()
    real(dp), target :: x(2), v(2)
    type(torch_tensor) :: a, s, tv, product
    type(torch_status) :: status

    x = [2, 3]
    v = [0.5, -2.0]
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(tv, v, torch_kCPU)
    call torch_tensor_sum(s, a)
    call torch_hvp(product, s**3, a, tv)
    call check_close(values(product), [30, 30] * sum(v), 1.0e-12_dp, 'product')
    call torch_hvp(product, a * a, a, tv, status)
    call check_status(status, torch_shape_mismatch, 'output has shape [2]; it must have one element')
  end subroutine hessian

  subroutine linear_hessian()
    real(dp), target :: x(2)
    type(torch_tensor) :: a, s, product

    x = [2, 3]
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    call torch_tensor_sum(s, a * 3)
    call torch_hvp(product, s, a, a)
    call check_close(values(product), [0.0_dp, 0.0_dp], 0.0_dp, 'zeros')
  end subroutine linear_hessian

  !> Of x(i)*sum(x).
  subroutine jacobian()
    real(dp), target :: x(3), j(3, 3), expected(3, 3)
    type(torch_tensor) :: a, s, jacobians
    integer :: i

    x = [1, 2, 4]
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(jacobians, j, torch_kCPU)
    call torch_tensor_sum(s, a)
    call torch_jacobian(jacobians, a * s, a)
    do i = 1, 3
      expected(i, :) = x(i)
      expected(i, i) = x(i) + sum(x)
    end do
    call check_close(reshape(j, [9]), reshape(expected, [9]), 1.0e-14_dp, 'jacobian')
  end subroutine jacobian

  !> j(i, k, l) is the derivative of output(i) by input(k, l).
  subroutine jacobian_shape()
    real(real32), target :: x(2, 3), w(3), j(3, 2, 3)
    type(torch_tensor) :: a, b, jacobians
    type(torch_status) :: status
    integer :: i, k, l

    x = reshape([1, 2, 3, 4, 5, 6], [2, 3])
    w = [1, 10, 100]
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(b, w, torch_kCPU)
    call torch_tensor_from_array(jacobians, j, torch_kCPU)
    call torch_tensor_mean(jacobians, a, status)
    call check(.not. status%ok(), 'a mean does not fit')
    block
      type(torch_tensor) :: mean
      call torch_tensor_mean(mean, a)
      call torch_jacobian(jacobians, b * mean, a)
    end block
    do i = 1, 3
      do k = 1, 2
        do l = 1, 3
          call check(abs(j(i, k, l) - w(i) / 6) < 1.0e-5_real32, 'element')
        end do
      end do
    end do
    call torch_jacobian(jacobians, a, a, status)
    call check_status(status, torch_shape_mismatch, 'torch_jacobian')
  end subroutine jacobian_shape

  subroutine dot_product()
    real(dp), target :: x(5)
    type(torch_tensor) :: a, s
    real(dp) :: one, other

    x = [1, 2, 4, 5, 7]
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    call torch_tensor_sum(s, a)
    one = torch_dot_product_test(a * a * s, a)
    other = torch_dot_product_test(a * a * s, a, seed=2)
    call check(one < 1.0e-13_dp .and. other < 1.0e-13_dp, 'difference')
  end subroutine dot_product

  subroutine many_jacobians()
    real(dp), target :: x(3), j(3, 3)
    type(torch_tensor) :: a, u, jacobians
    integer(int64) :: before
    integer :: i

    x = [1, 2, 4]
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(jacobians, j, torch_kCPU)
    u = a * a
    before = torch_live_tensors()
    do i = 1, 1000
      u = a * a
      call torch_jacobian(jacobians, u, a)
    end do
    call check_equal(int(torch_live_tensors() - before), 0, 'live tensors')
    call check_close([j(1, 1), j(2, 1), j(3, 3)], [2.0_dp, 0.0_dp, 8.0_dp], 0.0_dp, 'jacobian')
  end subroutine many_jacobians

  !> Memory that an optimizer holds.
  subroutine parameters()
    real(dp), target :: x(2), g(2)
    type(torch_tensor) :: a, u(1), t(1)
    type(torch_optim) :: optim

    x = [1, 2]
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(t(1), g, torch_kCPU)
    call torch_optim_SGD(optim, [a], learning_rate=0.5)
    u(1) = a * a
    call torch_grad(t, u, [a])
    call torch_tensor_set_gradient(a, t(1))
    call optim%step()
    call check_close(x, [0.0_dp, 0.0_dp], 0.0_dp, 'step by a gradient that was asked for')
  end subroutine parameters

  logical function holds(tensor)
    use, intrinsic :: iso_c_binding, only: c_associated
    type(torch_tensor), intent(in) :: tensor

    holds = c_associated(tensor%p)
  end function holds

  function values(tensor) result(numbers)
    type(torch_tensor), intent(in) :: tensor
    real(dp), allocatable :: numbers(:)

    if (tensor%get_rank() == 0) then
      allocate (numbers(1))
    else
      allocate (numbers(product(tensor%get_shape())))
    end if
    call torch_tensor_to_array(tensor, numbers)
  end function values

end module derivative_cases

program test_derivatives
  use derivative_cases
  use testing, only: add_case, run_cases
  implicit none

  call add_case('several', several)
  call add_case('seeds', seeds)
  call add_case('create_graph', create_graph)
  call add_case('third_derivative', third_derivative)
  call add_case('unused', unused)
  call add_case('refused', refused)
  call add_case('targets', targets)
  call add_case('intermediate', intermediate)
  call add_case('products', products)
  call add_case('hessian', hessian)
  call add_case('linear_hessian', linear_hessian)
  call add_case('jacobian', jacobian)
  call add_case('jacobian_shape', jacobian_shape)
  call add_case('dot_product', dot_product)
  call add_case('many_jacobians', many_jacobians)
  call add_case('parameters', parameters)
  call run_cases()
end program test_derivatives
