! SPDX-License-Identifier: MIT
!> Floating-point traps and the number of OpenMP threads are the program's, before and after a call.
program threads
  use, intrinsic :: ieee_exceptions, only: ieee_divide_by_zero, ieee_get_halting_mode, &
    ieee_set_halting_mode
  use, intrinsic :: iso_fortran_env, only: real64
  use ftorch
  !$ use omp_lib, only: omp_get_max_threads, omp_set_num_threads
  implicit none
  real(real64), target :: x(2) = [0, 1], y(2)
  type(torch_tensor) :: a, b
  integer :: number_of_threads
  logical :: halting

  number_of_threads = 3
  !$ call omp_set_num_threads(number_of_threads)
  call ieee_set_halting_mode(ieee_divide_by_zero, .true.)

  call torch_tensor_from_array(a, x, torch_kCPU)
  call torch_tensor_from_array(b, y, torch_kCPU)
  b = 1.0_real64/a                  ! 1/0 inside LibTorch is no trap
  print '(a, l2)', 'infinite:', y(1) > huge(y)

  call ieee_get_halting_mode(ieee_divide_by_zero, halting)
  !$ number_of_threads = omp_get_max_threads()
  print '(a, l2)', 'trap:    ', halting
  print '(a, i2)', 'threads: ', number_of_threads
end program threads
