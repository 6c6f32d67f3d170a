! SPDX-License-Identifier: MIT
!> Wrong files, inputs and outputs of models: each a clear error, and nothing is written.
module model_faults_cases
  use, intrinsic :: iso_c_binding, only: c_associated
  use, intrinsic :: iso_fortran_env, only: int64, real32, real64
  use ftorch
  use model_files, only: model_file
  use testing, only: check, check_close, check_equal, check_status, skip
  implicit none
  private
  public :: missing_file, truncated_file, not_a_model, folder, device_not_there
  public :: save_into_missing_folder
  public :: number_of_inputs, dtype_of_input, shape_of_input, empty_input, number_of_outputs
  public :: dtype_of_output, integer_output_of_real_model, shape_of_output, all_or_nothing
  public :: number_as_result, number_of_parameters

contains

  subroutine check_load(name, code, needle)
    character(len=*), intent(in) :: name, needle
    integer, intent(in) :: code
    type(torch_model) :: model
    type(torch_status) :: status

    call torch_model_load(model, model_file(name), torch_kCPU, status=status)
    call check_status(status, code, needle)
    call check(.not. c_associated(model%p), 'empty after ' // name)
    call check_equal([torch_live_models()], [0_int64], 'live models after ' // name)
  end subroutine check_load

  subroutine missing_file()
    call check_load('no_such_model.pt', torch_io_error, 'no_such_model.pt')
    call check_load('', torch_io_error, 'torch_model_load')
    call check_load('no_such_folder/model.pt', torch_io_error, 'no_such_folder/model.pt')
  end subroutine missing_file

  subroutine truncated_file()
    call check_load('truncated.pt', torch_model_error, 'truncated.pt')
    call check_load('empty.pt', torch_model_error, 'empty.pt')
  end subroutine truncated_file

  subroutine not_a_model()
    call check_load('text.pt', torch_model_error, 'text.pt')
    call check_load('weights.pt', torch_model_error, 'weights.pt')
    call check_load('mlp_float32.output.txt', torch_model_error, 'mlp_float32.output.txt')
  end subroutine not_a_model

  subroutine folder()
    call check_load('.', torch_io_error, 'torch_model_load')
  end subroutine folder

  subroutine device_not_there()
    type(torch_model) :: model
    type(torch_status) :: status

    call torch_model_load(model, model_file('scaling.pt'), torch_kCUDA, status=status)
    if (status%ok()) call skip('this LibTorch and machine have a CUDA device')
    call check_status(status, torch_device_unavailable, 'cpu')
    call check(.not. c_associated(model%p), 'empty')
  end subroutine device_not_there

  subroutine save_into_missing_folder()
    type(torch_model) :: model
    type(torch_status) :: status
    logical :: exists

    call torch_model_load(model, model_file('scaling.pt'), torch_kCPU)
    call torch_model_save(model, 'no_such_folder/model.pt', status)
    call check_status(status, torch_io_error, 'no_such_folder/model.pt')
    inquire (file='no_such_folder', exist=exists)
    call check(.not. exists, 'nothing left behind')
  end subroutine save_into_missing_folder

  !> Runs `name` on these inputs with one output [5,4] of real32, and expects a failure.
  subroutine check_forward(name, inputs, code, needle)
    character(len=*), intent(in) :: name, needle
    type(torch_tensor), intent(in) :: inputs(:)
    integer, intent(in) :: code
    type(torch_model) :: model
    type(torch_tensor) :: output(1)
    type(torch_status) :: status
    real(real32), target :: y(5, 4)

    y = -1
    call torch_tensor_from_array(output(1), y, torch_kCPU)
    call torch_model_load(model, model_file(name), torch_kCPU)
    call torch_model_forward(model, inputs, output, status=status)
    call check_status(status, code, needle)
    call check(index(status%message, 'torch_model_forward') == 1, status%message)
    call check_close(y, -1.0, 0.0, 'nothing written')
    call torch_delete(output)
  end subroutine check_forward

  subroutine number_of_inputs()
    type(torch_tensor) :: x(3)
    integer :: i

    do i = 1, 3
      call torch_tensor_ones(x(i), 2, [5_int64, 8_int64], torch_kFloat32, torch_kCPU)
    end do
    call check_forward('mlp_float32.pt', x(:0), torch_invalid_argument, '0')
    call check_forward('mlp_float32.pt', x(:2), torch_invalid_argument, '2')
    call check_forward('two_inputs.pt', x(:1), torch_invalid_argument, 'y')
    call check_forward('two_inputs.pt', x(:3), torch_invalid_argument, '3')
  end subroutine number_of_inputs

  subroutine dtype_of_input()
    type(torch_tensor) :: x(1)

    call torch_tensor_ones(x(1), 2, [5_int64, 8_int64], torch_kFloat64, torch_kCPU)
    call check_forward('mlp_float32.pt', x, torch_dtype_mismatch, 'input_tensors(1) is float64 [5, 8]')
    call torch_tensor_ones(x(1), 2, [5_int64, 8_int64], torch_kInt32, torch_kCPU)
    call check_forward('mlp_float32.pt', x, torch_dtype_mismatch, '0.weight, is float32')
  end subroutine dtype_of_input

  subroutine shape_of_input()
    type(torch_tensor) :: x(1)

    call torch_tensor_ones(x(1), 2, [5_int64, 9_int64], torch_kFloat32, torch_kCPU)
    call check_forward('mlp_float32.pt', x, torch_shape_mismatch, 'input_tensors(1) is float32 [5, 9]')
  end subroutine shape_of_input

  subroutine empty_input()
    type(torch_tensor) :: x(2)

    call torch_tensor_ones(x(1), 2, [5_int64, 4_int64], torch_kFloat32, torch_kCPU)
    call check_forward('two_inputs.pt', x, torch_invalid_argument, '2')
  end subroutine empty_input

  !> Runs the model with two results of shape [2] into these outputs, and expects a failure.
  subroutine check_outputs(outputs, code, needle)
    type(torch_tensor), intent(inout) :: outputs(:)
    integer, intent(in) :: code
    character(len=*), intent(in) :: needle
    type(torch_model) :: model
    type(torch_tensor) :: input(1)
    type(torch_status) :: status
    integer(int64) :: live

    call torch_tensor_ones(input(1), 1, [2_int64], torch_kFloat32, torch_kCPU)
    call torch_model_load(model, model_file('tuple_output.pt'), torch_kCPU)
    live = torch_live_tensors()
    call torch_model_forward(model, input, outputs, status=status)
    call check_status(status, code, needle)
    call check_equal([torch_live_tensors()], [live], 'live tensors')
  end subroutine check_outputs

  subroutine number_of_outputs()
    type(torch_tensor) :: y(3)
    integer :: i

    do i = 1, 3
      call torch_tensor_zeros(y(i), 1, [2_int64], torch_kFloat32, torch_kCPU)
    end do
    call check_outputs(y(:0), torch_invalid_argument, '2')
    call check_outputs(y(:1), torch_invalid_argument, '2')
    call check_outputs(y, torch_invalid_argument, '3')
  end subroutine number_of_outputs

  subroutine dtype_of_output()
    type(torch_tensor) :: y(2)
    complex(real32), target :: values(2)

    values = -1
    call torch_tensor_zeros(y(1), 1, [2_int64], torch_kFloat32, torch_kCPU)
    call torch_tensor_from_array(y(2), values, torch_kCPU)
    call check_outputs(y, torch_dtype_mismatch, 'complex64')
    call check_close(real(values), -1.0, 0.0, 'nothing written')
  end subroutine dtype_of_output

  subroutine integer_output_of_real_model()
    type(torch_tensor) :: y(2)
    integer(int64), target :: values(2)

    values = -1
    call torch_tensor_zeros(y(1), 1, [2_int64], torch_kFloat32, torch_kCPU)
    call torch_tensor_from_array(y(2), values, torch_kCPU)
    call check_outputs(y, torch_dtype_mismatch, 'int64')
    call check_equal(values, [-1_int64, -1_int64], 'nothing written')
  end subroutine integer_output_of_real_model

  subroutine shape_of_output()
    type(torch_tensor) :: y(2)
    real(real32), target :: values(2, 2)

    values = -1
    call torch_tensor_zeros(y(1), 1, [2_int64], torch_kFloat32, torch_kCPU)
    call torch_tensor_from_array(y(2), values, torch_kCPU)
    call check_outputs(y, torch_shape_mismatch, '[2, 2]')
    call check_close(values, -1.0, 0.0, 'nothing written')
    call torch_tensor_zeros(y(2), 1, [3_int64], torch_kFloat32, torch_kCPU)
    call check_outputs(y, torch_shape_mismatch, '[3]')
  end subroutine shape_of_output

  !> A second output that does not fit leaves the first alone.
  subroutine all_or_nothing()
    type(torch_tensor) :: y(2)
    real(real32), target :: first(2), second(3)

    first = -1
    second = -1
    call torch_tensor_from_array(y(1), first, torch_kCPU)
    call torch_tensor_from_array(y(2), second, torch_kCPU)
    call check_outputs(y, torch_shape_mismatch, 'torch_model_forward')
    call check_close(first, -1.0, 0.0, 'the first')
    call check_close(second, -1.0, 0.0, 'the second')
  end subroutine all_or_nothing

  subroutine number_as_result()
    type(torch_tensor) :: x(1)

    call torch_tensor_ones(x(1), 2, [5_int64, 4_int64], torch_kFloat32, torch_kCPU)
    call check_forward('number_output.pt', x, torch_shape_mismatch, 'shape []')
  end subroutine number_as_result

  subroutine number_of_parameters()
    type(torch_model) :: model
    type(torch_tensor) :: parameters(2)
    type(torch_status) :: status
    real(real32), target :: x(1)

    call torch_model_load(model, model_file('scaling.pt'), torch_kCPU)
    call torch_model_parameters(model, parameters, status)
    call check_status(status, torch_invalid_argument, '1')
    call check(.not. c_associated(parameters(1)%p), 'empty')
    x = 5
    call torch_tensor_from_array(parameters(1), x, torch_kCPU)
    call torch_model_parameters(model, parameters(:1), status)
    call check_status(status, torch_invalid_argument, 'array')
    call check_close(x, 5.0, 0.0, 'an array cannot become a parameter')
  end subroutine number_of_parameters

end module model_faults_cases

program test_model_faults
  use model_faults_cases
  use testing, only: add_case, run_cases
  implicit none

  call add_case('missing_file', missing_file, 'models')
  call add_case('truncated_file', truncated_file, 'models')
  call add_case('not_a_model', not_a_model, 'models')
  call add_case('folder', folder, 'models')
  call add_case('device_not_there', device_not_there, 'models')
  call add_case('save_into_missing_folder', save_into_missing_folder, 'models')
  call add_case('number_of_inputs', number_of_inputs, 'models')
  call add_case('dtype_of_input', dtype_of_input, 'models')
  call add_case('shape_of_input', shape_of_input, 'models')
  call add_case('empty_input', empty_input, 'models')
  call add_case('number_of_outputs', number_of_outputs, 'models')
  call add_case('dtype_of_output', dtype_of_output, 'models')
  call add_case('integer_output_of_real_model', integer_output_of_real_model, 'models')
  call add_case('shape_of_output', shape_of_output, 'models')
  call add_case('all_or_nothing', all_or_nothing, 'models')
  call add_case('number_as_result', number_as_result, 'models')
  call add_case('number_of_parameters', number_of_parameters, 'models')
  call run_cases()
end program test_model_faults
