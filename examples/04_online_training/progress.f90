! SPDX-License-Identifier: MIT
!> A progress bar with loss and rate on standard output, silent when that is no terminal.
module progress
  use, intrinsic :: iso_c_binding, only: c_int
  use, intrinsic :: iso_fortran_env, only: int64, output_unit, real64
  implicit none
  private
  public :: progress_bar

  integer, parameter :: width = 40                   !! characters of a full bar
  real(real64), parameter :: refresh_interval = 0.1  !! least time between two drawings [s]
  integer(c_int), parameter :: standard_output = 1   !! POSIX file descriptor

  type :: progress_bar
    private
    integer :: total = 0                  !! steps of the whole run
    logical :: on_terminal = .false.
    real(real64) :: started = 0, drawn = 0  !! wall clock at the start and at the last drawing [s]
  contains
    procedure :: start
    procedure :: update
  end type progress_bar

  interface
    !> POSIX: 1 when the file descriptor is a terminal.
    integer(c_int) function is_terminal(file_descriptor) bind(C, name='isatty')
      import :: c_int
      integer(c_int), value :: file_descriptor
    end function is_terminal
  end interface

contains

  subroutine start(self, total)
    class(progress_bar), intent(out) :: self
    integer, intent(in) :: total

    self%total = total
    self%on_terminal = is_terminal(standard_output) == 1
    self%started = wall_clock()
  end subroutine start

  !> Draws the bar for `done` of the steps; the last step ends the line.
  subroutine update(self, done, loss)
    class(progress_bar), intent(inout) :: self
    integer, intent(in) :: done
    real(real64), intent(in) :: loss
    real(real64) :: now, rate
    character(len=width) :: bar

    if (.not. self%on_terminal) return
    now = wall_clock()
    if (now - self%drawn < refresh_interval .and. done < self%total) return
    self%drawn = now
    rate = done/max(now - self%started, epsilon(now))
    bar = repeat('#', int(width*(real(done)/self%total)))
    write (output_unit, '(a, "[", a, "]", i4, " %  loss ", f8.3, "  ", i0, " steps/s  ")', &
           advance='no') achar(13), bar, nint(100*real(done)/self%total), loss, nint(rate)
    if (done == self%total) write (output_unit, '()')
    flush (output_unit)
  end subroutine update

  real(real64) function wall_clock()
    integer(int64) :: count, count_rate

    call system_clock(count, count_rate)
    wall_clock = real(count, real64)/count_rate
  end function wall_clock
end module progress
