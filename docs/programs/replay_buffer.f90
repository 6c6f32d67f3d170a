! SPDX-License-Identifier: MIT
! Rows go into a replay buffer as a simulation makes them; batches come out.
program replay_buffer
  use, intrinsic :: iso_fortran_env, only: real32
  use ftorch
  implicit none
  integer, parameter :: variables = 3, batch = 4
  type(torch_replay_buffer) :: buffer
  type(torch_tensor) :: x_tensor, y_tensor
  real(real32), target :: x_batch(variables,batch), y_batch(batch)
  real(real32) :: state(variables)
  integer :: step

  call torch_replay_buffer_create(buffer, capacity=1000, seed=42)
  call torch_tensor_from_array(x_tensor, x_batch, torch_kCPU)
  call torch_tensor_from_array(y_tensor, y_batch, torch_kCPU)
  print '(a, i0)', 'bytes beforehand: ', torch_replay_buffer_bytes(1000, [variables, 1])

  do step = 1, 2500
    state = [real(step, real32), step / 2.0, step / 4.0]
    call buffer%put(state, sum(state))
  end do
  print '(a, i0)', 'bytes: ', buffer%bytes()
  print '(a, i0)', 'rows: ', buffer%count()
  print '(a, *(f9.2))', 'mean:', buffer%mean(1)
  print '(a, *(f9.2))', 'std: ', buffer%std(1)

  call buffer%draw(x_tensor, y_tensor)
  print '(a, *(f9.2))', 'x(1,:): ', x_batch(1,:)
  print '(a, *(f9.2))', 'y:      ', y_batch
end program replay_buffer
