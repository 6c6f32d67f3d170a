! SPDX-License-Identifier: MIT
!> A chain of ten operators, as an expression or, with `into`, by subroutines that write to tensors: `chain ELEMENTS [into] CALLS`.
program chain
  use, intrinsic :: iso_fortran_env, only: int64, real64
  use ftorch
  use ftorch_intrinsics, only: abs, cos, exp, sin, sqrt, tanh
  implicit none
  type(torch_tensor) :: x, y, total, a, b
  character(len=32) :: argument
  integer(int64) :: elements
  integer :: calls, i

  call get_command_argument(1, argument)
  read (argument, *) elements
  call get_command_argument(command_argument_count(), argument)
  read (argument, *) calls
  call torch_tensor_full(x, 1, [elements], 0.5_real64, torch_kFloat64, torch_kCPU)
  do i = 1, merge(calls, 0, command_argument_count() == 3)
    call torch_tensor_sin(a, x)
    call torch_tensor_mul(a, a, 0.5_real64)
    call torch_tensor_cos(b, x)
    call torch_tensor_sub(a, a, b)
    call torch_tensor_exp(a, a)
    call torch_tensor_abs(y, x)
    call torch_tensor_mul(b, x, x)
    call torch_tensor_add(b, y, b)
    call torch_tensor_sqrt(b, b)
    call torch_tensor_add(y, a, b)
    call torch_tensor_tanh(y, y)
  end do
  do i = 1, merge(calls, 0, command_argument_count() == 2)
    y = tanh(exp(sin(x) * 0.5_real64 - cos(x)) + sqrt(abs(x) + x * x))
  end do
  call torch_tensor_mean(total, y)
  print '(es20.12)', total%item()
end program chain
