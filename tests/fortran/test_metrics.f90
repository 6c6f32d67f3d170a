! SPDX-License-Identifier: MIT
!> Metrics files from Fortran: records, resumed runs, variables that share one, and what is refused.
module metrics_cases
  use, intrinsic :: iso_fortran_env, only: int64, real64
  use ftorch
  use testing, only: check, check_equal, check_status
  implicit none
  private
  public :: records, resumed, other_columns, refusals

contains

  !> The lines of a file, parted by blanks; the file goes.
  function content(file)
    character(len=*), intent(in) :: file
    character(len=:), allocatable :: content
    integer :: unit, size, i

    open (newunit=unit, file=file, access='stream', action='readwrite', status='old')
    inquire (unit=unit, size=size)
    allocate (character(len=size) :: content)
    read (unit) content
    close (unit, status='delete')
    do i = 1, size
      if (content(i:i) == new_line('a')) content(i:i) = ' '
    end do
  end function content

  !> Two variables write into one file, which stays open until neither holds it.
  subroutine records()
    character(len=*), parameter :: file = 'metrics_records.csv'
    type(torch_metrics) :: metrics, copy
    integer(int64) :: before

    before = torch_live_metrics()
    call torch_metrics_open(metrics, file, [character(len=12) :: ' temperature', 'pressure'], append=.false.)
    call metrics%write(1, [0.5_real64, 1e-3_real64])
    copy = metrics
    call torch_metrics_delete(metrics)
    call copy%write(2_int64**40, [-1.0_real64, 7.0_real64], mask=[.true., .false.])
    call torch_delete(copy)
    call check_equal([torch_live_metrics()], [before], 'live objects')
    call check(content(file) == 'step,temperature,pressure 1,0.5,0.001 1099511627776,-1,', 'lines')
  end subroutine records

  subroutine resumed()
    character(len=*), parameter :: file = 'metrics_resumed.csv'
    type(torch_metrics) :: metrics
    integer :: unit, run

    open (newunit=unit, file=file, status='replace')
    write (unit, '(a)') 'step,loss', '1,0.5'
    write (unit, '(a)', advance='no') '2,0.'
    close (unit)
    ! gfortran ends the last line.
    do run = 1, 2
      call torch_metrics_open(metrics, file, ['loss'])
      call metrics%write(run + 1, [0.25_real64])
    end do
    call torch_delete(metrics)
    call check(index(content(file) // '|', '2,0.25 3,0.25 |') > 0, 'records are appended')
  end subroutine resumed

  subroutine other_columns()
    character(len=*), parameter :: file = 'metrics_columns.csv'
    type(torch_metrics) :: metrics
    type(torch_status) :: status

    call torch_metrics_open(metrics, file, ['loss'], append=.false.)
    call metrics%write(1, [1.0_real64])
    call torch_metrics_open(metrics, file, ['rate'], status=status)
    call check_status(status, torch_invalid_argument, "the columns of the file are 'step,loss', not 'step,rate'")
    call metrics%write(2, [1.0_real64], status=status)
    call check_status(status, torch_invalid_argument, 'torch_metrics%write')
    call check(content(file) == 'step,loss 1,1 ', 'the file is as it was')
  end subroutine other_columns

  subroutine refusals()
    character(len=*), parameter :: file = 'metrics_refusals.csv'
    type(torch_metrics) :: metrics
    type(torch_status) :: status
    character(len=4) :: no_columns(0)

    call torch_metrics_open(metrics, file, no_columns, status=status)
    call check_status(status, torch_invalid_argument, 'columns is empty')
    call torch_metrics_open(metrics, file, ['lo' // new_line('a') // 'ss'], status=status)
    call check_status(status, torch_invalid_argument, 'a line end')
    call torch_metrics_open(metrics, file, ['lo' // achar(0) // 'ss'], status=status)
    call check_status(status, torch_invalid_argument, 'a NUL')
    call torch_metrics_open(metrics, '', ['loss'], status=status)
    call check(.not. status%ok(), 'no name')
    call torch_metrics_open(metrics, '/nowhere/metrics.csv', ['loss'], status=status)
    call check_status(status, torch_io_error, '/nowhere/metrics.csv')
    call torch_metrics_open(metrics, file, ['loss'], append=.false.)
    call metrics%write(1, [1.0_real64, 2.0_real64], status=status)
    call check_status(status, torch_shape_mismatch, 'values has 2 entries; the file has 1 columns')
    call metrics%write(1, [1.0_real64], mask=[.true., .false.], status=status)
    call check_status(status, torch_shape_mismatch, 'mask and values differ in size')
    call check(content(file) == 'step,loss ', 'nothing was written')
  end subroutine refusals

end module metrics_cases

program test_metrics
  use metrics_cases
  use testing, only: add_case, run_cases
  implicit none

  call add_case('records', records)
  call add_case('resumed', resumed)
  call add_case('other_columns', other_columns)
  call add_case('refusals', refusals)
  call run_cases()
end program test_metrics
