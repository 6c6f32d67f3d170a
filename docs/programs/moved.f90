! SPDX-License-Identifier: MIT
!> A program of the established API, unchanged but for what docs/how-to/move.md lists.  Usage: moved FILE
program moved
  use, intrinsic :: iso_fortran_env, only: real64
  use ftorch, only: ftorch_int, torch_delete, torch_kCPU, torch_model, torch_model_forward, &
    torch_model_load, torch_tensor, torch_tensor_from_array
  use ftorch_test_utils, only: assert_allclose
  implicit none
  real(real64), dimension(4, 1), target :: temperature, pressure, again
  integer(ftorch_int), parameter :: tensor_layout(2) = [1, 2]
  type(torch_tensor), dimension(1) :: in_tensors, out_tensors
  type(torch_model) :: model
  character(len=200) :: filename
  integer :: i

  call get_command_argument(1, filename)
  temperature(:, 1) = [-20.0_real64, 0.0_real64, 20.0_real64, 35.0_real64]
  call torch_tensor_from_array(in_tensors(1), temperature, tensor_layout, torch_kCPU)
  call torch_tensor_from_array(out_tensors(1), pressure, torch_kCPU)
  call torch_model_load(model, filename, torch_kCPU)
  call torch_model_forward(model, in_tensors, out_tensors)
  print '(2f10.2)', (temperature(i, 1), pressure(i, 1), i = 1, 4)

  again = pressure
  call torch_model_forward(model, in_tensors, out_tensors)
  if (.not. assert_allclose(pressure, again, test_name='twice', print_result=.false.)) error stop
  call torch_delete(in_tensors)
  call torch_delete(out_tensors)
  call torch_delete(model)
end program moved
