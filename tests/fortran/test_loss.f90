! SPDX-License-Identifier: MIT
!> Losses against their formulas.
module loss_cases
  use, intrinsic :: iso_fortran_env, only: int64, real32, real64
  use ftorch
  use testing, only: check, check_close, check_equal
  implicit none
  private
  public :: mse, l1, cross_entropy, cross_entropy_probabilities, reductions, attached, in_loop
  public :: status

  real(real64), parameter :: tight = 1.0e-14_real64

contains

  subroutine mse()
    real(real64), target :: x(2, 3), y(2, 3)
    real(real64) :: value, gradient(2, 3)
    type(torch_tensor) :: input, target, loss, g

    x = reshape([1, 2, 3, 4, 5, 6], [2, 3])
    y = reshape([1.5_real64, 0.0_real64, 2.0_real64, 5.0_real64, 5.0_real64, -1.0_real64], [2, 3])
    call torch_tensor_from_array(input, x, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(target, y, torch_kCPU)
    call torch_loss_mse(loss, input, target)
    value = loss
    call check_close(value, sum((x - y)**2) / 6, tight, 'value')
    call torch_tensor_backward(loss)
    call torch_tensor_get_gradient(g, input)
    gradient = g
    call check_close(gradient, (x - y) / 3, tight, 'gradient')
  end subroutine mse

  subroutine l1()
    real(real64), target :: x(4), y(4)
    real(real64) :: value, gradient(4)
    type(torch_tensor) :: input, target, loss, g

    x = [1, 2, 3, 4]
    y = [1.5_real64, 0.0_real64, 2.0_real64, 5.0_real64]
    call torch_tensor_from_array(input, x, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(target, y, torch_kCPU)
    call torch_loss_l1(loss, input, target, torch_kMean)
    value = loss
    call check_close(value, sum(abs(x - y)) / 4, tight, 'value')
    call torch_tensor_backward(loss)
    call torch_tensor_get_gradient(g, input)
    gradient = g
    call check_close(gradient, sign(0.25_real64, x - y), tight, 'gradient')
  end subroutine l1

  subroutine cross_entropy()
    real(real64), target :: logits(3, 4)
    integer(int64), target :: classes(3)
    real(real64) :: value, expected, gradient(3, 4), softmax(3, 4)
    type(torch_tensor) :: input, target, loss, g
    integer :: i

    logits = reshape([(0.3_real64 * mod(5 * i, 7), i=1, 12)], [3, 4])
    classes = [0, 3, 1]
    softmax = exp(logits) / spread(sum(exp(logits), 2), 2, 4)
    expected = 0
    gradient = softmax
    do i = 1, 3
      expected = expected - log(softmax(i, classes(i) + 1)) / 3
      softmax(i, classes(i) + 1) = softmax(i, classes(i) + 1) - 1
    end do
    call torch_tensor_from_array(input, logits, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(target, classes, torch_kCPU)
    call torch_loss_cross_entropy(loss, input, target)
    value = loss
    call check_close(value, expected, tight, 'value')
    call torch_tensor_backward(loss)
    call torch_tensor_get_gradient(g, input)
    gradient = g
    call check_close(gradient, softmax / 3, tight, 'gradient')
  end subroutine cross_entropy

  subroutine cross_entropy_probabilities()
    real(real64), target :: logits(2, 3), probabilities(2, 3)
    real(real64) :: value, softmax(2, 3)
    type(torch_tensor) :: input, target, loss

    logits = reshape([1, 9, -4, 11, 6, 2] / 10.0_real64, [2, 3])
    probabilities = reshape([20, 50, 30, 25, 50, 25] / 100.0_real64, [2, 3])
    softmax = exp(logits) / spread(sum(exp(logits), 2), 2, 3)
    call torch_tensor_from_array(input, logits, torch_kCPU)
    call torch_tensor_from_array(target, probabilities, torch_kCPU)
    call torch_loss_cross_entropy(loss, input, target, torch_kSum)
    value = loss
    call check_close(value, -sum(probabilities * log(softmax)), tight, 'value')
  end subroutine cross_entropy_probabilities

  subroutine reductions()
    real(real32), target :: x(3), y(3)
    real(real32) :: value, values(3)
    type(torch_tensor) :: input, target, loss

    x = [1, 2, 3]
    y = [3, 2, 0]
    call torch_tensor_from_array(input, x, torch_kCPU)
    call torch_tensor_from_array(target, y, torch_kCPU)
    call torch_loss_mse(loss, input, target)
    value = loss
    call check_close(value, 13.0 / 3, 1.0e-6, 'the default is the mean')
    call torch_loss_mse(loss, input, target, reduction_type=torch_kSum)
    value = loss
    call check_close(value, 13.0, 0.0, 'sum')
    call torch_loss_mse(loss, input, target, torch_kNone)
    call check_equal(loss%get_shape(), [3_int64], 'shape without reduction')
    values = loss
    call check_close(values, [4.0, 0.0, 9.0], 0.0, 'none')
  end subroutine reductions

  subroutine attached()
    real(real32), target :: x(3), y(3), number(1), several(3)
    type(torch_tensor) :: input, target, loss, each

    x = [1, 2, 3]
    y = [3, 2, 0]
    call torch_tensor_from_array(input, x, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(target, y, torch_kCPU)
    call torch_tensor_from_array(loss, number, torch_kCPU)
    call torch_tensor_from_array(each, several, torch_kCPU)
    call torch_loss_mse(loss, input, target, torch_kSum)
    call check_close(number(1), 13.0, 0.0, 'one element')
    call torch_loss_l1(each, input, target, torch_kNone)
    call check_close(several, [2.0, 0.0, 3.0], 0.0, 'each')
  end subroutine attached

  subroutine in_loop()
    real(real64), target :: w(2), y(2), number(1)
    type(torch_tensor) :: weight, target, loss
    type(torch_optim) :: optim
    real(real64) :: former
    integer :: i

    w = [4, -3]
    y = [1, 2]
    call torch_tensor_from_array(weight, w, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(target, y, torch_kCPU)
    call torch_tensor_from_array(loss, number, torch_kCPU)
    call torch_optim_SGD(optim, [weight], learning_rate=0.25)
    former = huge(former)
    do i = 1, 30
      call optim%zero_grad()
      call torch_loss_mse(loss, weight, target)
      call check(number(1) < former, 'the loss falls')
      former = number(1)
      call torch_tensor_backward(loss)
      call optim%step()
    end do
    call check_close(w, y, 1.0e-2_real64, 'the array holds what was learned')
  end subroutine in_loop

  subroutine status()
    real(real32), target :: x(3)
    type(torch_tensor) :: input, loss
    type(torch_status) :: outcome

    x = 1
    call torch_tensor_from_array(input, x, torch_kCPU)
    call torch_loss_mse(loss, input, input, torch_kMean, outcome)
    call check(outcome%ok(), 'mse')
    call torch_loss_mse(loss, input, input, 17, outcome)
    call check_equal(outcome%code, torch_invalid_argument, 'unknown reduction')
  end subroutine status

end module loss_cases

program test_loss
  use loss_cases
  use testing, only: add_case, run_cases
  implicit none

  call add_case('mse', mse)
  call add_case('l1', l1)
  call add_case('cross_entropy', cross_entropy)
  call add_case('cross_entropy_probabilities', cross_entropy_probabilities)
  call add_case('reductions', reductions)
  call add_case('attached', attached)
  call add_case('in_loop', in_loop)
  call add_case('status', status)
  call run_cases()
end program test_loss
