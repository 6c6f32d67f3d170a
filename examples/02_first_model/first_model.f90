! SPDX-License-Identifier: MIT
!> Runs a network of PyTorch, from a file that Python wrote, on arrays.
program first_model
  use, intrinsic :: iso_fortran_env, only: real64
  use ftorch, only: torch_kCPU, torch_model, torch_model_forward, torch_model_load, &
    torch_tensor, torch_tensor_from_array
  implicit none
  integer, parameter :: columns = 4, layers = 3
  real(real64), target :: moisture(columns, layers)  ! of the soil [m3/m3]
  real(real64), target :: root_zone(columns, 1)      ! what the network makes of it
  type(torch_model) :: network
  type(torch_tensor) :: inputs(1), outputs(1)
  integer :: hour, column

  call torch_model_load(network, 'root_zone.pt2', torch_kCPU)

  ! Inputs and outputs are lists of tensors, here of one each. They are made once, before the loop.
  call torch_tensor_from_array(inputs(1), moisture, torch_kCPU)
  call torch_tensor_from_array(outputs(1), root_zone, torch_kCPU)

  moisture(1, :) = [0.10_real64, 0.20_real64, 0.30_real64]
  moisture(2, :) = [0.30_real64, 0.20_real64, 0.10_real64]
  moisture(3, :) = 0.25_real64
  moisture(4, :) = [0.0_real64, 0.0_real64, 0.40_real64]
  do hour = 0, 2
    call torch_model_forward(network, inputs, outputs)
    print '(a, i2, a, 4f7.3)', 'hour', hour, ': ', (root_zone(column, 1), column = 1, columns)
    moisture = 0.9_real64*moisture  ! the model of the soil takes a step
  end do
end program first_model
