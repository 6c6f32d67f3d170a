! SPDX-License-Identifier: MIT
!> Tensors over Fortran arrays: the same numbers, seen by the program and by PyTorch.
program tensors
  use, intrinsic :: iso_fortran_env, only: real64
  use ftorch
  implicit none
  real(real64), target :: u(3, 2), v(3, 2), energy(3, 2), mean_energy  ! wind in m/s, J/kg
  real(real64) :: product(3, 2)
  type(torch_tensor) :: u_tensor, v_tensor, energy_tensor, mean_tensor, top_level, free_tensor

  u = reshape([1, 2, 3, 4, 5, 6], [3, 2])
  v = 1

  ! A tensor over an array copies nothing. The array needs `target`, and must outlive the tensor.
  call torch_tensor_from_array(u_tensor, u, torch_kCPU)
  call torch_tensor_from_array(v_tensor, v, torch_kCPU)
  call torch_tensor_from_array(energy_tensor, energy, torch_kCPU)
  call torch_tensor_from_array(mean_tensor, mean_energy, torch_kCPU)

  ! PyTorch computes, and the result is in the array.
  energy_tensor = 0.5_real64*(u_tensor**2 + v_tensor**2)
  print '(a, 6f6.1)', 'energy     ', energy

  ! The program writes an array, and the tensor has the new numbers.
  v = 3
  energy_tensor = 0.5_real64*(u_tensor**2 + v_tensor**2)
  call torch_tensor_mean(mean_tensor, energy_tensor)
  print '(a, 6f6.1)', 'energy     ', energy
  print '(a, f6.1)', 'mean       ', mean_energy

  ! A section works as well: only the second level changes.
  call torch_tensor_from_array(top_level, u(:, 2), torch_kCPU)
  top_level = top_level/2.0_real64
  print '(a, 6f6.1)', 'u          ', u

  ! A tensor without an array has memory of PyTorch. An assignment to an array copies its numbers.
  free_tensor = u_tensor*v_tensor
  product = free_tensor
  print '(a, 6f6.1)', 'u v        ', product
  print '(a, 2i6)', 'its shape  ', free_tensor%get_shape()
end program tensors
