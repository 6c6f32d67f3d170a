! SPDX-License-Identifier: MIT
!> Named test cases, one process per case, and the checks that they make.
module testing
  use, intrinsic :: iso_fortran_env, only: error_unit, int64, output_unit, real32, real64
  use ftorch, only: torch_status
  implicit none
  private
  public :: add_case, run_cases, check, check_close, check_equal, check_status, skip

  abstract interface
    subroutine case_procedure()
    end subroutine case_procedure
  end interface

  type :: test_case
    character(len=64) :: name = '', labels = ''
    procedure(case_procedure), pointer, nopass :: run => null()
  end type test_case

  !> |got - expected| <= tolerance * max(1, |expected|), for numbers or arrays of equal shape.
  interface check_close
    procedure :: close_real32, close_real64
  end interface check_close

  interface check_equal
    procedure :: equal_integer, equal_int64
  end interface check_equal

  type(test_case), allocatable :: cases(:)
  integer :: checks = 0, failures = 0

contains

  !> Registers a case; the label `models` asks for model files, `child` keeps it off the list.
  subroutine add_case(name, run, labels)
    character(len=*), intent(in) :: name
    procedure(case_procedure) :: run
    character(len=*), intent(in), optional :: labels
    type(test_case) :: added

    added%name = name
    if (present(labels)) added%labels = labels
    added%run => run
    if (.not. allocated(cases)) allocate (cases(0))
    cases = [cases, added]
  end subroutine add_case

  !> Runs the case named on the command line, all of them for `--all`, or prints the names for `--list`.
  subroutine run_cases()
    character(len=64) :: name
    integer :: i, before

    call get_command_argument(1, name)
    if (name == '--all') then
      do i = 1, size(cases)
        before = failures
        checks = 0
        call cases(i)%run()
        if (checks == 0) call check(.false., 'the case checks nothing')
        if (failures > before) write (error_unit, '(2a)') 'FAILED case: ', trim(cases(i)%name)
      end do
      if (failures > 0) stop 1
      return
    end if
    do i = 1, size(cases)
      if (name == '--list') then
        if (cases(i)%labels == 'child') cycle
        write (output_unit, '(a)') trim(trim(cases(i)%name) // ' ' // cases(i)%labels)
      else if (cases(i)%name == name) then
        call cases(i)%run()
        if (checks == 0) call check(.false., 'the case checks nothing')
        if (failures > 0) stop 1
        return
      end if
    end do
    if (name == '--list') return
    write (error_unit, '(2a)') 'no such case: ', trim(name)
    stop 2
  end subroutine run_cases

  subroutine check(condition, message)
    logical, intent(in) :: condition
    character(len=*), intent(in) :: message

    checks = checks + 1
    if (condition) return
    failures = failures + 1
    write (error_unit, '(2a)') 'FAILED: ', message
  end subroutine check

  impure elemental subroutine close_real32(got, expected, tolerance, message)
    real(real32), intent(in) :: got, expected, tolerance
    character(len=*), intent(in) :: message
    character(len=80) :: numbers

    checks = checks + 1
    if (abs(got - expected) <= tolerance * max(1.0_real32, abs(expected))) return
    write (numbers, '(2(a, es24.16))') ': got', got, ', expected', expected
    call check(.false., message // trim(numbers))
  end subroutine close_real32

  impure elemental subroutine close_real64(got, expected, tolerance, message)
    real(real64), intent(in) :: got, expected, tolerance
    character(len=*), intent(in) :: message
    character(len=80) :: numbers

    checks = checks + 1
    if (abs(got - expected) <= tolerance * max(1.0_real64, abs(expected))) return
    write (numbers, '(2(a, es24.16))') ': got', got, ', expected', expected
    call check(.false., message // trim(numbers))
  end subroutine close_real64

  subroutine equal_integer(got, expected, message)
    integer, intent(in) :: got, expected
    character(len=*), intent(in) :: message

    call equal_int64([int(got, int64)], [int(expected, int64)], message)
  end subroutine equal_integer

  subroutine equal_int64(got, expected, message)
    integer(int64), intent(in) :: got(:), expected(:)
    character(len=*), intent(in) :: message
    character(len=400) :: numbers
    logical :: equal

    equal = size(got) == size(expected)
    if (equal) equal = all(got == expected)
    write (numbers, '(*(i0, 1x))') got
    write (numbers(len_trim(numbers) + 1:), '(a, *(1x, i0))') ', expected', expected
    call check(equal, message // ': got ' // trim(numbers))
  end subroutine equal_int64

  !> The call failed with `code`, and the message contains `needle`.
  subroutine check_status(status, code, needle)
    type(torch_status), intent(in) :: status
    integer, intent(in) :: code
    character(len=*), intent(in) :: needle
    character(len=:), allocatable :: text

    text = ''
    if (allocated(status%message)) text = status%message
    call check_equal(status%code, code, 'status code, "' // text // '"')
    call check(index(text, needle) > 0, '"' // needle // '" is not in "' // text // '"')
  end subroutine check_status

  !> Ends the case as skipped.
  subroutine skip(reason)
    character(len=*), intent(in) :: reason

    write (output_unit, '(2a)') 'SKIP: ', reason
    stop 77
  end subroutine skip

end module testing
