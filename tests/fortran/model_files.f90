! SPDX-License-Identifier: MIT
!> The files that tests/models/make_models.py wrote.
module model_files
  use, intrinsic :: iso_fortran_env, only: real64
  use testing, only: skip
  implicit none
  private
  public :: model_file, model_numbers

contains

  !> Path of a file in the folder that FTORCH_TEST_MODELS names.
  function model_file(name) result(path)
    character(len=*), intent(in) :: name
    character(len=:), allocatable :: path
    character(len=1024) :: folder
    integer :: length

    call get_environment_variable('FTORCH_TEST_MODELS', folder, length)
    if (length == 0) call skip('FTORCH_TEST_MODELS does not name the folder that make_models.py writes')
    if (length > len(folder)) error stop 'FTORCH_TEST_MODELS is longer than 1024 characters'
    path = trim(folder) // '/' // name
  end function model_file

  !> Numbers of `name`, a count and then one number a line, in Fortran's order of elements.
  function model_numbers(name) result(numbers)
    character(len=*), intent(in) :: name
    real(real64), allocatable :: numbers(:)
    integer :: unit, count

    open (newunit=unit, file=model_file(name), action='read', status='old')
    read (unit, *) count
    allocate (numbers(count))
    read (unit, *) numbers
    close (unit)
  end function model_numbers

end module model_files
