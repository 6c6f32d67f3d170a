! SPDX-License-Identifier: MIT
!> Signals that ask the program to end, noted so that the time loop can end itself.
module interruption
  use, intrinsic :: iso_c_binding, only: c_funloc, c_funptr, c_int
  implicit none
  private
  public :: note_interruptions, is_interrupted

  integer(c_int), parameter :: interrupt_signal = 2    !! SIGINT: Ctrl-C
  integer(c_int), parameter :: terminate_signal = 15   !! SIGTERM: Slurm's --signal=TERM@60, and others
  logical, volatile :: noted = .false.

  interface
    !> C: calls `handler` when the signal comes.
    type(c_funptr) function on_signal(number, handler) bind(C, name='signal')
      import :: c_funptr, c_int
      integer(c_int), value :: number
      type(c_funptr), value :: handler
    end function on_signal
  end interface

contains

  subroutine note_interruptions
    type(c_funptr) :: earlier

    earlier = on_signal(interrupt_signal, c_funloc(note))
    earlier = on_signal(terminate_signal, c_funloc(note))
  end subroutine note_interruptions

  subroutine note(number) bind(C)
    integer(c_int), value :: number

    if (number > 0) noted = .true.
  end subroutine note

  logical function is_interrupted()
    is_interrupted = noted
  end function is_interrupted
end module interruption
