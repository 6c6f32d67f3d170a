! SPDX-License-Identifier: MIT
!> Forward passes whose input or output is one tensor, not an array of them.
module single_tensor_cases
  use, intrinsic :: iso_fortran_env, only: int64, real32, real64
  use ftorch
  use model_files, only: model_file, model_numbers
  use testing, only: check, check_close, check_equal, check_status
  implicit none
  private
  public :: same_results, mixed, gradients, method, expression, refused

contains

  subroutine same_results()
    character(len=*), parameter :: formats(2) = [character(len=4) :: '.pt', '.pt2']
    type(torch_model) :: model
    type(torch_tensor) :: x, y
    real(real32), target :: xa(5, 8), ya(5, 4)
    integer :: i

    xa = reshape(real(model_numbers('mlp_float32.input1.txt'), real32), shape(xa))
    call torch_tensor_from_array(x, xa, torch_kCPU)
    call torch_tensor_from_array(y, ya, torch_kCPU)
    do i = 1, size(formats)
      ya = -1
      call torch_model_load(model, model_file('mlp_float32' // trim(formats(i))), torch_kCPU)
      call torch_model_forward(model, x, y)
      call check_close([ya], real(model_numbers('mlp_float32.output.txt'), real32), 1.0e-6, 'output' // formats(i))
    end do
  end subroutine same_results

  subroutine mixed()
    type(torch_model) :: model
    type(torch_tensor) :: x, y(2), inputs(2), z
    real(real32), target :: xa(3, 2), ya(3, 2, 2), za(3, 2)
    integer :: i

    xa = reshape([(real(i), i=1, size(xa))], shape(xa))
    call torch_tensor_from_array(x, xa, torch_kCPU)
    call torch_tensor_from_array(y(1), ya(:, :, 1), torch_kCPU)
    call torch_tensor_from_array(y(2), ya(:, :, 2), torch_kCPU)
    call torch_model_load(model, model_file('tuple_output.pt'), torch_kCPU)
    call torch_model_forward(model, x, y)
    call check_close(ya(:, :, 1), xa + 1, 0.0, 'sum')
    call check_close(ya(:, :, 2), 2*xa, 0.0, 'product')
    call torch_tensor_from_array(inputs(1), xa, torch_kCPU)
    call torch_tensor_from_array(inputs(2), ya(:, :, 1), torch_kCPU)
    call torch_tensor_from_array(z, za, torch_kCPU)
    call torch_model_load(model, model_file('two_inputs.pt2'), torch_kCPU)
    call torch_model_forward(model, inputs, z)
    call check_close(za, xa - 2*ya(:, :, 1), 0.0, 'difference')
  end subroutine mixed

  subroutine gradients()
    type(torch_model) :: model
    type(torch_tensor) :: x, y, gradient
    real(real64), target :: xa(5, 8), ya(5, 4)
    real(real64) :: of_input(5, 8)

    xa = reshape(model_numbers('mlp_float64.input1.txt'), shape(xa))
    call torch_tensor_from_array(x, xa, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(y, ya, torch_kCPU)
    call torch_model_load(model, model_file('mlp_float64.pt2'), torch_kCPU)
    call torch_model_forward(model, x, y)
    call check(.not. y%requires_grad(), 'no graph by default')
    call torch_model_forward(model, x, y, requires_grad=.true.)
    call torch_tensor_backward(y)
    call torch_tensor_get_gradient(gradient, x)
    of_input = gradient
    call check_close([of_input], model_numbers('mlp_float64.input_gradient.txt'), 1.0e-13_real64, 'input gradient')
  end subroutine gradients

  subroutine method()
    type(torch_model) :: model
    type(torch_tensor) :: x, y(2)
    real(real32), target :: xa(2), ya(2)
    integer(int64), target :: count

    xa = [5.0, 10.0]
    call torch_tensor_from_array(x, xa, torch_kCPU)
    call torch_tensor_from_array(y(1), ya, torch_kCPU)
    call torch_tensor_from_array(y(2), count, torch_kCPU)
    call torch_model_load(model, model_file('step.pt'), torch_kCPU)
    call torch_model_forward(model, x, y, method='normalise')
    call check_close(ya, [2.0, 2.0], 0.0, 'normalised')
    call check_equal(int(count), 2, 'number of elements')
  end subroutine method

  !> The input is the result of an operator, the output an element of an array and a component.
  subroutine expression()
    type :: state
      type(torch_tensor) :: tensors(3)
    end type state
    type(state) :: s
    type(torch_model) :: model
    type(torch_tensor) :: x
    real(real32), target :: xa(4), ya(4)

    xa = [1.0, 2.0, 3.0, 4.0]
    call torch_tensor_from_array(x, xa, torch_kCPU)
    call torch_tensor_from_array(s%tensors(2), ya, torch_kCPU)
    call torch_model_load(model, model_file('scaling.pt'), torch_kCPU)
    call torch_model_forward(model, 3.0*x + 1.0, s%tensors(2))
    call check_close(ya, 2*(3*xa + 1), 0.0, 'of an expression')
  end subroutine expression

  subroutine refused()
    type(torch_model) :: model
    type(torch_tensor) :: x, y, empty
    type(torch_status) :: status
    real(real32), target :: xa(3, 2), ya(3, 2)

    xa = 1
    ya = -1
    call torch_tensor_from_array(x, xa, torch_kCPU)
    call torch_tensor_from_array(y, ya, torch_kCPU)
    call torch_model_load(model, model_file('two_inputs.pt2'), torch_kCPU)
    call torch_model_forward(model, x, y, status=status)
    call check_status(status, torch_invalid_argument, 'torch_model_forward: input_tensors: the model takes 2 inputs')
    call torch_model_forward(model, empty, y, status=status)
    call check_status(status, torch_invalid_argument, 'input_tensors(1): the tensor holds nothing')
    call torch_model_load(model, model_file('tuple_output.pt'), torch_kCPU)
    call torch_model_forward(model, x, y, status=status)
    call check_status(status, torch_invalid_argument, 'output_tensors: the model returns 2 tensors; there is room for 1')
    call torch_model_forward(model, x, y, method='fold', status=status)
    call check_status(status, torch_model_error, 'has no method fold')
    call check_close(ya, -1.0, 0.0, 'the output')
  end subroutine refused

end module single_tensor_cases

program test_single_tensors
  use single_tensor_cases
  use testing, only: add_case, run_cases
  implicit none

  call add_case('same_results', same_results, 'models')
  call add_case('mixed', mixed, 'models')
  call add_case('gradients', gradients, 'models')
  call add_case('method', method, 'models')
  call add_case('expression', expression, 'models')
  call add_case('refused', refused, 'models')
  call run_cases()
end program test_single_tensors
