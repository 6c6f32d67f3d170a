! SPDX-License-Identifier: MIT
!> Runs the network in a file on four temperatures.  Usage: run_network FILE
program run_network
  use, intrinsic :: iso_fortran_env, only: real64
  use ftorch, only: torch_kCPU, torch_model, torch_model_forward, torch_model_load, &
    torch_tensor, torch_tensor_from_array
  implicit none
  real(real64), target :: temperature(4, 1)  ! [°C]
  real(real64), target :: pressure(4, 1)     ! [hPa]
  type(torch_model) :: network
  type(torch_tensor) :: input(1), output(1)
  character(len=200) :: filename
  integer :: i

  call get_command_argument(1, filename)
  call torch_model_load(network, filename, torch_kCPU)

  call torch_tensor_from_array(input(1), temperature, torch_kCPU)
  call torch_tensor_from_array(output(1), pressure, torch_kCPU)

  temperature(:, 1) = [-20.0_real64, 0.0_real64, 20.0_real64, 35.0_real64]
  call torch_model_forward(network, input, output)
  print '(2f10.2)', (temperature(i, 1), pressure(i, 1), i = 1, 4)
end program run_network
