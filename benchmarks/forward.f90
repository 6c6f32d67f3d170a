! SPDX-License-Identifier: MIT
!> Runs a model again and again over arrays that are wrapped once: `forward MODEL ITERATIONS`.
program forward
  use, intrinsic :: iso_fortran_env, only: real32
  use ftorch, only: torch_kCPU, torch_model, torch_model_forward, torch_model_load, torch_tensor, torch_tensor_from_array
  implicit none
  real(real32), target :: input(1, 8), output(1, 4)
  type(torch_tensor) :: inputs(1), outputs(1)
  type(torch_model) :: model
  character(len=1024) :: filename, argument
  integer :: iterations, i

  call get_command_argument(1, filename)
  call get_command_argument(2, argument)
  read (argument, *) iterations
  input(1, :) = [(0.1_real32 * i, i=1, 8)]
  call torch_tensor_from_array(inputs(1), input, torch_kCPU)
  call torch_tensor_from_array(outputs(1), output, torch_kCPU)
  call torch_model_load(model, filename, torch_kCPU)
  do i = 1, iterations
    call torch_model_forward(model, inputs, outputs)
  end do
  print '(4es16.8)', output
end program forward
