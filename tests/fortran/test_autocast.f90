! SPDX-License-Identifier: MIT
!> Regions of autocast.
module autocast_cases
  use, intrinsic :: iso_fortran_env, only: real32, real64
  use ftorch
  use model_files, only: model_file
  use testing, only: check, check_close, check_status
  implicit none
  private
  public :: forward, training, failures

contains

  !> Numbers with eight binary digits, in arrays of either kind.
  subroutine forward()
    type(torch_model) :: model
    type(torch_tensor) :: x(1), y(1), z(1)
    real(real32), target :: xa(5, 8), ya(5, 4), plain(5, 4)
    real(real64), target :: za(5, 4)
    integer :: i

    xa = reshape([(sin(real(i)), i=1, size(xa))], shape(xa))
    call torch_model_load(model, model_file('mlp_float32.pt'), torch_kCPU)
    call torch_tensor_from_array(x(1), xa, torch_kCPU)
    call torch_tensor_from_array(y(1), plain, torch_kCPU)
    call torch_model_forward(model, x, y)
    call torch_tensor_from_array(y(1), ya, torch_kCPU)
    call torch_tensor_from_array(z(1), za, torch_kCPU)
    call torch_autocast_begin()
    call torch_model_forward(model, x, y)
    call torch_model_forward(model, x, z, requires_grad=.true.)
    call torch_autocast_end()
    call check_close(real(ya, real64), za, 0.0_real64, 'both kinds')
    call check_close(set_exponent(abs(ya), 8), aint(set_exponent(abs(ya), 8)), 0.0, 'eight binary digits')
    call check_close(ya, plain, 2e-2, 'near the numbers of float32')
    call check(any(abs(ya - plain) > 0), 'other numbers than those of float32')
    call torch_model_forward(model, x, y)
    call check_close(ya, plain, 0.0, 'after the end')
  end subroutine forward

  subroutine training()
    type(torch_model) :: model
    type(torch_tensor) :: x(1), y(1), target, loss, parameters(6)
    type(torch_optim) :: optim
    real(real32), target :: xa(16, 8), ya(16, 4), ta(16, 4), number
    real(real32) :: first
    integer :: i

    xa = reshape([(sin(real(i)), i=1, size(xa))], shape(xa))
    ta = xa(:, :4)*xa(:, 5:)
    call torch_model_load(model, model_file('mlp_float32.pt'), torch_kCPU, is_training=.true.)
    call torch_model_parameters(model, parameters)
    call torch_optim_Adam(optim, parameters, learning_rate=0.01)
    call torch_tensor_from_array(x(1), xa, torch_kCPU)
    call torch_tensor_from_array(y(1), ya, torch_kCPU)
    call torch_tensor_from_array(target, ta, torch_kCPU)
    call torch_tensor_from_array(loss, number, torch_kCPU)
    first = 0
    do i = 1, 100
      call optim%zero_grad()
      call torch_autocast_begin()
      call torch_model_forward(model, x, y, requires_grad=.true.)
      call torch_loss_mse(loss, y(1), target)
      call torch_autocast_end()
      call torch_tensor_backward(loss)
      call optim%step()
      if (i == 1) first = number
    end do
    call check(number < first/4, 'the loss falls')
  end subroutine training

  subroutine failures()
    type(torch_status) :: status

    call torch_autocast_end(status)
    call check_status(status, torch_invalid_argument, 'no autocast region is open on this thread')
    call torch_autocast_begin(torch_kFloat32, status=status)
    call check_status(status, torch_invalid_argument, 'it must be bfloat16 or float16')
    call torch_autocast_begin(torch_kFloat16, torch_kCPU, status)
    call torch_autocast_begin()
    call torch_autocast_end()
    call torch_autocast_end(status)
    call check(status%ok(), 'two ends for two beginnings')
    call torch_autocast_end(status)
    call check(.not. status%ok(), 'and no more')
  end subroutine failures

end module autocast_cases

program test_autocast
  use autocast_cases
  use testing, only: add_case, run_cases
  implicit none

  call add_case('forward', forward, 'models')
  call add_case('training', training, 'models')
  call add_case('failures', failures)
  call run_cases()
end program test_autocast
