! SPDX-License-Identifier: MIT
!> The network again and again over arrays that are wrapped once: `passes forward|session MODEL BATCH CALLS`.
program passes
  use, intrinsic :: iso_fortran_env, only: real32
  use ftorch, only: torch_kCPU, torch_model, torch_model_forward, torch_model_load, torch_session, torch_session_create, &
    torch_tensor, torch_tensor_from_array
  use routes, only: argument, print_results, sample
  implicit none
  real(real32), allocatable, target :: x(:, :), y(:, :)
  type(torch_tensor) :: inputs(1), outputs(1)
  type(torch_model) :: model
  type(torch_session) :: session
  character(len=1024) :: how, filename
  integer :: i

  call get_command_argument(1, how)
  call get_command_argument(2, filename)
  call sample(x, y, argument(3))
  call torch_tensor_from_array(inputs(1), x, torch_kCPU, permute_dims=[2, 1])
  call torch_tensor_from_array(outputs(1), y, torch_kCPU, permute_dims=[2, 1])
  call torch_model_load(model, filename, torch_kCPU)
  if (how == 'session') then
    call torch_session_create(session, model, inputs, outputs)
    do i = 1, argument(4)
      call session%run()
    end do
  else
    do i = 1, argument(4)
      call torch_model_forward(model, inputs, outputs)
    end do
  end if
  call print_results(y)
end program passes
