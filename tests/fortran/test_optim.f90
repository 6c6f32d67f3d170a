! SPDX-License-Identifier: MIT
!> Optimizers: steps by their formulas, lifetime. PyTorch is compared with elsewhere.
module optim_cases
  use, intrinsic :: iso_c_binding, only: c_associated
  use, intrinsic :: iso_fortran_env, only: int64, real32, real64
  use ftorch
  use squares, only: backward_of_squares
  use testing, only: check, check_close, check_equal
  implicit none
  private
  public :: sgd, momentum, adam, adamw, default_rate, kinds_of_numbers
  public :: copies, delete, converges, not_type_bound

  real(real64), parameter :: tight = 1.0e-14_real64

contains

  subroutine sgd()
    real(real64), target :: w(3)
    real(real64) :: expected(3)
    type(torch_tensor) :: weight
    type(torch_optim) :: optim
    integer :: i

    w = [1, 2, 3]
    expected = w
    call torch_tensor_from_array(weight, w, torch_kCPU, requires_grad=.true.)
    call torch_optim_SGD(optim, [weight], learning_rate=0.1_real64, weight_decay=0.5_real64)
    do i = 1, 3
      call backward_of_squares(weight, optim)
      call optim%step()
      expected = expected - 0.1_real64 * (2 * expected + 0.5_real64 * expected)
      call check_close(w, expected, tight, 'weight')
    end do
  end subroutine sgd

  subroutine momentum()
    real(real64), target :: w(2)
    real(real64) :: expected(2), velocity(2), gradient(2)
    type(torch_tensor) :: weight
    type(torch_optim) :: optim
    integer :: i

    w = [1, -2]
    expected = w
    velocity = 0
    call torch_tensor_from_array(weight, w, torch_kCPU, requires_grad=.true.)
    call torch_optim_SGD(optim, [weight], 0.1_real64, 0.9_real64, nesterov=.true.)
    do i = 1, 4
      call backward_of_squares(weight, optim)
      call optim%step()
      gradient = 2 * expected
      velocity = 0.9_real64 * velocity + gradient
      expected = expected - 0.1_real64 * (gradient + 0.9_real64 * velocity)
      call check_close(w, expected, tight, 'weight')
    end do
  end subroutine momentum

  subroutine adam()
    call check_adam(.false.)
  end subroutine adam

  subroutine adamw()
    call check_adam(.true.)
  end subroutine adamw

  !> Kingma and Ba 2015, Loshchilov and Hutter 2019.
  subroutine check_adam(decoupled)
    logical, intent(in) :: decoupled
    real(real64), parameter :: rate = 0.05_real64, decay = 0.1_real64, eps = 1.0e-6_real64
    real(real64), parameter :: beta_1 = 0.8_real64, beta_2 = 0.95_real64
    real(real64), target :: w(2)
    real(real64) :: expected(2), first(2), second(2), gradient(2)
    type(torch_tensor) :: weight
    type(torch_optim) :: optim
    integer :: i

    w = [1, -2]
    expected = w
    first = 0
    second = 0
    call torch_tensor_from_array(weight, w, torch_kCPU, requires_grad=.true.)
    if (decoupled) then
      call torch_optim_AdamW(optim, [weight], rate, beta_1, beta_2, eps, decay, .false.)
    else
      call torch_optim_Adam(optim, [weight], rate, beta_1, beta_2, eps, decay, .false.)
    end if
    do i = 1, 5
      call backward_of_squares(weight, optim)
      call optim%step()
      gradient = 2 * expected
      if (decoupled) then
        expected = expected * (1 - rate * decay)
      else
        gradient = gradient + decay * expected
      end if
      first = beta_1 * first + (1 - beta_1) * gradient
      second = beta_2 * second + (1 - beta_2) * gradient**2
      expected = expected &
        - rate * first / (1 - beta_1**i) / (sqrt(second / (1 - beta_2**i)) + eps)
      call check_close(w, expected, 1.0e-12_real64, 'weight')
    end do
  end subroutine check_adam

  !> Defaults are those of PyTorch: a first step of Adam is the learning rate, 1e-3.
  subroutine default_rate()
    real(real64), target :: w(1)
    type(torch_tensor) :: weight
    type(torch_optim) :: optim

    call torch_tensor_from_array(weight, w, torch_kCPU, requires_grad=.true.)
    w = 1
    call torch_optim_SGD(optim, [weight])
    call backward_of_squares(weight, optim)
    call optim%step()
    call check_close(w, 1 - 2.0e-3_real64, tight, 'SGD')
    w = 1
    call torch_optim_Adam(optim, [weight])
    call backward_of_squares(weight, optim)
    call optim%step()
    call check_close(w, 1 - 1.0e-3_real64, 1.0e-10_real64, 'Adam')
    w = 1
    call torch_optim_AdamW(optim, [weight])
    call backward_of_squares(weight, optim)
    call optim%step()
    call check_close(w, 1 - 1.0e-3_real64 - 1.0e-5_real64, 1.0e-10_real64, 'AdamW')
  end subroutine default_rate

  !> A rate of either real kind; 0.1_real32 is that number, not 0.1_real64.
  subroutine kinds_of_numbers()
    real(real64), target :: w(1)
    type(torch_tensor) :: weight
    type(torch_optim) :: optim

    call torch_tensor_from_array(weight, w, torch_kCPU, requires_grad=.true.)
    w = 1
    call torch_optim_SGD(optim, [weight], learning_rate=0.1_real32)
    call backward_of_squares(weight, optim)
    call optim%step()
    call check_close(w, 1 - 2 * real(0.1_real32, real64), tight, 'real32')
    w = 1
    call torch_optim_SGD(optim, [weight], learning_rate=0.1_real64, momentum=0.5_real32)
    call backward_of_squares(weight, optim)
    call optim%step()
    call check_close(w, 0.8_real64, tight, 'real64')
  end subroutine kinds_of_numbers

  !> Assignment shares the state.
  subroutine copies()
    real(real64), target :: w(1)
    type(torch_tensor) :: weight
    type(torch_optim) :: optim, other

    w = 1
    call torch_tensor_from_array(weight, w, torch_kCPU, requires_grad=.true.)
    call torch_optim_SGD(optim, [weight], 0.25_real64, momentum=0.5_real64)
    other = optim
    other = other
    call backward_of_squares(weight, optim)
    call optim%step()
    call torch_delete(optim)
    call check(c_associated(other%p), 'the copy lives on')
    call backward_of_squares(weight, other)
    call other%step()
    call check_close(w, 0.5_real64 - 0.25_real64 * (0.5_real64 * 2 + 1), tight, 'one momentum')
  end subroutine copies

  subroutine delete()
    real(real64), target :: w(1)
    type(torch_tensor) :: weight
    type(torch_optim) :: optim, other

    call torch_tensor_from_array(weight, w, torch_kCPU, requires_grad=.true.)
    call torch_optim_SGD(optim, [weight])
    call torch_optim_Adam(optim, [weight])
    call check_equal([torch_live_optims()], [1_int64], 'live optimizers')
    other = optim
    call torch_delete(optim)
    call torch_optim_delete(other)
    call torch_delete(optim)
    call check(.not. c_associated(optim%p), 'p')
    call check_equal([torch_live_optims()], [0_int64], 'live optimizers after delete')
  end subroutine delete

  !> Two parameters fitted to a line.
  subroutine converges()
    real(real64), target :: slope(1), offset(1), x(20), y(20)
    type(torch_tensor) :: weights(2), input, target, loss
    type(torch_optim) :: optim
    integer :: i

    x = [(i / 10.0_real64 - 1, i=1, 20)]
    y = 3 * x - 0.5_real64
    slope = 0
    offset = 0
    call torch_tensor_from_array(weights(1), slope, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(weights(2), offset, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(input, x, torch_kCPU)
    call torch_tensor_from_array(target, y, torch_kCPU)
    call torch_optim_Adam(optim, weights, learning_rate=0.05_real64)
    do i = 1, 600
      call optim%zero_grad()
      call torch_loss_mse(loss, weights(1) * input + weights(2), target)
      call torch_tensor_backward(loss)
      call optim%step()
    end do
    call check_close(slope, 3.0_real64, 1.0e-3_real64, 'slope')
    call check_close(offset, -0.5_real64, 1.0e-3_real64, 'offset')
  end subroutine converges

  subroutine not_type_bound()
    real(real64), target :: w(1)
    type(torch_tensor) :: weight
    type(torch_optim) :: optim
    type(torch_status) :: status

    w = 1
    call torch_tensor_from_array(weight, w, torch_kCPU, requires_grad=.true.)
    call torch_optim_SGD(optim, [weight], learning_rate=0.25_real64, status=status)
    call check(status%ok(), 'constructor')
    call backward_of_squares(weight, optim)
    call torch_optim_step(optim, status)
    call check(status%ok(), 'step')
    call torch_optim_zero_grad(optim, status)
    call check(status%ok(), 'zero_grad')
    call check_close(w, 0.5_real64, tight, 'weight')
  end subroutine not_type_bound

end module optim_cases

program test_optim
  use optim_cases
  use testing, only: add_case, run_cases
  implicit none

  call add_case('sgd', sgd)
  call add_case('momentum', momentum)
  call add_case('adam', adam)
  call add_case('adamw', adamw)
  call add_case('default_rate', default_rate)
  call add_case('kinds_of_numbers', kinds_of_numbers)
  call add_case('copies', copies)
  call add_case('delete', delete)
  call add_case('converges', converges)
  call add_case('not_type_bound', not_type_bound)
  call run_cases()
end program test_optim
