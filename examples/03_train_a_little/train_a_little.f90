! SPDX-License-Identifier: MIT
!> Trains a network inside the loop of a program, on what the program computes.
program train_a_little
  use, intrinsic :: iso_fortran_env, only: real64
  use ftorch
  implicit none
  integer, parameter :: columns = 8, layers = 3
  real(real64), parameter :: share_of_roots(layers) = [0.5_real64, 0.3_real64, 0.2_real64]
  real(real64), target :: moisture(columns, layers), guess(columns, 1), truth(columns, 1)
  real(real64), target :: loss_value
  real(real64) :: learned(1, layers)
  type(torch_model) :: network
  type(torch_optim) :: optimizer
  type(torch_tensor) :: inputs(1), outputs(1), target_output, loss, weights(1)
  integer :: hour, i

  call torch_tensor_from_array(inputs(1), moisture, torch_kCPU)
  call torch_tensor_from_array(outputs(1), guess, torch_kCPU)
  call torch_tensor_from_array(target_output, truth, torch_kCPU)
  call torch_tensor_from_array(loss, loss_value, torch_kCPU)

  call torch_model_load(network, 'untrained.pt2', torch_kCPU, is_training=.true.)
  call torch_model_parameters(network, weights)  ! the weights themselves, no copies
  call torch_optim_Adam(optimizer, weights, learning_rate=0.05_real64)

  do hour = 1, 200
    ! In a real program the samples are columns of the model, and a costly scheme gives the truth.
    moisture = reshape([(sin(1.0_real64*hour*i**2), i = 1, size(moisture))], shape(moisture))
    moisture = 0.3_real64 + 0.2_real64*moisture
    truth(:, 1) = matmul(moisture, share_of_roots)

    ! The five calls of a step of training, in the order of PyTorch.
    call optimizer%zero_grad()
    call torch_model_forward(network, inputs, outputs, requires_grad=.true.)
    call torch_loss_mse(loss, outputs(1), target_output)
    call torch_tensor_backward(loss)
    call optimizer%step()

    if (mod(hour, 50) == 0) print '(a, i4, a, f9.5)', 'hour', hour, ': error', sqrt(loss_value)
  end do

  learned = weights(1)
  print '(a, 3f7.3)', 'true weights    ', share_of_roots
  print '(a, 3f7.3)', 'learned weights ', learned
  call torch_model_save(network, 'trained.pt2')
end program train_a_little
