! SPDX-License-Identifier: MIT
!> Trains the network of vapour_pressure.pt2 on samples made on the way, and saves it.
program train_network
  use, intrinsic :: iso_fortran_env, only: real64
  use ftorch, only: torch_kCPU, torch_loss_mse, torch_model, torch_model_forward, &
    torch_model_load, torch_model_parameters, torch_model_save, torch_optim, &
    torch_optim_Adam, torch_tensor, torch_tensor_backward, torch_tensor_from_array
  implicit none
  integer, parameter :: columns = 32
  real(real64), target :: temperature(columns, 1)  ! [°C]
  real(real64), target :: pressure(columns, 1)     ! [hPa], from the network
  real(real64), target :: truth(columns, 1)        ! [hPa], from the formula
  real(real64), target :: loss_value               ! [hPa²]
  type(torch_model) :: network
  type(torch_tensor) :: input(1), output(1), target_output, loss, parameters(4)
  type(torch_optim) :: optimizer
  integer :: step, i

  call torch_tensor_from_array(input(1), temperature, torch_kCPU)
  call torch_tensor_from_array(output(1), pressure, torch_kCPU)
  call torch_tensor_from_array(target_output, truth, torch_kCPU)
  call torch_tensor_from_array(loss, loss_value, torch_kCPU)

  call torch_model_load(network, 'vapour_pressure.pt2', torch_kCPU, is_training=.true.)
  call torch_model_parameters(network, parameters)
  call torch_optim_Adam(optimizer, parameters, learning_rate=0.01_real64)

  do step = 1, 3000
    temperature(:, 1) = [(5 + 35*sin(0.37_real64*(step*columns + i)), i = 1, columns)]
    truth = saturation_pressure(temperature)

    call optimizer%zero_grad()
    call torch_model_forward(network, input, output, requires_grad=.true.)
    call torch_loss_mse(loss, output(1), target_output)
    call torch_tensor_backward(loss)
    call optimizer%step()

    if (mod(step, 500) == 0) print '(a, i5, a, f6.2, a)', &
      'step', step, ': error ', sqrt(loss_value), ' hPa'
  end do
  call torch_model_save(network, 'vapour_pressure_trained.pt2')

contains

  !> Magnus formula over water with the coefficients of Sonntag (1990): [hPa] from [°C].
  elemental function saturation_pressure(t) result(e)
    real(real64), intent(in) :: t
    real(real64) :: e

    e = 6.112_real64*exp(17.62_real64*t/(243.12_real64 + t))
  end function saturation_pressure
end program train_network
