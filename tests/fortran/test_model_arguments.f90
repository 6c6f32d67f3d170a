! SPDX-License-Identifier: MIT
!> Models: numbers among arguments and results, other methods, attributes, metadata.
module model_arguments_cases
  use, intrinsic :: iso_fortran_env, only: int64, real32, real64
  use ftorch
  use model_files, only: model_file
  use recorder, only: last_error, record_errors
  use testing, only: check, check_close, check_equal, check_status
  implicit none
  private
  public :: numbers, methods, attributes, metadata, metadata_is_kept, missing_metadata

  character(len=*), parameter :: files(2) = [character(len=8) :: 'step.pt', 'step.pt2']

contains

  subroutine numbers()
    type(torch_model) :: model
    type(torch_tensor) :: inputs(2), outputs(1)
    type(torch_status) :: status
    real(real32), target :: x(2), y(2)
    real(real64), target :: dt
    integer :: i

    x = [1.0, 2.0]
    dt = 0.5_real64
    call torch_tensor_from_array(inputs(1), x, torch_kCPU)
    call torch_tensor_from_array(inputs(2), dt, torch_kCPU)
    call torch_tensor_from_array(outputs(1), y, torch_kCPU)
    do i = 1, size(files)
      y = 0.0
      call torch_model_load(model, model_file(files(i)), torch_kCPU)
      call torch_model_forward(model, inputs, outputs)
      call check_close(y, [1.5_real32, 2.5_real32], 0.0_real32, 'result of ' // files(i))
      call check_equal(torch_model_num_inputs(model), 2, 'inputs')
      call check(torch_model_input_name(model, 2) == 'dt', 'name of a number')
    end do
    call torch_model_load(model, model_file('step.pt'), torch_kCPU)
    call torch_model_forward(model, [inputs(1), inputs(1)], outputs, status=status)
    call check_status(status, torch_shape_mismatch, 'dt, is of type float')
    call check_close(y, [1.5_real32, 2.5_real32], 0.0_real32, 'nothing is written')
  end subroutine numbers

  subroutine methods()
    type(torch_model) :: model
    type(torch_tensor) :: inputs(1), outputs(2)
    type(torch_status) :: status
    real(real32), target :: x(2), y(2)
    integer(int64), target :: count

    x = [3.0, 10.0]
    call torch_tensor_from_array(inputs(1), x, torch_kCPU)
    call torch_tensor_from_array(outputs(1), y, torch_kCPU)
    call torch_tensor_from_array(outputs(2), count, torch_kCPU)
    call torch_model_load(model, model_file('step.pt'), torch_kCPU)
    call torch_model_forward(model, inputs, outputs, method='normalise ')
    call check_close(y, [1.0_real32, 2.0_real32], 0.0_real32, 'normalise')
    call check_equal([count], [2_int64], 'a number among the results')
    call torch_model_forward(model, inputs, outputs, method='normalize', status=status)
    call check_status(status, torch_model_error, 'no method normalize')
    call torch_model_load(model, model_file('step.pt2'), torch_kCPU)
    call torch_model_forward(model, inputs, outputs, method='normalise', status=status)
    call check_status(status, torch_model_error, 'no method normalise')
  end subroutine methods

  subroutine attributes()
    type(torch_model) :: model
    type(torch_tensor) :: inputs(1), outputs(2), scale
    real(real32), target :: x(2), y(2), ones(2)
    integer(int64), target :: count

    x = [3.0, 10.0]
    ones = 1.0
    call torch_tensor_from_array(inputs(1), x, torch_kCPU)
    call torch_tensor_from_array(outputs(1), y, torch_kCPU)
    call torch_tensor_from_array(outputs(2), count, torch_kCPU)
    call torch_model_load(model, model_file('step.pt'), torch_kCPU)
    call torch_model_get_buffer(scale, model, 'scale')
    call torch_tensor_from_array(inputs(1), ones, torch_kCPU)
    scale = inputs(1)
    call torch_tensor_from_array(inputs(1), x, torch_kCPU)
    call torch_model_forward(model, inputs, outputs, method='normalise')
    call check_close(y, [2.0_real32, 8.0_real32], 0.0_real32, 'an attribute that was written')
  end subroutine attributes

  subroutine metadata()
    type(torch_model) :: model
    integer :: i

    do i = 1, size(files)
      call torch_model_load(model, model_file(files(i)), torch_kCPU)
      call check(torch_model_metadata(model, 'units') == 'm s-1', 'a text of ' // files(i))
      call check(torch_model_metadata(model, ' levels ') == '60', 'a number of ' // files(i))
      call check(len(torch_model_metadata(model, 'comment')) == 7, 'text in UTF-8 of ' // files(i))
    end do
  end subroutine metadata

  subroutine metadata_is_kept()
    type(torch_model) :: model, copy
    integer :: i, unit

    do i = 1, size(files)
      call torch_model_load(model, model_file(files(i)), torch_kCPU)
      call torch_model_clone(copy, model)
      call torch_model_delete(model)
      call check(torch_model_metadata(copy, 'units') == 'm s-1', 'of a copy of ' // files(i))
      call torch_model_save(copy, 'metadata_' // files(i))
      call torch_model_load(model, 'metadata_' // files(i), torch_kCPU)
      call check(torch_model_metadata(model, 'units') == 'm s-1', 'of a file that was written')
      open (newunit=unit, file='metadata_' // files(i), status='old')
      close (unit, status='delete')
    end do
  end subroutine metadata_is_kept

  subroutine missing_metadata()
    type(torch_model) :: model

    call record_errors()
    call torch_model_load(model, model_file('step.pt'), torch_kCPU)
    call check(torch_model_metadata(model, 'unit') == '', 'empty after a failure')
    call check_status(last_error, torch_invalid_argument, &
                      'torch_model_metadata: the model has no metadata ''unit''; it has units')
    call torch_model_load(model, model_file('scaling.pt'), torch_kCPU)
    call check(torch_model_metadata(model, 'units') == '', 'of a model without any')
    call check_status(last_error, torch_invalid_argument, 'it has none')
  end subroutine missing_metadata

end module model_arguments_cases

program test_model_arguments
  use model_arguments_cases
  use testing, only: add_case, run_cases
  implicit none

  call add_case('numbers', numbers, 'models')
  call add_case('methods', methods, 'models')
  call add_case('attributes', attributes, 'models')
  call add_case('metadata', metadata, 'models')
  call add_case('metadata_is_kept', metadata_is_kept, 'models')
  call add_case('missing_metadata', missing_metadata, 'models')
  call run_cases()
end program test_model_arguments
