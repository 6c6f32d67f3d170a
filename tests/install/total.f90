! SPDX-License-Identifier: MIT
!> A program of a user: a tensor over an array, its sum, and an OpenMP loop beside it.
program total
  use, intrinsic :: iso_fortran_env, only: real64
  use ftorch, only: assignment(=), torch_kCPU, torch_tensor, torch_tensor_from_array, torch_tensor_sum
  implicit none
  real(real64), target :: x(3), total_of_x
  type(torch_tensor) :: a, s
  integer :: i, count

  x = [1, 2, 4]
  total_of_x = 0
  count = 0
  call torch_tensor_from_array(a, x, torch_kCPU)
  call torch_tensor_from_array(s, total_of_x, torch_kCPU)
  call torch_tensor_sum(s, a)
  !$omp parallel do reduction(+:count)
  do i = 1, 1000
    count = count + 1
  end do
  print '(a, f4.1)', 'total', total_of_x
  if (total_of_x /= 7 .or. count /= 1000) error stop 1
end program total
