! SPDX-License-Identifier: MIT
!> Trains with two losses of its own: a formula of tensors, and a model file.
program custom_loss
  use, intrinsic :: iso_fortran_env, only: real64
  use ftorch
  implicit none
  integer, parameter :: columns = 32
  real(real64), target :: temperature(columns, 1), pressure(columns, 1), truth(columns, 1), weight(columns, 1), number
  type(torch_model) :: network, relative_error
  type(torch_tensor) :: input(1), output(1), target_output, weights, loss(1)
  type(torch_tensor), allocatable :: parameters(:)
  type(torch_optim) :: optimizer
  integer :: step, i

  temperature(:, 1) = [(-30 + 60*(i - 1)/(columns - 1.0_real64), i = 1, columns)]
  truth = 6.112_real64*exp(17.62_real64*temperature/(243.12_real64 + temperature))
  weight = 1/truth
  call torch_tensor_from_array(input(1), temperature, torch_kCPU)
  call torch_tensor_from_array(output(1), pressure, torch_kCPU)
  call torch_tensor_from_array(target_output, truth, torch_kCPU)
  call torch_tensor_from_array(weights, weight, torch_kCPU)
  call torch_tensor_from_array(loss(1), number, torch_kCPU)

  call torch_model_load(network, 'vapour_pressure.pt2', torch_kCPU, is_training=.true.)
  call torch_model_load(relative_error, 'relative_error.pt2', torch_kCPU)
  allocate (parameters(torch_model_num_parameters(network)))
  call torch_model_parameters(network, parameters)
  call torch_optim_Adam(optimizer, parameters, learning_rate=0.01_real64)

  do step = 1, 400
    call optimizer%zero_grad()
    call torch_model_forward(network, input, output, requires_grad=.true.)
    if (step <= 200) then
      call torch_tensor_mean(loss(1), (output(1) - target_output)**2*weights)
    else
      call torch_model_forward(relative_error, [output(1), target_output], loss, requires_grad=.true.)
    end if
    call torch_tensor_backward(loss(1))
    call optimizer%step()
    if (mod(step, 200) == 0) print '(a, i0, a, f8.4)', 'step ', step, ': loss ', number
  end do
end program custom_loss
