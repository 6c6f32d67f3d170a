! SPDX-License-Identifier: MIT
!> Trains a network by a compiled step, and runs it compiled, with the same weights.
program compiled
  use, intrinsic :: iso_fortran_env, only: real64
  use ftorch
  implicit none
  integer, parameter :: columns = 32
  real(real64), target :: temperature(1, columns), truth(1, columns), pressure(1, columns)
  real(real64) :: loss
  type(torch_model) :: model, fast
  type(torch_tensor) :: inputs(1), targets(1), outputs(1)
  type(torch_tensor), allocatable :: parameters(:)
  type(torch_optim) :: optimizer
  type(torch_train_step) :: step
  integer :: i

  call torch_model_load(model, 'vapour.pt2', torch_kCPU)
  allocate (parameters(torch_model_num_parameters(model)))
  call torch_model_parameters(model, parameters)
  call torch_optim_Adam(optimizer, parameters, learning_rate=0.01)
  call torch_train_step_load(step, 'vapour_step.pt2', model, optimizer)
  call torch_model_load(fast, 'vapour_fast.pt2', torch_kCPU)
  call torch_model_share_state(fast, model)

  temperature(1, :) = [(2.0_real64 * (i - 1) / (columns - 1) - 1, i=1, columns)]  ! -40 to 40 °C
  truth = log(magnus(40 * temperature)) / 4
  call torch_tensor_from_array(inputs(1), temperature, torch_kCPU, permute_dims=[2, 1])
  call torch_tensor_from_array(targets(1), truth, torch_kCPU, permute_dims=[2, 1])
  call torch_tensor_from_array(outputs(1), pressure, torch_kCPU, permute_dims=[2, 1])
  do i = 0, 600
    call step%run(inputs, targets, loss)
    if (mod(i, 200) == 0) print '(a, i4, a, f9.5)', 'step', i, ': loss', loss
  end do
  call torch_model_forward(fast, inputs, outputs)
  print '(a, f6.2, a, f6.2)', 'at 40 °C: ', exp(4 * pressure(1, columns)), ' hPa, Magnus: ', exp(4 * truth(1, columns))

contains

  !> Saturation pressure [hPa] over water at a temperature [°C].
  elemental real(real64) function magnus(t)
    real(real64), intent(in) :: t

    magnus = 6.112_real64 * exp(17.62_real64 * t / (243.12_real64 + t))
  end function magnus

end program compiled
