! SPDX-License-Identifier: MIT
!> A network from PyTorch learns the sine from Fortran arrays.
program readme
  use, intrinsic :: iso_fortran_env, only: real64
  use ftorch
  implicit none
  real(real64), target :: x(64, 1), y(64, 1), guess(64, 1)
  type(torch_model) :: network
  type(torch_tensor) :: input(1), output(1), truth, loss, weights(4)
  type(torch_optim) :: adam
  integer :: step, i

  x(:, 1) = [(0.1_real64*i, i = 0, 63)]
  y = sin(x)
  call torch_tensor_from_array(input(1), x, torch_kCPU)  ! over the array, no copy
  call torch_tensor_from_array(output(1), guess, torch_kCPU)
  call torch_tensor_from_array(truth, y, torch_kCPU)
  call torch_model_load(network, 'network.pt2', torch_kCPU)
  call torch_model_parameters(network, weights)
  call torch_optim_Adam(adam, weights, learning_rate=0.01)
  do step = 0, 1000
    call torch_model_forward(network, input, output, requires_grad=.true.)
    if (mod(step, 250) == 0) print '(i5, f8.3)', step, maxval(abs(guess - y))
    call torch_loss_mse(loss, output(1), truth)
    call adam%zero_grad()
    call torch_tensor_backward(loss)
    call adam%step()
  end do
end program readme
