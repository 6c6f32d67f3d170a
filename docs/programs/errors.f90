! SPDX-License-Identifier: MIT
!> Three ways to meet an error: a status, a handler that returns, and the result of a failed call.
module error_log
  use ftorch, only: torch_status
  implicit none
  private
  public :: write_to_log

contains

  !> Told of each error that no status argument receives.
  subroutine write_to_log(status)
    type(torch_status), intent(in) :: status

    print '(a, i0, 2a)', 'log: error ', status%code, ', ', status%message
  end subroutine write_to_log
end module error_log

program errors
  use, intrinsic :: iso_c_binding, only: c_associated
  use, intrinsic :: iso_fortran_env, only: real64
  use error_log, only: write_to_log
  use ftorch
  implicit none
  real(real64), target :: x(3) = 1, y(4) = 1
  type(torch_model) :: network
  type(torch_status) :: status
  type(torch_tensor) :: a, b, c

  ! A status: the program decides.
  call torch_model_load(network, 'missing.pt2', torch_kCPU, status=status)
  if (status%code == torch_io_error) print '(2a)', 'no file, so no network: ', status%message
  print '(a, l2)', 'ok', status%ok()

  ! A handler: for operators, and for calls without a status.
  call torch_set_error_handler(write_to_log)
  call torch_tensor_from_array(a, x, torch_kCPU)
  call torch_tensor_from_array(b, y, torch_kCPU)
  c = a + b

  ! The handler returned, so the program goes on. The sum is empty, and so is c.
  print '(a, l2)', 'c holds a tensor:', c_associated(c%p)
  call torch_tensor_print(c)
end program errors
