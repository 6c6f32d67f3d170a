! SPDX-License-Identifier: MIT
!> Dtypes and sizes of what exported programs take and return; TorchScript files do not say them.
module model_size_cases
  use, intrinsic :: iso_fortran_env, only: int64
  use ftorch
  use model_files, only: model_file
  use testing, only: check, check_equal, check_status
  implicit none
  private
  public :: inputs, outputs, numbers, not_there, torchscript

contains

  subroutine inputs()
    type(torch_model) :: model

    call torch_model_load(model, model_file('convolution.pt2'), torch_kCPU)
    call check_equal(torch_model_input_dtype(model, 1), torch_kFloat32, 'dtype')
    call check_shape(torch_model_input_shape(model, 1), [-1, 2, 6], 'shape')
    call check_shape(torch_model_input_range(model, 1, 1), [0, 100], 'dynamic dimension')
    call check_shape(torch_model_input_range(model, 1, 3), [6, 6], 'fixed dimension')
    call torch_model_load(model, model_file('mlp_float64.pt2'), torch_kCPU)
    call check_equal(torch_model_input_dtype(model, 1), torch_kFloat64, 'dtype of double')
  end subroutine inputs

  subroutine outputs()
    type(torch_model) :: model

    call torch_model_load(model, model_file('convolution.pt2'), torch_kCPU)
    call check_equal(torch_model_output_dtype(model, 1), torch_kFloat32, 'dtype')
    call check_shape(torch_model_output_shape(model, 1), [-1, 3, 6], 'shape')
  end subroutine outputs

  !> A number has no dimensions.
  subroutine numbers()
    type(torch_model) :: model
    type(torch_status) :: status

    call torch_model_load(model, model_file('step.pt2'), torch_kCPU)
    call check_shape(torch_model_input_shape(model, 1), [2], 'shape of the tensor')
    call check_equal(torch_model_input_dtype(model, 2), torch_kFloat64, 'dtype of the number')
    call check_equal(size(torch_model_input_shape(model, 2)), 0, 'rank of the number')
    call check_shape(torch_model_input_range(model, 2, 1, status), [0, 0], 'range')
    call check_status(status, torch_invalid_argument, &
      'torch_model_input_range: dim is 1; input 2 has 0 dimensions, counted from 1')
  end subroutine numbers

  subroutine not_there()
    type(torch_model) :: model, empty
    type(torch_status) :: status

    call torch_model_load(model, model_file('mlp_float32.pt2'), torch_kCPU)
    call check_shape(torch_model_input_range(model, 1, 3, status), [0, 0], 'range')
    call check_status(status, torch_invalid_argument, 'dim is 3; input 1 has 2 dimensions')
    call check_shape(torch_model_input_range(model, 1, 0, status), [0, 0], 'range')
    call check_status(status, torch_invalid_argument, 'dim is 0; input 1 has 2 dimensions')
    call check_equal(size(torch_model_input_shape(model, 2, status)), 0, 'shape of a second input')
    call check_status(status, torch_invalid_argument, 'torch_model_input_shape: i is 2; the model has 1 inputs')
    call check_equal(torch_model_output_dtype(model, 0, status), -1, 'dtype of no output')
    call check_status(status, torch_invalid_argument, 'i is 0; the model has 1 outputs, counted from 1')
    call check_equal(torch_model_input_dtype(empty, 1, status), -1, 'dtype of no model')
    call check_status(status, torch_invalid_argument, 'the model holds nothing')
    call check_equal(torch_model_input_dtype(model, 1, status), torch_kFloat32, 'dtype afterwards')
    call check(status%ok(), 'status afterwards')
  end subroutine not_there

  subroutine torchscript()
    type(torch_model) :: model
    type(torch_status) :: status

    call torch_model_load(model, model_file('mlp_float32.pt'), torch_kCPU)
    call check_equal(size(torch_model_input_shape(model, 1, status)), 0, 'shape')
    call check_status(status, torch_model_error, 'TorchScript')
    call check_equal(size(torch_model_output_shape(model, 1, status)), 0, 'shape of the output')
    call check_status(status, torch_model_error, 'TorchScript')
    call check_equal(torch_model_input_dtype(model, 1, status), -1, 'dtype')
    call check_status(status, torch_model_error, 'torch_model_input_dtype: ')
    call check_shape(torch_model_input_range(model, 1, 1, status), [0, 0], 'range')
    call check_status(status, torch_model_error, 'TorchScript')
  end subroutine torchscript

  subroutine check_shape(got, expected, what)
    integer(int64), intent(in) :: got(:)
    integer, intent(in) :: expected(:)
    character(len=*), intent(in) :: what

    call check_equal(size(got), size(expected), 'rank, ' // what)
    call check(all(got == expected), what)
  end subroutine check_shape

end module model_size_cases

program test_model_sizes
  use model_size_cases
  use testing, only: add_case, run_cases
  implicit none

  call add_case('inputs', inputs, 'models')
  call add_case('outputs', outputs, 'models')
  call add_case('numbers', numbers, 'models')
  call add_case('not_there', not_there, 'models')
  call add_case('torchscript', torchscript, 'models')
  call run_cases()
end program test_model_sizes
