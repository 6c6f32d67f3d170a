! SPDX-License-Identifier: MIT
!> Runs and trains the model in a file of either format.  Usage: formats FILE
program formats
  use, intrinsic :: iso_fortran_env, only: real64
  use ftorch
  implicit none
  integer, parameter :: stations = 4
  real(real64), target :: temperature(stations) = [-5, 5, 15, 25]  ! [°C]
  real(real64), target :: humidity(stations) = [0.9_real64, 0.8_real64, 0.6_real64, 0.4_real64]
  real(real64), target :: observed(stations) = [-6.39_real64, 1.83_real64, 7.30_real64, 10.48_real64]  ! [°C]
  real(real64), target :: dew_point(stations), error  ! [°C], [°C²]
  type(torch_model) :: model
  type(torch_tensor) :: inputs(2), outputs(1), truth, loss
  type(torch_tensor), allocatable :: parameters(:)
  type(torch_optim) :: optimizer
  character(len=200) :: filename
  integer :: i

  call get_command_argument(1, filename)
  call torch_model_load(model, filename, torch_kCPU, is_training=.true.)
  do i = 1, torch_model_num_inputs(model)
    print '(a, i2, 2a)', 'input', i, ': ', torch_model_input_name(model, i)
  end do
  call torch_tensor_from_array(inputs(1), temperature, torch_kCPU)
  call torch_tensor_from_array(inputs(2), humidity, torch_kCPU)
  call torch_tensor_from_array(outputs(1), dew_point, torch_kCPU)
  call torch_tensor_from_array(truth, observed, torch_kCPU)
  call torch_tensor_from_array(loss, error, torch_kCPU)

  allocate (parameters(torch_model_num_parameters(model)))
  call torch_model_parameters(model, parameters)
  call torch_optim_Adam(optimizer, parameters, learning_rate=0.05)
  do i = 0, 200
    call optimizer%zero_grad()
    call torch_model_forward(model, inputs, outputs, requires_grad=.true.)
    call torch_loss_mse(loss, outputs(1), truth)
    if (mod(i, 100) == 0) print '(a, i4, a, 4f8.3, a, f9.6)', 'step', i, ': dew point', dew_point, ', error', error
    call torch_tensor_backward(loss)
    call optimizer%step()
  end do
end program formats
