! SPDX-License-Identifier: MIT
!> A network called for each block of columns in each step, through a session.  Usage: session FILE
program session
  use, intrinsic :: iso_fortran_env, only: real64
  use ftorch
  implicit none
  integer, parameter :: rows = 4, blocks = 3
  real(real64), target :: temperature(rows, 1, blocks)  ! [°C]
  real(real64), target :: pressure(rows, 1, blocks)     ! [hPa]
  type(torch_session) :: network
  integer :: step, block

  call make_session()
  temperature = 10
  do step = 1, 2
    temperature = temperature + 5
    do block = 1, blocks
      call network%rebind(1, temperature(:, :, block))
      call network%rebind_output(1, pressure(:, :, block))
      call network%run()
    end do
    print '(a, i2, 2f8.2)', 'step', step, minval(pressure), maxval(pressure)
  end do

contains

  !> Model and tensors are not needed after this; the arrays are.
  subroutine make_session()
    type(torch_model) :: model
    type(torch_tensor) :: input(1), output(1)
    character(len=200) :: filename

    call get_command_argument(1, filename)
    call torch_model_load(model, filename, torch_kCPU)
    temperature = 0
    call torch_tensor_from_array(input(1), temperature(:, :, 1), torch_kCPU)
    call torch_tensor_from_array(output(1), pressure(:, :, 1), torch_kCPU)
    call torch_session_create(network, model, input, output)
  end subroutine make_session

end program session
