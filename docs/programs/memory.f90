! SPDX-License-Identifier: MIT
!> Counts tensors, and frees the temporaries of a block of code with a scope.
program memory
  use, intrinsic :: iso_fortran_env, only: real64
  use ftorch
  implicit none
  real(real64), target :: values(1000) = 1
  integer :: step

  print '(a, i0)', 'before:          ', torch_live_tensors()
  do step = 1, 1000
    call one_step()
  end do
  print '(a, i0)', 'after 1000 steps: ', torch_live_tensors()

contains

  subroutine one_step()
    type(torch_tensor) :: x, y, z

    call torch_tensor_from_array(x, values, torch_kCPU)
    call torch_scope_begin()
    y = x*x + 2.0_real64*x          ! y is a variable and stays
    call torch_scope_end()          ! frees what is left of the temporaries
    call torch_tensor_mul(z, x, y)  ! z = x*y, without a temporary
  end subroutine one_step
end program memory
