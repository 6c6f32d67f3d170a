! SPDX-License-Identifier: MIT
!> Forward passes: numbers and gradients of PyTorch, kinds of result, reuse of outputs.
module forward_cases
  use, intrinsic :: iso_fortran_env, only: int64, real32, real64
  use ftorch
  use model_files, only: model_file, model_numbers
  use testing, only: check, check_close, check_equal
  implicit none
  private
  public :: single, double, strided, convolution, gradients, input_gradient, two_inputs
  public :: default_input, tuple_output, list_output, dict_output, nested_output, integer_output
  public :: reused, reused_with_gradients, no_graph_by_default, output_without_array, many_rows
  public :: output_is_input

contains

  subroutine single()
    type(torch_model) :: model
    type(torch_tensor) :: input(1), output(1)
    real(real32), target :: x(5, 8), y(5, 4)

    x = reshape(real(model_numbers('mlp_float32.input1.txt'), real32), shape(x))
    call torch_tensor_from_array(input(1), x, torch_kCPU)
    call torch_tensor_from_array(output(1), y, torch_kCPU)
    call torch_model_load(model, model_file('mlp_float32.pt'), torch_kCPU)
    call torch_model_forward(model, input, output)
    call check_close([y], real(model_numbers('mlp_float32.output.txt'), real32), 1.0e-6, 'output')
  end subroutine single

  subroutine double()
    type(torch_model) :: model
    type(torch_tensor) :: input(1), output(1)
    real(real64), target :: x(5, 8), y(5, 4)

    x = reshape(model_numbers('mlp_float64.input1.txt'), shape(x))
    call torch_tensor_from_array(input(1), x, torch_kCPU)
    call torch_tensor_from_array(output(1), y, torch_kCPU)
    call torch_model_load(model, model_file('mlp_float64.pt'), torch_kCPU)
    call torch_model_forward(model, input, output)
    call check_close([y], model_numbers('mlp_float64.output.txt'), 1.0e-14_real64, 'output')
  end subroutine double

  !> Input and output are sections, with the rows of the model last.
  subroutine strided()
    type(torch_model) :: model
    type(torch_tensor) :: input(1), output(1)
    real(real64), target :: x(2, 8, 5), y(4, 10)

    x = 99
    y = -1
    x(2, :, :) = transpose(reshape(model_numbers('mlp_float64.input1.txt'), [5, 8]))
    call torch_tensor_from_array(input(1), x(2, :, :), torch_kCPU, permute_dims=[2, 1])
    call torch_tensor_from_array(output(1), y(:, ::2), torch_kCPU, permute_dims=[2, 1])
    call torch_model_load(model, model_file('mlp_float64.pt'), torch_kCPU)
    call torch_model_forward(model, input, output)
    call check_close(y(:, ::2), &
      transpose(reshape(model_numbers('mlp_float64.output.txt'), [5, 4])), 1.0e-14_real64, 'output')
    call check_close(y(:, 2::2), -1.0_real64, 0.0_real64, 'beside the output')
  end subroutine strided

  subroutine convolution()
    type(torch_model) :: model
    type(torch_tensor) :: input(1), output(1)
    real(real32), target :: x(4, 2, 6), y(4, 3, 6)

    x = reshape(real(model_numbers('convolution.input1.txt'), real32), shape(x))
    call torch_tensor_from_array(input(1), x, torch_kCPU)
    call torch_tensor_from_array(output(1), y, torch_kCPU)
    call torch_model_load(model, model_file('convolution.pt'), torch_kCPU)
    call torch_model_forward(model, input, output)
    call check_close([y], real(model_numbers('convolution.output.txt'), real32), 1.0e-6, 'output')
  end subroutine convolution

  !> Gradients of the sum of outputs to each parameter.
  subroutine gradients()
    type(torch_model) :: model
    type(torch_tensor) :: input(1), output(1), weights(6), g
    real(real64), target :: x(5, 8), y(5, 4)
    real(real64) :: matrix_1(32, 8), vector_2(32), matrix_3(32, 32), matrix_5(4, 32), vector_6(4)

    x = reshape(model_numbers('mlp_float64.input1.txt'), shape(x))
    call torch_tensor_from_array(input(1), x, torch_kCPU)
    call torch_tensor_from_array(output(1), y, torch_kCPU)
    call torch_model_load(model, model_file('mlp_float64.pt'), torch_kCPU)
    call torch_model_parameters(model, weights)
    call torch_model_forward(model, input, output, requires_grad=.true.)
    call check_close([y], model_numbers('mlp_float64.output.txt'), 1.0e-14_real64, 'output')
    call torch_tensor_backward(output(1))
    call torch_tensor_get_gradient(g, weights(1))
    matrix_1 = g
    call check_close([matrix_1], model_numbers('mlp_float64.gradient1.txt'), 1.0e-13_real64, '1')
    call torch_tensor_get_gradient(g, weights(2))
    vector_2 = g
    call check_close(vector_2, model_numbers('mlp_float64.gradient2.txt'), 1.0e-13_real64, '2')
    call torch_tensor_get_gradient(g, weights(3))
    matrix_3 = g
    call check_close([matrix_3], model_numbers('mlp_float64.gradient3.txt'), 1.0e-13_real64, '3')
    call torch_tensor_get_gradient(g, weights(5))
    matrix_5 = g
    call check_close([matrix_5], model_numbers('mlp_float64.gradient5.txt'), 1.0e-13_real64, '5')
    call torch_tensor_get_gradient(g, weights(6))
    vector_6 = g
    call check_close(vector_6, model_numbers('mlp_float64.gradient6.txt'), 1.0e-13_real64, '6')
  end subroutine gradients

  subroutine input_gradient()
    type(torch_model) :: model
    type(torch_tensor) :: input(1), output(1), g
    real(real32), target :: x(4, 2, 6), y(4, 3, 6), gradient(4, 2, 6)

    x = reshape(real(model_numbers('convolution.input1.txt'), real32), shape(x))
    call torch_tensor_from_array(input(1), x, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(output(1), y, torch_kCPU)
    call torch_tensor_from_array(g, gradient, torch_kCPU)
    call torch_model_load(model, model_file('convolution.pt'), torch_kCPU)
    call torch_model_forward(model, input, output, .true.)
    call torch_tensor_backward(output(1))
    call torch_tensor_get_gradient(g, input(1))
    call check_close([gradient], &
      real(model_numbers('convolution.input_gradient.txt'), real32), 1.0e-5, 'gradient')
  end subroutine input_gradient

  subroutine two_inputs()
    type(torch_model) :: model
    type(torch_tensor) :: input(2), output(1)
    real(real32), target :: x(3, 2), y(3, 2), z(3, 2)

    x = reshape(real(model_numbers('two_inputs.input1.txt'), real32), shape(x))
    y = reshape(real(model_numbers('two_inputs.input2.txt'), real32), shape(y))
    call torch_tensor_from_array(input(1), x, torch_kCPU)
    call torch_tensor_from_array(input(2), y, torch_kCPU)
    call torch_tensor_from_array(output(1), z, torch_kCPU)
    call torch_model_load(model, model_file('two_inputs.pt'), torch_kCPU)
    call torch_model_forward(model, input, output)
    call check_close([z], real(model_numbers('two_inputs.output.txt'), real32), 1.0e-6, 'file')
    call torch_model_forward(model, [input(2), input(1)], output)
    call check_close(z, y - 2 * x, 1.0e-6, 'the other way round')
  end subroutine two_inputs

  subroutine default_input()
    type(torch_model) :: model
    type(torch_tensor) :: input(1), output(1)
    real(real32), target :: x(2), y(2)

    x = [1, 2]
    call torch_tensor_from_array(input(1), x, torch_kCPU)
    call torch_tensor_from_array(output(1), y, torch_kCPU)
    call torch_model_load(model, model_file('default_input.pt'), torch_kCPU)
    call torch_model_forward(model, input, output)
    call check_close(y, 3 * x, 0.0, 'an argument left out')
  end subroutine default_input

  !> Runs `name` on [1, 2] and compares its `count` results.
  subroutine run_outputs(name, count, expected)
    character(len=*), intent(in) :: name
    integer, intent(in) :: count
    real(real32), intent(in) :: expected(2, count)
    type(torch_model) :: model
    type(torch_tensor) :: input(1), output(count)
    real(real32), target :: x(2), y(2, count)
    integer :: i

    x = [1, 2]
    call torch_tensor_from_array(input(1), x, torch_kCPU)
    do i = 1, count
      call torch_tensor_from_array(output(i), y(:, i), torch_kCPU)
    end do
    call torch_model_load(model, model_file(name), torch_kCPU)
    call torch_model_forward(model, input, output)
    call check_close(y, expected, 0.0, name)
  end subroutine run_outputs

  subroutine tuple_output()
    call run_outputs('tuple_output.pt', 2, reshape([2.0, 3.0, 2.0, 4.0], [2, 2]))
  end subroutine tuple_output

  subroutine list_output()
    call run_outputs('list_output.pt', 3, reshape([1.0, 2.0, 2.0, 4.0, 3.0, 6.0], [2, 3]))
  end subroutine list_output

  subroutine dict_output()
    call run_outputs('dict_output.pt', 2, reshape([11.0, 12.0, 10.0, 20.0], [2, 2]))
  end subroutine dict_output

  subroutine nested_output()
    call run_outputs('nested_output.pt', 3, reshape([1.0, 2.0, 2.0, 3.0, 3.0, 4.0], [2, 3]))
  end subroutine nested_output

  subroutine integer_output()
    type(torch_model) :: model
    type(torch_tensor) :: input(1), output(1)
    real(real32), target :: x(2, 3)
    integer(int64), target :: y(2)

    x = reshape([1, 9, 5, 2, 3, 4], [2, 3])
    call torch_tensor_from_array(input(1), x, torch_kCPU)
    call torch_tensor_from_array(output(1), y, torch_kCPU)
    call torch_model_load(model, model_file('integer_output.pt'), torch_kCPU)
    call torch_model_forward(model, input, output)
    call check_equal(y, [1_int64, 0_int64], 'index of the largest')
  end subroutine integer_output

  subroutine reused()
    type(torch_model) :: model
    type(torch_tensor) :: input(1), output(1)
    real(real32), target :: x(2), y(2)
    integer(int64) :: live
    integer :: i

    call torch_tensor_from_array(input(1), x, torch_kCPU)
    call torch_tensor_from_array(output(1), y, torch_kCPU)
    call torch_model_load(model, model_file('scaling.pt'), torch_kCPU)
    live = torch_live_tensors()
    do i = 1, 5
      x = [i, -i]
      call torch_model_forward(model, input, output)
      call check_close(y, 2 * x, 0.0, 'array')
    end do
    call check_equal([torch_live_tensors()], [live], 'live tensors')
  end subroutine reused

  subroutine reused_with_gradients()
    type(torch_model) :: model
    type(torch_tensor) :: input(1), output(1), weights(1), g
    real(real32), target :: x(2), y(2), gradient(1)
    integer :: i

    call torch_tensor_from_array(input(1), x, torch_kCPU)
    call torch_tensor_from_array(output(1), y, torch_kCPU)
    call torch_tensor_from_array(g, gradient, torch_kCPU)
    call torch_model_load(model, model_file('scaling.pt'), torch_kCPU)
    call torch_model_parameters(model, weights)
    do i = 1, 5
      x = [i, 2 * i]
      call weights(1)%zero_grad()
      call torch_model_forward(model, input, output, requires_grad=.true.)
      call check_close(y, 2 * x, 0.0, 'array')
      call check(output(1)%requires_grad(), 'in the graph')
      call torch_tensor_backward(output(1))
      call torch_tensor_get_gradient(g, weights(1))
      call check_close(gradient(1), 3.0 * i, 0.0, 'gradient')
    end do
    call torch_model_forward(model, input, output)
    call check(.not. output(1)%requires_grad(), 'out of the graph again')
  end subroutine reused_with_gradients

  subroutine no_graph_by_default()
    type(torch_model) :: model
    type(torch_tensor) :: input(1), output(1), y
    real(real32), target :: x(2)

    x = 1
    call torch_tensor_from_array(input(1), x, torch_kCPU, requires_grad=.true.)
    call torch_tensor_zeros(output(1), 1, [2_int64], torch_kFloat32, torch_kCPU)
    call torch_model_load(model, model_file('scaling.pt'), torch_kCPU)
    call torch_model_forward(model, input, output)
    call check(.not. output(1)%requires_grad(), 'by default')
    call torch_model_forward(model, input, output, .false.)
    call check(.not. output(1)%requires_grad(), 'false')
    y = input(1) * 2
    call check(y%requires_grad(), 'operators go on recording')
  end subroutine no_graph_by_default

  subroutine output_without_array()
    type(torch_model) :: model
    type(torch_tensor) :: input(1), output(1)
    real(real32), target :: x(2)
    real(real32) :: values(2)
    integer :: i

    call torch_tensor_from_array(input(1), x, torch_kCPU)
    call torch_tensor_empty(output(1), 1, [2_int64], torch_kFloat32, torch_kCPU)
    call torch_model_load(model, model_file('scaling.pt'), torch_kCPU)
    do i = 1, 3
      x = i
      call torch_model_forward(model, input, output)
      values = output(1)
      call check_close(values, 2 * x, 0.0, 'values')
    end do
  end subroutine output_without_array

  !> A model may return its input: the output is another tensor.
  subroutine output_is_input()
    type(torch_model) :: model
    type(torch_tensor) :: input(1), output(3)
    real(real32), target :: x(2)
    real(real32) :: values(2)
    integer :: i

    x = [1, 2]
    call torch_tensor_from_array(input(1), x, torch_kCPU)
    do i = 1, 3
      call torch_tensor_empty(output(i), 1, [2_int64], torch_kFloat32, torch_kCPU)
    end do
    call torch_model_load(model, model_file('list_output.pt'), torch_kCPU)
    call torch_model_forward(model, input, output)
    x = 9
    values = output(1)
    call check_close(values, [1.0, 2.0], 0.0, 'a written input')
    call output(1)%zero()
    call check_close(x, 9.0, 0.0, 'an output set to zero')
  end subroutine output_is_input

  !> The number of rows may change from call to call.
  subroutine many_rows()
    type(torch_model) :: model
    type(torch_tensor) :: input(1), output(1)
    real(real64), allocatable, target :: x(:, :), y(:, :)
    real(real64) :: rows(5, 8), expected(5, 4)
    integer :: n

    rows = reshape(model_numbers('mlp_float64.input1.txt'), [5, 8])
    expected = reshape(model_numbers('mlp_float64.output.txt'), [5, 4])
    call torch_model_load(model, model_file('mlp_float64.pt'), torch_kCPU)
    do n = 0, 5
      x = rows(:n, :)
      allocate (y(n, 4))
      call torch_tensor_from_array(input(1), x, torch_kCPU)
      call torch_tensor_from_array(output(1), y, torch_kCPU)
      call torch_model_forward(model, input, output)
      call check_close(y, expected(:n, :), 1.0e-13_real64, 'rows')
      deallocate (y)
    end do
    call check_equal(output(1)%get_shape(), [5_int64, 4_int64], 'shape')
  end subroutine many_rows

end module forward_cases

program test_forward
  use forward_cases
  use testing, only: add_case, run_cases
  implicit none

  call add_case('single', single, 'models')
  call add_case('double', double, 'models')
  call add_case('strided', strided, 'models')
  call add_case('convolution', convolution, 'models')
  call add_case('gradients', gradients, 'models')
  call add_case('input_gradient', input_gradient, 'models')
  call add_case('two_inputs', two_inputs, 'models')
  call add_case('default_input', default_input, 'models')
  call add_case('tuple_output', tuple_output, 'models')
  call add_case('list_output', list_output, 'models')
  call add_case('dict_output', dict_output, 'models')
  call add_case('nested_output', nested_output, 'models')
  call add_case('integer_output', integer_output, 'models')
  call add_case('reused', reused, 'models')
  call add_case('reused_with_gradients', reused_with_gradients, 'models')
  call add_case('no_graph_by_default', no_graph_by_default, 'models')
  call add_case('output_without_array', output_without_array, 'models')
  call add_case('many_rows', many_rows, 'models')
  call add_case('output_is_input', output_is_input, 'models')
  call run_cases()
end program test_forward
