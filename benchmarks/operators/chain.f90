! SPDX-License-Identifier: MIT
!> A chain of ten operators: `chain ELEMENTS CALLS`.
program chain
  use, intrinsic :: iso_fortran_env, only: int64, real64
  use ftorch
  use ftorch_intrinsics, only: abs, cos, exp, sin, sqrt, tanh
  implicit none
  type(torch_tensor) :: x, y, total
  character(len=32) :: argument
  integer(int64) :: elements
  integer :: calls, i

  call get_command_argument(1, argument)
  read (argument, *) elements
  call get_command_argument(2, argument)
  read (argument, *) calls
  call torch_tensor_full(x, 1, [elements], 0.5_real64, torch_kFloat64, torch_kCPU)
  do i = 1, calls
    y = tanh(exp(sin(x) * 0.5_real64 - cos(x)) + sqrt(abs(x) + x * x))
  end do
  call torch_tensor_mean(total, y)
  print '(es20.12)', total%item()
end program chain
