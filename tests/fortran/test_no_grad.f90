! SPDX-License-Identifier: MIT
!> Regions without gradients, and leaves that are chosen after they were made.
module no_grad_cases
  use, intrinsic :: iso_fortran_env, only: real64
  use ftorch
  use model_files, only: model_file
  use testing, only: check, check_close, check_status
  implicit none
  private
  public :: operators, nested, unbalanced, update, leaf_in_region, pass_in_region, model, choose, refused, toggled, bound
  public :: optimizer_in_region, leaf_gradient

  integer, parameter :: dp = real64

contains

  subroutine operators()
    real(dp), target :: x(2), y(2)
    type(torch_tensor) :: a, b, loss

    x = [2, 3]
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(b, y, torch_kCPU)
    call torch_no_grad_begin()
    b = a * a
    call torch_tensor_sum(loss, b)
    call check(.not. b%requires_grad(), 'no graph')
    call check(.not. loss%requires_grad(), 'no graph of the sum')
    call torch_no_grad_end()
    call check_close(y, x**2, 0.0_dp, 'values')
    b = a * a
    call check(b%requires_grad(), 'a graph after the end')
  end subroutine operators

  subroutine nested()
    real(dp), target :: x(1)
    type(torch_tensor) :: a, b

    x = 1
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    call torch_no_grad_begin()
    call torch_no_grad_begin()
    call torch_no_grad_end()
    b = a * a
    call check(.not. b%requires_grad(), 'the outer one goes on')
    call torch_no_grad_end()
    b = a * a
    call check(b%requires_grad(), 'after both')
  end subroutine nested

  subroutine unbalanced()
    type(torch_status) :: status

    call torch_no_grad_end(status)
    call check_status(status, torch_invalid_argument, 'no region without gradients is open')
    call torch_no_grad_begin(status)
    call check(status%ok(), 'begin')
    call torch_no_grad_end(status)
    call check(status%ok(), 'end')
    call torch_no_grad_end(status)
    call check_status(status, torch_invalid_argument, 'torch_no_grad_end')
  end subroutine unbalanced

  !> A step of gradient descent written out: the leaf stays one, over its array.
  subroutine update()
    real(dp), target :: x(2)
    type(torch_tensor) :: w, g(1)
    integer :: i

    x = [2, 3]
    call torch_tensor_from_array(w, x, torch_kCPU, requires_grad=.true.)
    do i = 1, 3
      call torch_grad(g, [w * w], [w])
      call torch_no_grad_begin()
      w = w - 0.25_dp * g(1)
      call torch_no_grad_end()
    end do
    call check(w%requires_grad(), 'leaf')
    call check_close(x, [2, 3] / 8.0_dp, 1.0e-15_dp, 'three halvings')
  end subroutine update

  subroutine leaf_in_region()
    real(dp), target :: x(1)
    type(torch_tensor) :: a, b

    x = 3
    call torch_no_grad_begin()
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    call torch_no_grad_end()
    b = a * a
    call torch_tensor_backward(b)
    call torch_tensor_get_gradient(b, a)
    call check_close(first(b), 6.0_dp, 0.0_dp, 'gradient')
  end subroutine leaf_in_region

  !> A graph from outside can be differentiated inside, twice as well.
  subroutine pass_in_region()
    real(dp), target :: x(1)
    type(torch_tensor) :: a, b(1), g(1), h(1)

    x = 3
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    b(1) = a * a * a
    call torch_no_grad_begin()
    call torch_grad(g, b, [a], create_graph=.true.)
    call torch_grad(h, g, [a], retain_graph=.true.)
    call torch_tensor_backward(b(1))
    call torch_no_grad_end()
    call check_close(first(h(1)), 18.0_dp, 1.0e-14_dp, 'second derivative')
    call torch_tensor_get_gradient(g(1), a)
    call check_close(first(g(1)), 27.0_dp, 1.0e-14_dp, 'backward')
  end subroutine pass_in_region

  !> A forward pass with requires_grad has none in a region, and has one after it.
  subroutine model()
    real, target :: x(2), y(2)
    type(torch_tensor) :: a, b
    type(torch_model) :: scaling

    x = [1, 2]
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(b, y, torch_kCPU)
    call torch_model_load(scaling, model_file('scaling.pt'), torch_kCPU)
    call torch_model_forward(scaling, [a], [b], requires_grad=.true.)
    call check(b%requires_grad(), 'graph')
    call torch_no_grad_begin()
    call torch_model_forward(scaling, [a], [b], requires_grad=.true.)
    call torch_no_grad_end()
    call check(.not. b%requires_grad(), 'no graph')
    call torch_model_forward(scaling, [a], [b], requires_grad=.true.)
    call check(b%requires_grad(), 'graph again')
  end subroutine model

  subroutine optimizer_in_region()
    real(dp), target :: x(1)
    type(torch_tensor) :: a
    type(torch_optim) :: optim

    x = 3
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    call torch_optim_SGD(optim, [a], learning_rate=0.5)
    call torch_tensor_backward(a * a)
    call torch_no_grad_begin()
    call optim%step()
    call torch_no_grad_end()
    call check_close(x, [0.0_dp], 0.0_dp, 'step')
  end subroutine optimizer_in_region

  subroutine choose()
    real(dp), target :: x(2)
    type(torch_tensor) :: a, b, made
    type(torch_status) :: status

    x = [2, 3]
    call torch_tensor_from_array(a, x, torch_kCPU)
    made = a * 2
    call torch_tensor_set_requires_grad(a, .true., status)
    call check(status%ok(), 'status')
    call check(a%requires_grad(), 'over an array')
    call torch_tensor_set_requires_grad(made, .true.)
    b = a * made
    call torch_tensor_backward(b)
    call torch_tensor_get_gradient(b, a)
    call check_close(first(b), 4.0_dp, 0.0_dp, 'gradient')
    call torch_tensor_get_gradient(b, made)
    call check_close(first(b), 2.0_dp, 0.0_dp, 'gradient of a result')
    call torch_tensor_set_requires_grad(a, .false.)
    x = [5, 7]
    b = a * a
    call check(.not. b%requires_grad(), 'no more')
    call check_close(first(b), 25.0_dp, 0.0_dp, 'the array is seen')
  end subroutine choose

  !> What a graph saved of a tensor that is a leaf no more is not what the program writes then.
  subroutine toggled()
    real(dp), target :: x(2), w(2)
    type(torch_tensor) :: a, b, c, g

    x = [2, 3]
    w = [5, 7]
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(b, w, torch_kCPU, requires_grad=.true.)
    c = a * b
    call torch_tensor_set_requires_grad(b, .false.)
    b = a * 0
    call torch_tensor_backward(c)
    call torch_tensor_get_gradient(g, a)
    call check_close(first(g), 5.0_dp, 0.0_dp, 'gradient')
  end subroutine toggled

  subroutine refused()
    real(dp), target :: x(2)
    integer, target :: i(2)
    type(torch_tensor) :: a, b, none
    type(torch_status) :: status

    x = 1
    i = 1
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    b = a * a
    call torch_tensor_set_requires_grad(b, .false., status)
    call check_status(status, torch_autograd_error, 'no leaf but the result of an operation')
    call check(b%requires_grad(), 'stays')
    call torch_tensor_set_requires_grad(b, .true., status)
    call check(status%ok(), 'it has')
    call torch_tensor_set_requires_grad(none, .true., status)
    call check_status(status, torch_invalid_argument, 'torch_tensor_set_requires_grad: the tensor holds nothing')
    call torch_tensor_from_array(b, i, torch_kCPU)
    call torch_tensor_set_requires_grad(b, .true., status)
    call check_status(status, torch_dtype_mismatch, 'the tensor has dtype int32')
    call torch_tensor_set_requires_grad(b, .false., status)
    call check(status%ok(), 'nothing to do')
  end subroutine refused

  subroutine bound()
    real(dp), target :: x(2)
    type(torch_tensor) :: a
    type(torch_status) :: status

    x = 1
    call torch_tensor_from_array(a, x, torch_kCPU)
    call a%set_requires_grad(.true.)
    call check(a%requires_grad(), 'set')
    call a%set_requires_grad(.false., status)
    call check(.not. a%requires_grad(), 'taken away')
    call check(status%ok(), 'status')
  end subroutine bound

  !> A gradient that a leaf has stays while it is none.
  subroutine leaf_gradient()
    real(dp), target :: x(1)
    type(torch_tensor) :: a, g

    x = 3
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    call torch_tensor_backward(a * a)
    call a%set_requires_grad(.false.)
    call a%set_requires_grad(.true.)
    call torch_tensor_backward(a * a)
    call torch_tensor_get_gradient(g, a)
    call check_close(first(g), 12.0_dp, 0.0_dp, 'accumulated')
  end subroutine leaf_gradient

  real(dp) function first(tensor)
    type(torch_tensor), intent(in) :: tensor
    real(dp), allocatable :: numbers(:)

    allocate (numbers(product(tensor%get_shape())))
    call torch_tensor_to_array(tensor, numbers)
    first = numbers(1)
  end function first

end module no_grad_cases

program test_no_grad
  use no_grad_cases
  use testing, only: add_case, run_cases
  implicit none

  call add_case('operators', operators)
  call add_case('nested', nested)
  call add_case('unbalanced', unbalanced)
  call add_case('update', update)
  call add_case('leaf_in_region', leaf_in_region)
  call add_case('pass_in_region', pass_in_region)
  call add_case('model', model, 'models')
  call add_case('choose', choose)
  call add_case('toggled', toggled)
  call add_case('refused', refused)
  call add_case('bound', bound)
  call add_case('optimizer_in_region', optimizer_in_region)
  call add_case('leaf_gradient', leaf_gradient)
  call run_cases()
end program test_no_grad
