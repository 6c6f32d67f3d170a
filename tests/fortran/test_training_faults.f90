! SPDX-License-Identifier: MIT
!> Wrong arguments of losses and optimizers: each a clear error.
module training_faults_cases
  use, intrinsic :: iso_c_binding, only: c_associated
  use, intrinsic :: iso_fortran_env, only: int64, real64
  use ftorch
  use testing, only: check, check_status
  implicit none
  private
  public :: loss_shapes, loss_dtypes, optimizer_without_parameters
  public :: optimizer_without_requires_grad, optimizer_of_result, hyperparameters

contains

  !> Losses never broadcast.
  subroutine loss_shapes()
    type(torch_tensor) :: x, y, loss
    type(torch_status) :: status

    call torch_tensor_ones(x, 2, [2_int64, 3_int64], torch_kFloat32, torch_kCPU)
    call torch_tensor_ones(y, 2, [2_int64, 1_int64], torch_kFloat32, torch_kCPU)
    call torch_loss_mse(loss, x, y, status=status)
    call check_status(status, torch_shape_mismatch, '[2, 1]')
    call torch_loss_l1(loss, x, y, status=status)
    call check_status(status, torch_shape_mismatch, 'torch_loss_l1')
    call torch_tensor_ones(y, 1, [3_int64], torch_kInt64, torch_kCPU)
    call torch_loss_cross_entropy(loss, x, y, status=status)
    call check(.not. status%ok(), 'three classes for two rows')
    call torch_tensor_zeros(y, 1, [2_int64], torch_kInt64, torch_kCPU)
    y = y + 3
    call torch_loss_cross_entropy(loss, x, y, status=status)
    call check(.not. status%ok(), 'class 3 of three')
    call check(.not. c_associated(loss%p), 'empty')
  end subroutine loss_shapes

  subroutine loss_dtypes()
    type(torch_tensor) :: x, y, loss
    type(torch_status) :: status

    call torch_tensor_ones(x, 1, [2_int64], torch_kFloat32, torch_kCPU)
    call torch_tensor_ones(y, 1, [2_int64], torch_kFloat64, torch_kCPU)
    call torch_loss_mse(loss, x, y, status=status)
    call check_status(status, torch_dtype_mismatch, 'torch_loss_mse')
    call torch_tensor_zeros(loss, 1, [4_int64], torch_kFloat32, torch_kCPU)
    call torch_loss_mse(loss, x, x, status=status)
    call check_status(status, torch_shape_mismatch, 'torch_loss_mse')
  end subroutine loss_dtypes

  subroutine optimizer_without_parameters()
    type(torch_tensor) :: none(0)
    type(torch_optim) :: optim
    type(torch_status) :: status

    call torch_optim_SGD(optim, none, status=status)
    call check_status(status, torch_invalid_argument, 'torch_optim_SGD')
    call torch_optim_Adam(optim, none, status=status)
    call check_status(status, torch_invalid_argument, 'torch_optim_Adam')
    call torch_optim_AdamW(optim, none, status=status)
    call check_status(status, torch_invalid_argument, 'torch_optim_AdamW')
    call check(.not. c_associated(optim%p), 'empty')
  end subroutine optimizer_without_parameters

  subroutine optimizer_without_requires_grad()
    type(torch_tensor) :: w(2)
    type(torch_optim) :: optim
    type(torch_status) :: status

    call torch_tensor_ones(w(1), 1, [2_int64], torch_kFloat32, torch_kCPU, requires_grad=.true.)
    call torch_tensor_ones(w(2), 1, [2_int64], torch_kFloat32, torch_kCPU)
    call torch_optim_SGD(optim, w, status=status)
    call check_status(status, torch_invalid_argument, 'requires_grad')
    call check(index(status%message, '2') > 0, 'which one, in: ' // status%message)
    call check(.not. c_associated(optim%p), 'empty')
  end subroutine optimizer_without_requires_grad

  subroutine optimizer_of_result()
    type(torch_tensor) :: a, w(1)
    type(torch_optim) :: optim
    type(torch_status) :: status

    call torch_tensor_ones(a, 1, [2_int64], torch_kFloat32, torch_kCPU, requires_grad=.true.)
    w(1) = a * 2
    call torch_optim_Adam(optim, w, status=status)
    call check_status(status, torch_invalid_argument, 'leaf')
    call check(.not. c_associated(optim%p), 'empty')
  end subroutine optimizer_of_result

  subroutine hyperparameters()
    type(torch_tensor) :: w(1)
    type(torch_optim) :: optim
    type(torch_status) :: status

    call torch_tensor_ones(w(1), 1, [2_int64], torch_kFloat32, torch_kCPU, requires_grad=.true.)
    call torch_optim_SGD(optim, w, learning_rate=-0.1, status=status)
    call check_status(status, torch_invalid_argument, 'learning_rate')
    call torch_optim_Adam(optim, w, learning_rate=-1.0e-3_real64, status=status)
    call check_status(status, torch_invalid_argument, 'learning_rate')
    call torch_optim_SGD(optim, w, momentum=-0.5, status=status)
    call check_status(status, torch_invalid_argument, 'momentum')
    call torch_optim_SGD(optim, w, nesterov=.true., status=status)
    call check_status(status, torch_invalid_argument, 'nesterov')
    call torch_optim_SGD(optim, w, momentum=0.9, dampening=0.1, nesterov=.true., status=status)
    call check_status(status, torch_invalid_argument, 'nesterov')
    call torch_optim_AdamW(optim, w, beta_1=1.0, status=status)
    call check_status(status, torch_invalid_argument, 'beta_1')
    call torch_optim_AdamW(optim, w, beta_2=1.5_real64, status=status)
    call check_status(status, torch_invalid_argument, 'beta_2')
    call torch_optim_AdamW(optim, w, eps=-1.0, status=status)
    call check_status(status, torch_invalid_argument, 'eps')
    call torch_optim_AdamW(optim, w, weight_decay=-1.0, status=status)
    call check_status(status, torch_invalid_argument, 'weight_decay')
    call check(.not. c_associated(optim%p), 'empty')
    call torch_optim_SGD(optim, w, learning_rate=0.0, status=status)
    call check(status%ok(), 'zero is not negative')
  end subroutine hyperparameters

end module training_faults_cases

program test_training_faults
  use training_faults_cases
  use testing, only: add_case, run_cases
  implicit none

  call add_case('loss_shapes', loss_shapes)
  call add_case('loss_dtypes', loss_dtypes)
  call add_case('optimizer_without_parameters', optimizer_without_parameters)
  call add_case('optimizer_without_requires_grad', optimizer_without_requires_grad)
  call add_case('optimizer_of_result', optimizer_of_result)
  call add_case('hyperparameters', hyperparameters)
  call run_cases()
end program test_training_faults
