! SPDX-License-Identifier: MIT
!> Names of files as Fortran programs have them, and results that no array can take.
module files_cases
  use, intrinsic :: iso_c_binding, only: c_associated, c_null_char
  use, intrinsic :: iso_fortran_env, only: int64, real32
  use ftorch
  use model_files, only: model_file
  use testing, only: check, check_close, check_status
  implicit none
  private
  public :: blanks_around_names, null_characters, long_names, saved_over_folder, sparse_result

contains

  !> The model in a file doubles.
  subroutine check_doubles(filename)
    character(len=*), intent(in) :: filename
    type(torch_model) :: model
    type(torch_tensor) :: x(1), y(1)
    type(torch_status) :: status
    real(real32), target :: values(3)

    values = 0
    call torch_model_load(model, filename, torch_kCPU, status=status)
    call check(status%ok(), 'load')
    if (.not. status%ok()) return
    call torch_tensor_ones(x(1), 1, [3_int64], torch_kFloat32, torch_kCPU)
    call torch_tensor_from_array(y(1), values, torch_kCPU)
    call torch_model_forward(model, x, y)
    call check_close(values, 2.0, 0.0, 'values of ' // trim(filename))
  end subroutine check_doubles

  logical function exists(filename)
    character(len=*), intent(in) :: filename

    inquire (file=filename, exist=exists)
  end function exists

  subroutine remove(filename)
    character(len=*), intent(in) :: filename
    integer :: unit, error

    open (newunit=unit, file=filename, iostat=error)
    close (unit, status='delete', iostat=error)
  end subroutine remove

  subroutine blanks_around_names()
    type(torch_model) :: model
    character(len=60) :: padded

    padded = '   blanks around.pt'
    call torch_model_load(model, '  ' // model_file('scaling.pt') // '   ', torch_kCPU)
    call torch_model_save(model, padded)
    call check(exists('blanks around.pt'), 'the name without blanks around it')
    call check_doubles('blanks around.pt')
    call check_doubles(padded)
    call remove('blanks around.pt')
  end subroutine blanks_around_names

  !> One at the end is that of a name made for C; one inside would cut the name.
  subroutine null_characters()
    type(torch_model) :: model
    type(torch_status) :: status

    call torch_model_load(model, model_file('scaling.pt') // c_null_char // '  ', torch_kCPU)
    call torch_model_save(model, 'null' // c_null_char // '.pt', status)
    call check_status(status, torch_invalid_argument, "torch_model_save: filename 'null' is followed by a null character")
    call check(.not. exists('null'), 'nothing is written')
    call torch_model_save(model, 'null.pt' // c_null_char)
    call check_doubles('null.pt')
    call torch_model_load(model, 'null.pt' // c_null_char // 'x', torch_kCPU, status=status)
    call check_status(status, torch_invalid_argument, "torch_model_load: filename 'null.pt' is followed by a null character")
    call check(.not. c_associated(model%p), 'empty')
    call remove('null.pt')
  end subroutine null_characters

  subroutine long_names()
    type(torch_model) :: model
    type(torch_status) :: status
    character(len=250) :: name

    name = repeat('n', 247) // '.pt'
    call torch_model_load(model, model_file('scaling.pt'), torch_kCPU)
    call torch_model_save(model, name, status)
    call check(status%ok(), 'save')
    call check_doubles(name)
    call remove(name)
    call torch_model_save(model, repeat('n', 256), status)
    call check_status(status, torch_io_error, repeat('n', 256) // "': it cannot be written")
    call torch_model_load(model, repeat('n', 5000), torch_kCPU, status=status)
    call check_status(status, torch_io_error, "nnn...': it cannot be read")
  end subroutine long_names

  subroutine saved_over_folder()
    type(torch_model) :: model
    type(torch_status) :: status

    call torch_model_load(model, model_file('scaling.pt'), torch_kCPU)
    call torch_model_save(model, '.', status)
    call check_status(status, torch_io_error, 'it is a directory, not a file')
    call torch_model_save(model, '   ', status)
    call check_status(status, torch_io_error, 'torch_model_save')
  end subroutine saved_over_folder

  subroutine sparse_result()
    type(torch_model) :: model
    type(torch_tensor) :: x(1), y(2)
    type(torch_status) :: status
    real(real32), target :: first(2), second(2)

    first = -1
    second = -1
    call torch_tensor_ones(x(1), 1, [2_int64], torch_kFloat32, torch_kCPU)
    call torch_tensor_from_array(y(1), first, torch_kCPU)
    call torch_tensor_from_array(y(2), second, torch_kCPU)
    call torch_model_load(model, model_file('sparse.pt'), torch_kCPU)
    call torch_model_forward(model, x, y, status=status)
    call check_status(status, torch_invalid_argument, 'result(2): the tensor is in the layout Sparse')
    call check_close([first, second], -1.0, 0.0, 'nothing is written')
  end subroutine sparse_result

end module files_cases

program test_files
  use files_cases
  use testing, only: add_case, run_cases
  implicit none

  call add_case('blanks_around_names', blanks_around_names, 'models')
  call add_case('null_characters', null_characters, 'models')
  call add_case('long_names', long_names, 'models')
  call add_case('saved_over_folder', saved_over_folder, 'models')
  call add_case('sparse_result', sparse_result, 'models')
  call run_cases()
end program test_files
