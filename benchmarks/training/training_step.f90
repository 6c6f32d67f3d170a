! SPDX-License-Identifier: MIT
!> Steps of training over arrays that are wrapped once: `training_step MODEL OPTIMIZER BATCH INPUTS OUTPUTS [HOW] STEPS`, where
!> HOW is `trainer`, which has a trainer make them, or the file of a compiled step.
program training_step
  use, intrinsic :: iso_fortran_env, only: real32, real64
  use ftorch
  implicit none
  real(real32), allocatable, target :: x(:, :), y(:, :), output(:, :)
  real(real32), target :: loss
  type(torch_tensor) :: inputs(1), outputs(1), target_tensor, loss_tensor
  type(torch_tensor), allocatable :: weights(:)
  type(torch_model) :: model
  type(torch_optim) :: optim
  type(torch_trainer) :: trainer
  type(torch_train_step) :: compiled
  real(real64) :: trainer_loss
  character(len=1024) :: filename, optimizer, how
  integer :: batch, steps, i, j

  call get_command_argument(1, filename)
  call get_command_argument(2, optimizer)
  batch = argument(3)
  steps = argument(command_argument_count())
  ! The sample is the last dimension, so that its numbers lie side by side, as PyTorch has them.
  allocate (x(argument(4), batch), y(argument(5), batch), output(argument(5), batch))
  x = reshape([((sin(0.1_real32 * (i + 7 * j)), i=1, size(x, 1)), j=1, batch)], shape(x))
  y = reshape([((cos(0.1_real32 * (i + 3 * j)), i=1, size(y, 1)), j=1, batch)], shape(y))
  call torch_tensor_from_array(inputs(1), x, torch_kCPU, permute_dims=[2, 1])
  call torch_tensor_from_array(outputs(1), output, torch_kCPU, permute_dims=[2, 1])
  call torch_tensor_from_array(target_tensor, y, torch_kCPU, permute_dims=[2, 1])
  call torch_tensor_from_array(loss_tensor, loss, torch_kCPU)
  call torch_model_load(model, filename, torch_kCPU, requires_grad=.true., is_training=.true.)
  allocate (weights(6))
  call torch_model_parameters(model, weights)
  select case (optimizer)
  case ('SGD')
    call torch_optim_SGD(optim, weights, learning_rate=1.0e-3, momentum=0.9)
  case ('Adam')
    call torch_optim_Adam(optim, weights)
  case default
    error stop 'no such optimizer'
  end select
  how = ''
  if (command_argument_count() > 6) call get_command_argument(6, how)
  if (how == 'trainer') then
    call torch_trainer_create(trainer, model, optim)
    do i = 1, steps
      call trainer%step(inputs, outputs, target_tensor, trainer_loss)
    end do
    loss = real(trainer_loss, real32)
    steps = 0
  else if (how /= '') then
    call torch_train_step_load(compiled, how, model, optim)
    do i = 1, steps
      call compiled%run(inputs, [target_tensor], loss)
    end do
    steps = 0
  end if
  do i = 1, steps
    call optim%zero_grad()
    call torch_model_forward(model, inputs, outputs, requires_grad=.true.)
    call torch_loss_mse(loss_tensor, outputs(1), target_tensor)
    call torch_tensor_backward(loss_tensor)
    call optim%step()
  end do
  print '(es16.8)', loss

contains

  function argument(place) result(number)
    integer, intent(in) :: place
    integer :: number
    character(len=32) :: text

    call get_command_argument(place, text)
    read (text, *) number
  end function argument

end program training_step
