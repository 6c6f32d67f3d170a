! SPDX-License-Identifier: MIT
!> Models: numbers among arguments and results, other methods, attributes.
module model_arguments_cases
  use, intrinsic :: iso_fortran_env, only: int64, real32, real64
  use ftorch
  use model_files, only: model_file
  use testing, only: check, check_close, check_equal, check_status
  implicit none
  private
  public :: numbers, methods, attributes

  character(len=*), parameter :: files(1) = [character(len=8) :: 'step.pt']

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

end module model_arguments_cases

program test_model_arguments
  use model_arguments_cases
  use testing, only: add_case, run_cases
  implicit none

  call add_case('numbers', numbers, 'models')
  call add_case('methods', methods, 'models')
  call add_case('attributes', attributes, 'models')
  call run_cases()
end program test_model_arguments
