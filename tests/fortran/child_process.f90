! SPDX-License-Identifier: MIT
!> Runs a case in a process of its own, for what ends a process or writes to its output.
module child_process
  implicit none
  private
  public :: run_child

contains

  !> Exit status of `name`, a case of this program with the label `child`, and all that it wrote.
  subroutine run_child(name, exit_status, text)
    character(len=*), intent(in) :: name
    integer, intent(out) :: exit_status
    character(len=:), allocatable, intent(out) :: text
    character(len=1024) :: program_name
    integer :: unit, length, ignored

    call get_command_argument(0, program_name)
    exit_status = -1
    call execute_command_line('"' // trim(program_name) // '" ' // name // ' > ' // name // &
      '.log 2>&1', exitstat=exit_status, cmdstat=ignored)
    open (newunit=unit, file=name // '.log', access='stream', action='read')
    inquire (unit=unit, size=length)
    allocate (character(len=length) :: text)
    read (unit) text
    close (unit, status='delete')
  end subroutine run_child

end module child_process
