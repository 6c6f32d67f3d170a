! SPDX-License-Identifier: MIT
!> State of models in files: what comes back, who sees it, and what is refused.
module state_files_cases
  use, intrinsic :: iso_fortran_env, only: int64, real64
  use ftorch
  use model_files, only: model_file
  use testing, only: check, check_close, check_status
  implicit none
  private
  public :: saved_and_loaded, seen_by_parameters, wrong_names, not_strict, missing_file, empty_model

  real(real64), parameter :: exact = 0
  integer, parameter :: count = 6

contains

  function output_of(model) result(values)
    type(torch_model), intent(in) :: model
    real(real64) :: values(4)
    type(torch_tensor) :: x(1), y(1)

    call torch_tensor_ones(x(1), 2, [1_int64, 8_int64], torch_kFloat64, torch_kCPU)
    call torch_tensor_zeros(y(1), 2, [1_int64, 4_int64], torch_kFloat64, torch_kCPU)
    call torch_model_forward(model, x, y)
    call torch_tensor_to_array(y(1), values)
  end function output_of

  subroutine set_to_zero(model)
    type(torch_model), intent(in) :: model
    type(torch_tensor) :: parameters(count)
    integer :: i

    call torch_model_parameters(model, parameters)
    do i = 1, count
      call parameters(i)%zero()
    end do
  end subroutine set_to_zero

  subroutine saved_and_loaded()
    type(torch_model) :: model
    real(real64) :: before(4)

    call torch_model_load(model, model_file('mlp_float64.pt'), torch_kCPU, is_training=.true.)
    before = output_of(model)
    call torch_model_save_state(model, ' state of a model.safetensors ')
    call set_to_zero(model)
    call check_close(output_of(model), 0 * before, exact, 'zeros')
    call torch_model_load_state(model, 'state of a model.safetensors')
    call check_close(output_of(model), before, exact, 'as before')
    call check(torch_model_is_training(model), 'the mode stays')
  end subroutine saved_and_loaded

  !> A parameter that a tensor names is written where it is, and an optimizer goes on with it.
  subroutine seen_by_parameters()
    type(torch_model) :: model
    type(torch_tensor) :: parameters(count), loss, y(1), x(1)
    type(torch_optim) :: optim
    real(real64) :: bias(4), expected(4)

    call torch_model_load(model, model_file('mlp_float64.pt'), torch_kCPU)
    call torch_model_parameters(model, parameters)
    expected = parameters(count)
    call torch_model_save_state(model, 'seen.safetensors')
    call torch_optim_SGD(optim, parameters, learning_rate=1)
    call parameters(count)%zero()
    call torch_model_load_state(model, 'seen.safetensors')
    bias = parameters(count)
    call check_close(bias, expected, exact, 'the parameter')
    call check(parameters(count)%requires_grad(), 'requires_grad stays')
    call torch_tensor_ones(x(1), 2, [1_int64, 8_int64], torch_kFloat64, torch_kCPU)
    call torch_tensor_zeros(y(1), 2, [1_int64, 4_int64], torch_kFloat64, torch_kCPU)
    call torch_model_forward(model, x, y, requires_grad=.true.)
    call torch_tensor_sum(loss, y(1))
    call torch_tensor_backward(loss)
    call optim%step()
    bias = parameters(count)
    call check_close(bias, expected - 1, exact, 'after a step')
  end subroutine seen_by_parameters

  subroutine wrong_names()
    type(torch_model) :: model, other
    type(torch_status) :: status
    real(real64) :: before(4)

    call torch_model_load(model, model_file('mlp_float64.pt'), torch_kCPU)
    call torch_model_load(other, model_file('mlp_float32.pt'), torch_kCPU)
    before = output_of(model)
    call torch_model_save_state(other, 'other.safetensors')
    call torch_model_load_state(model, 'other.safetensors', status=status)
    call check_status(status, torch_dtype_mismatch, "torch_model_load_state: 'other.safetensors': another dtype: " // &
                      "'0.weight' float32 instead of float64, ")
    call torch_model_load(other, model_file('convolution.pt'), torch_kCPU)
    call torch_model_save_state(other, 'other.safetensors')
    call torch_model_load_state(model, 'other.safetensors', status=status)
    call check_status(status, torch_invalid_argument, "'other.safetensors': missing: '2.weight', '2.bias', '4.weight'")
    call torch_model_load_state(model, 'other.safetensors', strict=.false., status=status)
    call check_status(status, torch_shape_mismatch, "'0.weight' [3, 2, 3] instead of [32, 8], '0.bias' [3] instead of [32]")
    call check_close(output_of(model), before, exact, 'unchanged')
  end subroutine wrong_names

  !> A dictionary of torch.save without a name of the model, with another one.
  subroutine not_strict()
    type(torch_model) :: model
    type(torch_status) :: status
    real(real64) :: before(4)

    call torch_model_load(model, model_file('mlp_float64.pt'), torch_kCPU)
    before = output_of(model)
    call torch_model_load_state(model, model_file('weights.pt'), status=status)
    call check_status(status, torch_invalid_argument, "; unknown: 'weight'")
    call torch_model_load_state(model, model_file('weights.pt'), strict=.false., status=status)
    call check(status%ok(), 'no name in common')
    call check_close(output_of(model), before, exact, 'unchanged')
  end subroutine not_strict

  subroutine missing_file()
    type(torch_model) :: model
    type(torch_status) :: status

    call torch_model_load(model, model_file('mlp_float64.pt'), torch_kCPU)
    call torch_model_load_state(model, 'no such file', status=status)
    call check_status(status, torch_io_error, "'no such file': it cannot be read: No such file")
    call torch_model_save_state(model, 'no/such/file', status)
    call check_status(status, torch_io_error, "'no/such/file': it cannot be written: No such file")
    call torch_model_load_state(model, model_file('text.pt'), status=status)
    call check_status(status, torch_io_error, 'it is no safetensors file')
  end subroutine missing_file

  subroutine empty_model()
    type(torch_model) :: model
    type(torch_status) :: status

    call torch_model_save_state(model, 'empty.safetensors', status)
    call check_status(status, torch_invalid_argument, 'torch_model_save_state: the model holds nothing')
    call torch_model_load_state(model, 'empty.safetensors', status=status)
    call check_status(status, torch_invalid_argument, 'torch_model_load_state: the model holds nothing')
  end subroutine empty_model

end module state_files_cases

program test_state_files
  use state_files_cases
  use testing, only: add_case, run_cases
  implicit none

  call add_case('saved_and_loaded', saved_and_loaded, 'models')
  call add_case('seen_by_parameters', seen_by_parameters, 'models')
  call add_case('wrong_names', wrong_names, 'models')
  call add_case('not_strict', not_strict, 'models')
  call add_case('missing_file', missing_file, 'models')
  call add_case('empty_model', empty_model)
  call run_cases()
end program test_state_files
