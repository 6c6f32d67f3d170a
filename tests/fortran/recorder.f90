! SPDX-License-Identifier: MIT
!> An error handler that remembers what it was told and returns.
module recorder
  use ftorch, only: torch_set_error_handler, torch_status
  implicit none
  private
  public :: record_errors, last_error, error_count

  !> The last error; its code is torch_ok when there was none.
  type(torch_status), protected :: last_error
  !> How often the handler was called.
  integer, protected :: error_count = 0

contains

  !> From now on errors without a status argument go to `last_error`, and the program goes on.
  subroutine record_errors()
    last_error = torch_status()
    error_count = 0
    call torch_set_error_handler(record)
  end subroutine record_errors

  subroutine record(status)
    type(torch_status), intent(in) :: status

    last_error = status
    error_count = error_count + 1
  end subroutine record

end module recorder
