! SPDX-License-Identifier: MIT
!> A network learns the pressure of vapour; validations stop the run, and the best state is put back.
program trainer
  use, intrinsic :: iso_fortran_env, only: real64
  use ftorch
  implicit none
  integer, parameter :: columns = 32
  real(real64), target :: temperature(columns, 1), pressure(columns, 1), truth(columns, 1)              ! [°C], [hPa], [hPa]
  real(real64), target :: new_temperature(columns, 1), new_pressure(columns, 1), new_truth(columns, 1)
  type(torch_model) :: network
  type(torch_tensor) :: input(1), output(1), target_output, new_input(1), new_output(1), new_target, parameters(4)
  type(torch_optim) :: optimizer
  type(torch_scheduler) :: schedule
  type(torch_trainer) :: training
  real(real64) :: loss, validation_loss
  integer :: step, i

  call torch_tensor_from_array(input(1), temperature, torch_kCPU)
  call torch_tensor_from_array(output(1), pressure, torch_kCPU)
  call torch_tensor_from_array(target_output, truth, torch_kCPU)
  call torch_tensor_from_array(new_input(1), new_temperature, torch_kCPU)
  call torch_tensor_from_array(new_output(1), new_pressure, torch_kCPU)
  call torch_tensor_from_array(new_target, new_truth, torch_kCPU)
  new_temperature(:, 1) = [(-30 + 70*(i - 0.5_real64)/columns, i = 1, columns)]
  new_truth = saturation_pressure(new_temperature)

  call torch_model_load(network, 'vapour_pressure.pt2', torch_kCPU, is_training=.true.)
  call torch_model_parameters(network, parameters)
  call torch_optim_Adam(optimizer, parameters, learning_rate=0.02)
  call torch_scheduler_ReduceLROnPlateau(schedule, optimizer, factor=0.5, patience=2)
  call torch_trainer_create(training, network, optimizer, 'mse', scheduler=schedule, max_norm=100, &
                            metrics_file='trainer.csv', metrics_every=10, patience=6, min_delta=0.001, total_steps=5000)

  do step = 1, 5000
    temperature(:, 1) = [(5 + 35*sin(0.37_real64*(step*columns + i)), i = 1, columns)]
    truth = saturation_pressure(temperature)
    call training%step(input, output, target_output, loss)
    if (mod(step, 50) /= 0) cycle
    call training%validate(new_input, new_output, new_target, validation_loss)
    if (training%should_stop()) exit
  end do
  call training%restore_best()

  call torch_model_forward(network, new_input, new_output)
  print '(a, l1)', 'stopped before the last step: ', training%should_stop()
  print '(a, l1)', 'error below 0.2 hPa: ', sqrt(training%best_loss()) < 0.2
  print '(a, l1)', 'the network is the best one: ', &
    abs(sum((new_pressure - new_truth)**2)/columns - training%best_loss()) < 1e-12

contains

  !> Magnus formula over water with the coefficients of Sonntag (1990): [hPa] from [°C].
  elemental function saturation_pressure(t) result(e)
    real(real64), intent(in) :: t
    real(real64) :: e

    e = 6.112_real64*exp(17.62_real64*t/(243.12_real64 + t))
  end function saturation_pressure
end program trainer
