! SPDX-License-Identifier: MIT
!> The same in names of the established API alone, whose arrays have the sample first: `established MODEL BATCH CALLS`.
program established
  use, intrinsic :: iso_fortran_env, only: real32
  use ftorch, only: torch_kCPU, torch_model, torch_model_forward, torch_model_load, torch_tensor, torch_tensor_from_array
  use routes, only: argument, print_results, sample
  implicit none
  real(real32), allocatable :: samples(:, :), results(:, :)
  real(real32), allocatable, target :: x(:, :), y(:, :)
  type(torch_tensor) :: inputs(1), outputs(1)
  type(torch_model) :: model
  character(len=1024) :: filename
  integer :: i

  call get_command_argument(1, filename)
  call sample(samples, results, argument(2))
  x = transpose(samples)
  y = transpose(results)
  call torch_tensor_from_array(inputs(1), x, [1, 2], torch_kCPU)
  call torch_tensor_from_array(outputs(1), y, [1, 2], torch_kCPU)
  call torch_model_load(model, trim(filename), torch_kCPU)
  do i = 1, argument(3)
    call torch_model_forward(model, inputs, outputs)
  end do
  call print_results(y)
end program established
