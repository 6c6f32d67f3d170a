! SPDX-License-Identifier: MIT
!> Trains until validations stop it: reads training and validation data from the file that the first argument names and the model
!> from the third, and writes what happened to the second.
program reference_trainer
  use, intrinsic :: iso_fortran_env, only: real64
  use ftorch
  implicit none
  integer, parameter :: samples = 16, most_steps = 2000
  real(real64), target :: x(samples,8), y(samples,4), output(samples,4), x_new(samples,8), y_new(samples,4), output_new(samples,4)
  type(torch_model) :: model
  type(torch_tensor) :: inputs(1), outputs(1), target, inputs_new(1), outputs_new(1), target_new, parameters(6)
  type(torch_optim) :: optim
  type(torch_scheduler) :: scheduler
  type(torch_trainer) :: trainer
  character(len=1024) :: file
  real(real64) :: loss, validation_loss
  integer :: input, unit, step

  call get_command_argument(1, file)
  open (newunit=input, file=file, access='stream', action='read', status='old')
  read (input) x, y, x_new, y_new
  close (input)
  call get_command_argument(3, file)
  call torch_model_load(model, file, torch_kCPU, is_training=.true.)
  call torch_model_parameters(model, parameters)
  call torch_optim_Adam(optim, parameters, learning_rate=0.02_real64)
  call torch_scheduler_ReduceLROnPlateau(scheduler, optim, factor=0.5_real64, patience=1)
  call torch_tensor_from_array(inputs(1), x, torch_kCPU)
  call torch_tensor_from_array(outputs(1), output, torch_kCPU)
  call torch_tensor_from_array(target, y, torch_kCPU)
  call torch_tensor_from_array(inputs_new(1), x_new, torch_kCPU)
  call torch_tensor_from_array(outputs_new(1), output_new, torch_kCPU)
  call torch_tensor_from_array(target_new, y_new, torch_kCPU)
  call torch_trainer_create(trainer, model, optim, 'mse', scheduler=scheduler, max_norm=0.5_real64, patience=4)

  call get_command_argument(2, file)
  open (newunit=unit, file=file, access='stream', action='write', status='replace')
  do step = 1, most_steps
    call trainer%step(inputs, outputs, target, loss)
    if (mod(step, 5) /= 0) cycle
    call trainer%validate(inputs_new, outputs_new, target_new, validation_loss)
    write (unit) loss, validation_loss, optim%get_learning_rate()
    if (trainer%should_stop()) exit
  end do
  call trainer%restore_best()
  call torch_model_forward(model, inputs_new, outputs_new)
  write (unit) trainer%best_loss(), output_new
  close (unit)
end program reference_trainer
