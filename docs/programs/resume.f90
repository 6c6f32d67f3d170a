! SPDX-License-Identifier: MIT
!> Trains a network in jobs of 1000 steps, each of which goes on where the one before ended.
program resume
  use, intrinsic :: iso_fortran_env, only: real64
  use ftorch
  implicit none
  integer, parameter :: columns = 32, steps_of_a_job = 1000, last_step = 3000
  character(len=*), parameter :: filename = 'run.safetensors'
  real(real64), target :: temperature(columns, 1)  ! [°C]
  real(real64), target :: pressure(columns, 1)     ! [hPa], from the network
  real(real64), target :: truth(columns, 1)        ! [hPa], from the formula
  real(real64), target :: loss_value               ! [hPa²]
  type(torch_model) :: network
  type(torch_tensor) :: input(1), output(1), target_output, loss, parameters(4)
  type(torch_optim) :: optimizer
  type(torch_checkpoint) :: checkpoint
  integer :: step, i
  logical :: is_resumed

  call torch_tensor_from_array(input(1), temperature, torch_kCPU)
  call torch_tensor_from_array(output(1), pressure, torch_kCPU)
  call torch_tensor_from_array(target_output, truth, torch_kCPU)
  call torch_tensor_from_array(loss, loss_value, torch_kCPU)
  call torch_model_load(network, 'vapour_pressure.pt2', torch_kCPU, is_training=.true.)
  call torch_model_parameters(network, parameters)
  call torch_optim_Adam(optimizer, parameters, learning_rate=0.01_real64)

  step = 0
  inquire (file=filename, exist=is_resumed)
  if (is_resumed) then
    call torch_checkpoint_load(checkpoint, filename)
    call checkpoint%get('network', network)
    call checkpoint%get('optimizer', optimizer)
    call checkpoint%get('step', step)
  end if

  do while (step < last_step)
    step = step + 1
    temperature(:, 1) = [(5 + 35*sin(0.37_real64*(step*columns + i)), i = 1, columns)]
    truth = 6.112_real64*exp(17.62_real64*temperature/(243.12_real64 + temperature))

    call optimizer%zero_grad()
    call torch_model_forward(network, input, output, requires_grad=.true.)
    call torch_loss_mse(loss, output(1), target_output)
    call torch_tensor_backward(loss)
    call optimizer%step()

    if (mod(step, steps_of_a_job) == 0) then
      call checkpoint%put('network', network)
      call checkpoint%put('optimizer', optimizer)
      call checkpoint%put('step', step)
      call torch_checkpoint_save(checkpoint, filename)
      print '(a, i5, a, f6.2, a)', 'step', step, ': error ', sqrt(loss_value), ' hPa'
      exit  ! as a job ends at its time limit
    end if
  end do
end program resume
