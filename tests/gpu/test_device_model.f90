! SPDX-License-Identifier: MIT
!> Models on a device, compared with what PyTorch gives on the host.
module device_model_cases
  use, intrinsic :: iso_fortran_env, only: int64, real32, real64
  use device_under_test, only: device, need_device
  use ftorch
  use model_files, only: model_file, model_numbers
  use testing, only: check, check_close, check_equal, check_status
  implicit none
  private
  public :: arrays, tensors, host_output, gradients, convolution, places, parameters, saved, second_device

  real(real64), parameter :: tolerance = 1.0e-13_real64

contains

  !> Input and output are arrays of the host.
  subroutine arrays()
    type(torch_model) :: model
    type(torch_tensor) :: input(1), output(1)
    real(real64), target :: x(5, 8), y(5, 4)
    integer :: i

    call need_device()
    x = reshape(model_numbers('mlp_float64.input1.txt'), shape(x))
    call torch_model_load(model, model_file('mlp_float64.pt'), device)
    do i = 1, 2
      y = 0
      call torch_tensor_from_array(input(1), x, device)
      call torch_tensor_from_array(output(1), y, device)
      call torch_model_forward(model, input, output, requires_grad=i == 2)
      call check_close([y], model_numbers('mlp_float64.output.txt'), tolerance, 'output')
      call check_equal(output(1)%get_device_type(), device, 'device of the output')
    end do
  end subroutine arrays

  !> Input and output stay on the device.
  subroutine tensors()
    type(torch_model) :: model
    type(torch_tensor) :: input(2), output(1), on_host
    real(real64), target :: x(3, 2), y(3, 2)
    real(real32) :: single(3, 2)
    integer :: i

    call need_device()
    x = reshape(model_numbers('two_inputs.input1.txt'), shape(x))
    y = reshape(model_numbers('two_inputs.input2.txt'), shape(y))
    do i = 1, 2
      call torch_tensor_zeros(input(i), 2, [3_int64, 2_int64], torch_kFloat32, device)
    end do
    call torch_tensor_from_array(on_host, x, torch_kCPU)
    call torch_tensor_to(on_host, input(1), lossy=.true.)
    call torch_tensor_from_array(on_host, y, torch_kCPU)
    call torch_tensor_to(on_host, input(2), lossy=.true.)
    call torch_tensor_zeros(output(1), 2, [3_int64, 2_int64], torch_kFloat32, device)
    call torch_model_load(model, model_file('two_inputs.pt'), device)
    call torch_model_forward(model, input, output)
    single = output(1)
    call check_close([real(single, real64)], model_numbers('two_inputs.output.txt'), 1.0e-6_real64, 'output')
  end subroutine tensors

  !> An output of the host that wraps an array receives the numbers.
  subroutine host_output()
    type(torch_model) :: model
    type(torch_tensor) :: input(1), output(1)
    type(torch_status) :: status
    real(real64), target :: x(5, 8), y(5, 4)

    call need_device()
    x = reshape(model_numbers('mlp_float64.input1.txt'), shape(x))
    call torch_model_load(model, model_file('mlp_float64.pt'), device)
    call torch_tensor_from_array(input(1), x, device)
    call torch_tensor_from_array(output(1), y, torch_kCPU)
    call torch_model_forward(model, input, output)
    call check_close([y], model_numbers('mlp_float64.output.txt'), tolerance, 'array')
    call check_equal(output(1)%get_device_type(), torch_kCPU, 'the tensor stays on the host')
    call torch_tensor_zeros(output(1), 2, [5_int64, 4_int64], torch_kFloat64, torch_kCPU)
    call torch_model_forward(model, input, output, status=status)
    call check_status(status, torch_invalid_argument, 'output_tensors(1): the value is on')
  end subroutine host_output

  !> Of the parameters and of the input.
  subroutine gradients()
    type(torch_model) :: model
    type(torch_tensor) :: input(1), output(1), weights(6), total, gradient
    real(real64), target :: x(5, 8)
    real(real64), allocatable :: matrix(:, :)
    integer(int64), allocatable :: extents(:)
    character(len=1) :: number
    integer :: i

    call need_device()
    x = reshape(model_numbers('mlp_float64.input1.txt'), shape(x))
    call torch_model_load(model, model_file('mlp_float64.pt'), device)
    call torch_model_parameters(model, weights)
    call torch_tensor_from_array(input(1), x, device, requires_grad=.true.)
    call torch_tensor_zeros(output(1), 2, [5_int64, 4_int64], torch_kFloat64, device)
    call torch_model_forward(model, input, output, requires_grad=.true.)
    call torch_tensor_sum(total, output(1))
    call torch_tensor_backward(total)
    do i = 1, 5, 2
      write (number, '(i1)') i
      call torch_tensor_get_gradient(gradient, weights(i))
      extents = gradient%get_shape()
      allocate (matrix(extents(1), extents(2)))
      matrix = gradient
      call check_close([matrix], model_numbers('mlp_float64.gradient' // number // '.txt'), tolerance, 'gradient ' // number)
      deallocate (matrix)
    end do
    call torch_tensor_get_gradient(gradient, input(1))
    matrix = 0 * x
    call torch_tensor_to_array(gradient, matrix)
    call check_close([matrix], model_numbers('mlp_float64.input_gradient.txt'), tolerance, 'gradient of the input')
  end subroutine gradients

  subroutine convolution()
    type(torch_model) :: model
    type(torch_tensor) :: input(1), output(1)
    real(real32), target :: x(4, 2, 6), y(4, 3, 6)

    call need_device()
    x = real(reshape(model_numbers('convolution.input1.txt'), shape(x)), real32)
    call torch_model_load(model, model_file('convolution.pt'), device)
    call torch_tensor_from_array(input(1), x, device)
    call torch_tensor_from_array(output(1), y, device)
    call torch_model_forward(model, input, output)
    call check_close([real(y, real64)], model_numbers('convolution.output.txt'), 1.0e-3_real64, 'output')
  end subroutine convolution

  !> An input on the host is an error for a model on a device.
  subroutine places()
    type(torch_model) :: model
    type(torch_tensor) :: input(1), output(1)
    type(torch_status) :: status
    real(real64), target :: x(5, 8), y(5, 4)

    call need_device()
    x = 1
    y = 7
    call torch_model_load(model, model_file('mlp_float64.pt'), device)
    call torch_tensor_from_array(input(1), x, torch_kCPU)
    call torch_tensor_from_array(output(1), y, device)
    call torch_model_forward(model, input, output, status=status)
    call check(.not. status%ok(), 'the host and the device')
    call check(len(status%message) < 1000, 'a short message: ' // status%message)
    call check_close(y, 7.0_real64, 0.0_real64, 'nothing written')
  end subroutine places

  subroutine parameters()
    type(torch_model) :: model
    type(torch_tensor) :: weights(6)
    integer :: i

    call need_device()
    call torch_model_load(model, model_file('mlp_float64.pt'), device, 0)
    call torch_model_parameters(model, weights)
    do i = 1, 6
      call check_equal(weights(i)%get_device_type(), device, 'device of a parameter')
      call check_equal(weights(i)%get_device_index(), 0, 'its index')
    end do
  end subroutine parameters

  !> A model that was saved from a device is read on the host.
  subroutine saved()
    type(torch_model) :: model, again
    type(torch_tensor) :: input(1), output(1)
    real(real64), target :: x(5, 8), y(5, 4)

    call need_device()
    x = reshape(model_numbers('mlp_float64.input1.txt'), shape(x))
    call torch_model_load(model, model_file('mlp_float64.pt'), device)
    call torch_model_save(model, 'from_a_device.pt')
    call torch_model_load(again, 'from_a_device.pt', torch_kCPU)
    call torch_tensor_from_array(input(1), x, torch_kCPU)
    call torch_tensor_from_array(output(1), y, torch_kCPU)
    call torch_model_forward(again, input, output)
    call check_close([y], model_numbers('mlp_float64.output.txt'), tolerance, 'output')
  end subroutine saved

  subroutine second_device()
    type(torch_model) :: model
    type(torch_tensor) :: input(1), output(1), elsewhere(1)
    type(torch_status) :: status
    real(real64), target :: x(5, 8), y(5, 4)

    call need_device(2)
    x = reshape(model_numbers('mlp_float64.input1.txt'), shape(x))
    call torch_model_load(model, model_file('mlp_float64.pt'), device, 1)
    call torch_tensor_from_array(input(1), x, device, 1)
    call torch_tensor_from_array(output(1), y, device, 1)
    call torch_model_forward(model, input, output)
    call check_close([y], model_numbers('mlp_float64.output.txt'), tolerance, 'output')
    call torch_tensor_zeros(elsewhere(1), 2, [5_int64, 4_int64], torch_kFloat64, device, 0)
    call torch_model_forward(model, input, elsewhere, status=status)
    call check_status(status, torch_invalid_argument, 'output_tensors(1): the value is on')
  end subroutine second_device

end module device_model_cases

program test_device_model
  use device_model_cases
  use testing, only: add_case, run_cases
  implicit none

  call add_case('arrays', arrays, 'models')
  call add_case('tensors', tensors, 'models')
  call add_case('host_output', host_output, 'models')
  call add_case('gradients', gradients, 'models')
  call add_case('convolution', convolution, 'models')
  call add_case('places', places, 'models')
  call add_case('parameters', parameters, 'models')
  call add_case('saved', saved, 'models')
  call add_case('second_device', second_device, 'models')
  call run_cases()
end program test_device_model
