! SPDX-License-Identifier: MIT
!> What the run reports: comma-separated tables, the printed summary, and the checks.
module report
  use, intrinsic :: iso_fortran_env, only: output_unit, real64
  implicit none
  private
  public :: write_table, write_summary, write_speed, check

  character(len=*), parameter :: closures(3) = &
    [character(len=10) :: 'none', 'polynomial', 'network']

contains

  !> Opens `folder`/`name`.csv and writes the names of its columns; stops when it cannot.
  integer function open_table(folder, name, columns) result(unit)
    character(len=*), intent(in) :: folder, name, columns
    character(len=:), allocatable :: path
    character(len=256) :: message
    integer :: status

    path = folder//'/'//name//'.csv'
    open (newunit=unit, file=path, status='replace', action='write', iostat=status, iomsg=message)
    if (status /= 0) error stop 'cannot write '//path//': '//trim(message)
    write (unit, '(a)') columns
  end function open_table

  !> Writes a whole table, whose `values` have the shape (rows, columns).
  subroutine write_table(folder, name, columns, values)
    character(len=*), intent(in) :: folder, name, columns
    real(real64), intent(in) :: values(:, :)
    integer :: unit, row

    unit = open_table(folder, name, columns)
    do row = 1, size(values, 1)
      write (unit, '(*(es14.7, :, ","))') values(row, :)
    end do
    close (unit)
  end subroutine write_table

  !> Writes and prints the errors of the three `closures`; the forecasts are `lead_time` [MTU] long.
  subroutine write_summary(folder, tendency_rmse, forecast_rmse, lead_time)
    character(len=*), intent(in) :: folder
    real(real64), intent(in) :: tendency_rmse(:), forecast_rmse(:), lead_time
    integer :: unit, i

    unit = open_table(folder, 'summary', 'closure,tendency_rmse,forecast_rmse,lead_time')
    print '(/, a, t16, a, t36, a, f4.1, a)', 'closure', 'tendency RMSE', &
      'forecast RMSE after', lead_time, ' MTU'
    do i = 1, size(closures)
      write (unit, '(a, 3(",", es14.7))') trim(closures(i)), tendency_rmse(i), forecast_rmse(i), &
        lead_time
      print '(a, t16, f13.4, t36, f19.4)', closures(i), tendency_rmse(i), forecast_rmse(i)
    end do
    close (unit)
  end subroutine write_summary

  !> Writes and prints how many updates of the network a second of training had.
  subroutine write_speed(folder, updates_per_second)
    character(len=*), intent(in) :: folder
    real(real64), intent(in) :: updates_per_second
    integer :: unit

    unit = open_table(folder, 'speed', 'updates_per_second')
    write (unit, '(i0)') nint(updates_per_second)
    close (unit)
    print '(i0, a)', nint(updates_per_second), ' updates of the network in a second'
  end subroutine write_speed

  !> Prints whether `smaller < larger` (not so for a NaN) and returns it.
  logical function check(claim, smaller, larger) result(holds)
    character(len=*), intent(in) :: claim
    real(real64), intent(in) :: smaller, larger

    holds = smaller < larger
    write (output_unit, '(a, ": ", a, " (", f6.4, " < ", f6.4, ")")') &
      merge('passed', 'FAILED', holds), claim, smaller, larger
  end function check
end module report
