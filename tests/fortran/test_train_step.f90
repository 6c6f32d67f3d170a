! SPDX-License-Identifier: MIT
!> Compiled training steps: the weights of autograd, and what is refused.
module train_step_cases
  use, intrinsic :: iso_fortran_env, only: int64, real32, real64
  use ftorch
  use model_files, only: model_file
  use testing, only: check, check_close, check_equal, check_status, skip
  implicit none
  private
  public :: steps, seen_at_once, shared, refused

  character(len=*), parameter :: step_file = 'mlp_float32_step.pt2'
  integer, parameter :: rows = 6

contains

  subroutine require_packages()
    logical :: is_there

    inquire (file=model_file(step_file), exist=is_there)
    if (.not. is_there) call skip('make_models.py could not compile a package')
  end subroutine require_packages

  subroutine make(model, optim)
    type(torch_model), intent(inout) :: model
    type(torch_optim), intent(inout) :: optim
    type(torch_tensor) :: parameters(6)

    call torch_model_load(model, model_file('mlp_float32.pt2'), torch_kCPU)
    call torch_model_parameters(model, parameters)
    call torch_optim_Adam(optim, parameters, learning_rate=0.01_real64)
  end subroutine make

  subroutine fill(x, y, number)
    real(real32), intent(out) :: x(rows, 8), y(rows, 4)
    integer, intent(in) :: number
    integer :: i

    x = reshape([(sin(real(i * number)), i=1, size(x))], shape(x))
    y = reshape([(cos(real(i + number)), i=1, size(y))], shape(y))
  end subroutine fill

  !> The same losses, gradients and weights as forward, backward and step.
  subroutine steps()
    type(torch_model) :: model, other
    type(torch_optim) :: optim, other_optim
    type(torch_train_step) :: step
    type(torch_tensor) :: x(1), y(1), out(1), loss, weight, gradient
    real(real32), target :: xa(rows, 8), ya(rows, 4), oa(rows, 4), la
    real(real32) :: got(32, 8), expected(32, 8), number
    real(real64) :: wide
    integer :: i

    call require_packages()
    call make(model, optim)
    call make(other, other_optim)
    call torch_train_step_load(step, model_file(step_file), model, optim)
    call torch_tensor_from_array(x(1), xa, torch_kCPU)
    call torch_tensor_from_array(y(1), ya, torch_kCPU)
    call torch_tensor_from_array(out(1), oa, torch_kCPU)
    call torch_tensor_from_array(loss, la, torch_kCPU)
    do i = 1, 5
      call fill(xa, ya, i)
      call other_optim%zero_grad()
      call torch_model_forward(other, x, out, requires_grad=.true.)
      call torch_loss_mse(loss, out(1), y(1))
      call torch_tensor_backward(loss)
      call other_optim%step()
      if (mod(i, 3) == 0) then
        call step%gradients(x, y, number)
        call optim%step()
      else if (mod(i, 2) == 0) then
        call step%run(x, y, number)
      else
        call step%run(x, y, wide)
        number = real(wide, real32)
      end if
      call check_close(number, la, 1.0e-6, 'loss')
      call torch_model_get_parameter(weight, model, '0.weight')
      call torch_tensor_get_gradient(gradient, weight)
      got = gradient
      call torch_model_get_parameter(weight, other, '0.weight')
      call torch_tensor_get_gradient(gradient, weight)
      expected = gradient
      call check_close([got], [expected], 1.0e-6, 'gradient')
    end do
    call torch_model_get_parameter(weight, model, '0.weight')
    got = weight
    call torch_model_get_parameter(weight, other, '0.weight')
    expected = weight
    call check_close([got], [expected], 1.0e-5, 'weights')
    call check_equal(int(torch_live_train_steps()), 1, 'training steps')
    call torch_delete(step)
    call check_equal(int(torch_live_train_steps()), 0, 'training steps after the end')
  end subroutine steps

  !> A compiled model that shares the weights computes with those of the last step.
  subroutine seen_at_once()
    type(torch_model) :: model, fast
    type(torch_optim) :: optim
    type(torch_train_step) :: step
    type(torch_tensor) :: x(1), y(1), out, slow
    real(real32), target :: xa(rows, 8), ya(rows, 4), oa(rows, 4), sa(rows, 4)
    real(real32) :: loss, first
    integer :: i

    call require_packages()
    call make(model, optim)
    call torch_model_load(fast, model_file('mlp_float32_compiled.pt2'), torch_kCPU)
    call torch_model_share_state(fast, model)
    call torch_train_step_load(step, model_file(step_file), model, optim)
    call fill(xa, ya, 1)
    call torch_tensor_from_array(x(1), xa, torch_kCPU)
    call torch_tensor_from_array(y(1), ya, torch_kCPU)
    call torch_tensor_from_array(out, oa, torch_kCPU)
    call torch_tensor_from_array(slow, sa, torch_kCPU)
    do i = 1, 20
      call step%run(x, y, loss)
      if (i == 1) first = loss
      call torch_model_forward(fast, x(1), out)
      call torch_model_forward(model, x(1), slow)
      call check_close([oa], [sa], 1.0e-6, 'output')
    end do
    call check(loss < 0.5 * first, 'the loss falls')
  end subroutine seen_at_once

  !> A copy is the same step, and lives on without the variables that it was made from.
  subroutine shared()
    type(torch_model) :: model
    type(torch_optim) :: optim
    type(torch_train_step) :: step, copy
    type(torch_tensor) :: x(1), y(1)
    real(real32), target :: xa(rows, 8), ya(rows, 4)
    real(real32) :: first, second

    call require_packages()
    call make(model, optim)
    call torch_train_step_load(step, model_file(step_file), model, optim)
    copy = step
    call torch_train_step_delete(step)
    call torch_delete(optim)
    call torch_delete(model)
    call fill(xa, ya, 2)
    call torch_tensor_from_array(x(1), xa, torch_kCPU)
    call torch_tensor_from_array(y(1), ya, torch_kCPU)
    call copy%run(x, y, first)
    call copy%run(x, y, second)
    call check(second < first, 'the loss falls')
  end subroutine shared

  subroutine refused()
    type(torch_model) :: model, other
    type(torch_optim) :: optim, other_optim
    type(torch_train_step) :: step
    type(torch_tensor) :: x(1), y(1), parameters(6)
    type(torch_status) :: status
    real(real32), target :: xa(rows, 8), ya(rows, 4), wrong(rows, 3)
    real(real64), target :: wide(rows, 8)
    real(real32) :: loss

    call require_packages()
    call make(model, optim)
    call torch_train_step_load(step, model_file('mlp_float32.pt2'), model, optim, status)
    call check_status(status, torch_model_error, 'no compiled training step')
    call torch_train_step_load(step, model_file('mlp_float32_compiled.pt2'), model, optim, status)
    call check_status(status, torch_model_error, 'no training step')
    call torch_train_step_load(step, 'no_such_file.pt2', model, optim, status)
    call check_status(status, torch_io_error, 'no_such_file.pt2')
    call torch_model_load(other, model_file('convolution.pt2'), torch_kCPU)
    call torch_train_step_load(step, model_file(step_file), other, optim, status)
    call check(.not. status%ok(), 'another model')
    call torch_model_load(other, model_file(step_file), torch_kCPU, is_training=.true., status=status)
    call check_status(status, torch_model_error, 'torch_train_step_load')
    call torch_model_parameters(model, parameters)
    call torch_optim_LBFGS(other_optim, parameters)
    call torch_train_step_load(step, model_file(step_file), model, other_optim, status)
    call check_status(status, torch_invalid_argument, 'LBFGS evaluates the loss several times a step')
    call torch_train_step_load(step, model_file(step_file), model, optim)
    call fill(xa, ya, 3)
    wrong = 0
    wide = 0
    call torch_tensor_from_array(x(1), wide, torch_kCPU)
    call torch_tensor_from_array(y(1), ya, torch_kCPU)
    call step%run(x, y, loss, status)
    call check_status(status, torch_dtype_mismatch, 'inputs(1): the tensor is float64; the model takes float32')
    call torch_delete(x)
    call torch_delete(y)
    call torch_tensor_from_array(x(1), xa, torch_kCPU)
    call torch_tensor_from_array(y(1), wrong, torch_kCPU)
    call step%run(x, y, loss, status)
    call check_status(status, torch_shape_mismatch, 'targets(1): dimension 2 is 3; the model takes 4')
    call step%run(x, [x, y], loss, status)
    call check_status(status, torch_invalid_argument, 'targets: the training step takes 1; 2 were given')
  end subroutine refused

end module train_step_cases

program test_train_step
  use train_step_cases
  use testing, only: add_case, run_cases
  implicit none

  call add_case('steps', steps, 'models')
  call add_case('seen_at_once', seen_at_once, 'models')
  call add_case('shared', shared, 'models')
  call add_case('refused', refused, 'models')
  call run_cases()
end program test_train_step
