! SPDX-License-Identifier: MIT
!> Loads a file again and again and prints milliseconds: of the first time, and the median of the others: `model_load FILE CALLS`.
program model_load
  use, intrinsic :: iso_fortran_env, only: int64, real64
  use ftorch, only: torch_kCPU, torch_model, torch_model_load
  implicit none
  type(torch_model) :: model
  character(len=1024) :: filename, argument
  real(real64), allocatable :: times(:)
  real(real64) :: time
  integer(int64) :: begin, end, rate
  integer :: i, j

  call get_command_argument(1, filename)
  call get_command_argument(2, argument)
  read (argument, *) i
  allocate (times(i))
  do i = 1, size(times)
    call system_clock(begin, rate)
    call torch_model_load(model, filename, torch_kCPU)
    call system_clock(end)
    times(i) = 1.0e3_real64 * real(end - begin, real64) / real(rate, real64)
  end do
  time = times(1)
  times = times(2:)
  do i = 2, size(times)
    do j = i, 2, -1
      if (times(j) < times(j - 1)) times(j - 1:j) = times([j, j - 1])
    end do
  end do
  print '(2f12.3)', time, times((size(times) + 1) / 2)
end program model_load
