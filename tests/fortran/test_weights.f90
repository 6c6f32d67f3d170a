! SPDX-License-Identifier: MIT
!> Weights of models by name, frozen, cloned, and as one vector.
module weight_cases
  use, intrinsic :: iso_fortran_env, only: real32, real64
  use ftorch
  use model_files, only: model_file
  use testing, only: check, check_close, check_equal, check_status
  implicit none
  private
  public :: counts, by_name, frozen, cloned, cloned_onto_itself, one_vector, sections, gradients
  public :: gradient_set, failures

contains

  subroutine counts()
    type(torch_model) :: model
    character(len=:), allocatable :: name

    call torch_model_load(model, model_file('mlp_float32.pt'), torch_kCPU)
    call check_equal(torch_model_num_parameters(model), 6, 'parameters')
    call check_equal(torch_model_num_inputs(model), 1, 'inputs')
    call check_equal(torch_model_num_outputs(model), 1, 'outputs')
    name = torch_model_parameter_name(model, 3)
    call check(name == '2.weight', 'name of a parameter: ' // name)
    call check(torch_model_input_name(model, 1) == 'input', 'name of an input')
    call check(torch_model_output_name(model, 1) == 'output_1', 'name of an output')
    call torch_model_load(model, model_file('tuple_output.pt'), torch_kCPU)
    call check_equal(torch_model_num_outputs(model), 2, 'results of a tuple')
  end subroutine counts

  subroutine by_name()
    type(torch_model) :: model
    type(torch_tensor) :: bias, variance, x(1), y(1)
    real(real32), target :: xa(2, 4), ya(2, 4), zeros(4)

    call torch_model_load(model, model_file('normalised.pt'), torch_kCPU)
    call torch_model_get_parameter(bias, model, ' norm.bias ')
    zeros = [1, 2, 3, 4]
    call torch_tensor_from_array(x(1), zeros, torch_kCPU)
    bias = x(1)
    call torch_model_get_buffer(variance, model, 'norm.running_var')
    call variance%zero()
    xa = 0
    call torch_tensor_from_array(x(1), xa, torch_kCPU)
    call torch_tensor_from_array(y(1), ya, torch_kCPU)
    call torch_model_forward(model, x, y)
    call check_close(ya, spread(zeros, 1, 2), 0.0, 'the bias is what was written')
    xa = 1e-3
    call torch_model_forward(model, x, y)
    call check_close(ya - spread(zeros, 1, 2), spread([0.316, 0.316, 0.316, 0.316], 1, 2), 1e-3, &
                     'the variance is what was written')
  end subroutine by_name

  subroutine frozen()
    type(torch_model) :: model
    type(torch_tensor) :: weight, bias
    type(torch_optim) :: optim
    type(torch_status) :: status

    call torch_model_load(model, model_file('mlp_float32.pt'), torch_kCPU, requires_grad=.true.)
    call torch_model_freeze(model, '*.bias')
    call torch_model_get_parameter(weight, model, '0.weight')
    call torch_model_get_parameter(bias, model, '0.bias')
    call check(weight%requires_grad(), 'the others learn')
    call check(.not. bias%requires_grad(), 'frozen')
    call torch_optim_SGD(optim, [weight, bias], status=status)
    call check_status(status, torch_invalid_argument, 'requires_grad')
    call torch_model_freeze(model, '2.*', status=status)
    call check(status%ok(), 'status')
    call torch_model_freeze(model, frozen=.false.)
    call check(bias%requires_grad(), 'not frozen')
    call torch_model_freeze(model)
    call check(.not. weight%requires_grad(), 'all')
    call torch_model_freeze(model, 'layer*', status=status)
    call check_status(status, torch_invalid_argument, "pattern 'layer*' is that of no parameter")
  end subroutine frozen

  subroutine cloned()
    type(torch_model) :: model, copy
    type(torch_tensor) :: scale, own, x(1), y(1)
    type(torch_optim) :: optim
    real(real32), target :: xa(1), ya(1)

    call torch_model_load(model, model_file('scaling.pt'), torch_kCPU, requires_grad=.true., is_training=.true.)
    call torch_model_clone(copy, model)
    call check(copy%is_training(), 'the mode is copied')
    call torch_model_get_parameter(scale, model, 'scale')
    call torch_model_get_parameter(own, copy, 'scale')
    call check(own%requires_grad(), 'requires_grad is copied')
    call torch_optim_SGD(optim, [scale], learning_rate=1)
    xa = 3
    call torch_tensor_from_array(x(1), xa, torch_kCPU)
    call torch_tensor_from_array(y(1), ya, torch_kCPU)
    call torch_model_forward(model, x, y, requires_grad=.true.)
    call torch_tensor_backward(y(1))
    call optim%step()
    call torch_model_forward(model, x, y)
    call check_close(ya, [-3.0], 0.0, 'the original has learned')
    call torch_delete(model)
    call torch_model_forward(copy, x, y)
    call check_close(ya, [6.0], 0.0, 'the copy has not')
    call check(torch_live_models() == 1, 'the original is gone')
  end subroutine cloned

  subroutine cloned_onto_itself()
    type(torch_model) :: model, other
    type(torch_tensor) :: old, new
    real(real32) :: value(1)
    type(torch_status) :: status

    call torch_model_load(model, model_file('scaling.pt'), torch_kCPU)
    other = model
    call torch_model_clone(model, model)
    call torch_model_get_parameter(old, other, 'scale')
    call torch_model_get_parameter(new, model, 'scale')
    call old%zero()
    value = new
    call check_close(value, [2.0], 0.0, 'shares nothing with what it was')
    call torch_delete(other)
    call torch_model_clone(model, other, status)
    call check_status(status, torch_invalid_argument, 'the model holds nothing')
    call check_equal(torch_model_num_parameters(model), 1, 'the copy stays what it was')
  end subroutine cloned_onto_itself

  subroutine one_vector()
    real(real64), target :: matrix(2, 3), bias(2)
    real(real64) :: vector(8)
    type(torch_tensor) :: parameters(2)
    integer :: i

    matrix = reshape([1, 2, 3, 4, 5, 6], [2, 3])
    bias = [7, 8]
    call torch_tensor_from_array(parameters(1), matrix, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(parameters(2), bias, torch_kCPU, requires_grad=.true.)
    call torch_parameters_to_array(vector, parameters)
    call check_close(vector, [1, 3, 5, 2, 4, 6, 7, 8] * 1.0_real64, 0.0_real64, 'the last dimension runs fastest')
    call torch_array_to_parameters(parameters, [(10.0_real64 * i, i=1, 8)])
    call check_close(matrix, reshape([10, 40, 20, 50, 30, 60], [2, 3]) * 1.0_real64, 0.0_real64, 'matrix')
    call check_close(bias, [70, 80] * 1.0_real64, 0.0_real64, 'bias')
    call check(parameters(1)%requires_grad(), 'a leaf stays one')
  end subroutine one_vector

  !> Sections of an array, of both kinds.
  subroutine sections()
    real(real32), target :: weight(2)
    real(real64) :: table(2, 3)
    real(real32) :: column(3)
    type(torch_tensor) :: parameters(1)
    type(torch_status) :: status

    weight = [1, 2]
    call torch_tensor_from_array(parameters(1), weight, torch_kCPU, requires_grad=.true.)
    table = 9
    call torch_parameters_to_array(table(1, ::2), parameters)
    call check_close(table(1, :), [1.0_real64, 9.0_real64, 2.0_real64], 0.0_real64, 'section')
    call torch_array_to_parameters(parameters, table(1, 1:2), status)
    call check_status(status, torch_dtype_mismatch, 'numbers may be lost')
    call check_close(weight, [1.0, 2.0], 0.0, 'nothing is written')
    column = [5, 6, 7]
    call torch_array_to_parameters(parameters, column(::2))
    call check_close(weight, [5.0, 7.0], 0.0, 'from a section')
  end subroutine sections

  subroutine gradients()
    real(real64), target :: a(2), b(1)
    real(real64) :: vector(3)
    type(torch_tensor) :: parameters(2), loss
    type(torch_optim) :: optim
    type(torch_status) :: status

    a = [1, 2]
    b = 3
    call torch_tensor_from_array(parameters(1), a, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(parameters(2), b, torch_kCPU, requires_grad=.true.)
    vector = -1
    call torch_gradients_to_array(vector, parameters, status)
    call check_status(status, torch_autograd_error, 'none has a gradient')
    call check_close(vector, -[1, 1, 1] * 1.0_real64, 0.0_real64, 'nothing is written')
    call torch_tensor_sum(loss, parameters(1) * parameters(1))
    call torch_tensor_backward(loss)
    call torch_gradients_to_array(vector, parameters)
    call check_close(vector, [2, 4, 0] * 1.0_real64, 0.0_real64, 'one has no gradient')
    call torch_array_to_gradients(parameters, [1.0_real64, 1.0_real64, 2.0_real64])
    call torch_optim_SGD(optim, parameters, learning_rate=0.5_real64)
    call optim%step()
    call check_close([a, b], [0.5_real64, 1.5_real64, 2.0_real64], 0.0_real64, 'the step takes them')
  end subroutine gradients

  subroutine gradient_set()
    real(real32), target :: w(2), numbers(2), seen(2)
    type(torch_tensor) :: weight, gradient, got
    type(torch_status) :: status

    w = 1
    numbers = [3, 4]
    call torch_tensor_from_array(weight, w, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(gradient, numbers, torch_kCPU)
    call torch_tensor_set_gradient(weight, gradient)
    numbers = 0
    call torch_tensor_from_array(got, seen, torch_kCPU)
    call torch_tensor_get_gradient(got, weight)
    call check_close(seen, [3.0, 4.0], 0.0, 'a copy')
    call weight%zero_grad()
    call check_close(numbers, [0.0, 0.0], 0.0, 'the array is left alone')
    call torch_tensor_set_gradient(gradient, weight, status)
    call check_status(status, torch_autograd_error, 'without requires_grad')
  end subroutine gradient_set

  subroutine failures()
    type(torch_model) :: model, none
    type(torch_tensor) :: tensor
    real(real32) :: vector(5)
    type(torch_status) :: status

    call torch_model_load(model, model_file('mlp_float32.pt'), torch_kCPU)
    call torch_model_get_parameter(tensor, model, '0.wieght', status)
    call check_status(status, torch_invalid_argument, "no parameter '0.wieght'; it has 0.weight")
    call torch_model_get_buffer(tensor, model, '0.weight', status)
    call check_status(status, torch_invalid_argument, 'torch_model_get_parameter')
    call torch_model_get_parameter(tensor, none, '0.weight', status)
    call check_status(status, torch_invalid_argument, 'the model holds nothing')
    call torch_model_get_parameter(tensor, model, '0.bias')
    vector = 1
    call torch_parameters_to_array(vector, [tensor], status)
    call check_status(status, torch_shape_mismatch, 'array has 5 elements; the parameters have 32')
    call torch_array_to_parameters([tensor], vector, status)
    call check_status(status, torch_shape_mismatch, 'torch_array_to_parameters: array has 5 elements')
  end subroutine failures

end module weight_cases

program test_weights
  use weight_cases
  use testing, only: add_case, run_cases
  implicit none

  call add_case('counts', counts, 'models')
  call add_case('by_name', by_name, 'models')
  call add_case('frozen', frozen, 'models')
  call add_case('cloned', cloned, 'models')
  call add_case('cloned_onto_itself', cloned_onto_itself, 'models')
  call add_case('one_vector', one_vector)
  call add_case('sections', sections)
  call add_case('gradients', gradients)
  call add_case('gradient_set', gradient_set)
  call add_case('failures', failures, 'models')
  call run_cases()
end program test_weights
