! SPDX-License-Identifier: MIT
!> Sessions of a model on a device: the arrays of the host are read and written at each run.
module device_session_cases
  use, intrinsic :: iso_fortran_env, only: int64, real64
  use device_under_test, only: device, need_device
  use ftorch
  use model_files, only: model_file, model_numbers
  use testing, only: check_close, check_equal, check_status
  implicit none
  private
  public :: arrays, host_output, rebinding

  real(real64), parameter :: tolerance = 1.0e-13_real64

contains

  subroutine bind(session, x, y, output_device)
    type(torch_session), intent(inout) :: session
    real(real64), intent(inout), target :: x(:, :), y(:, :)
    integer, intent(in) :: output_device
    type(torch_tensor) :: input(1), output(1)
    type(torch_model) :: model

    x = 0
    call torch_tensor_from_array(input(1), x, device)
    call torch_tensor_from_array(output(1), y, output_device)
    call torch_model_load(model, model_file('mlp_float64.pt2'), device)
    call torch_session_create(session, model, input, output)
  end subroutine bind

  !> The tensors are gone.
  subroutine arrays()
    type(torch_session) :: session
    real(real64), target :: x(5, 8), y(5, 4)
    integer :: i

    call need_device()
    call bind(session, x, y, device)
    call check_equal([torch_live_tensors()], [0_int64], 'live tensors')
    do i = 1, 2
      y = 0
      x = reshape(model_numbers('mlp_float64.input1.txt'), shape(x))
      call session%run()
      call check_close([y], model_numbers('mlp_float64.output.txt'), tolerance, 'output')
    end do
  end subroutine arrays

  subroutine host_output()
    type(torch_session) :: session
    real(real64), target :: x(5, 8), y(5, 4)

    call need_device()
    call bind(session, x, y, torch_kCPU)
    x = reshape(model_numbers('mlp_float64.input1.txt'), shape(x))
    call session%run()
    call check_close([y], model_numbers('mlp_float64.output.txt'), tolerance, 'output')
  end subroutine host_output

  !> An array goes where the one before it went.
  subroutine rebinding()
    type(torch_session) :: session
    type(torch_status) :: status
    real(real64), target :: x(5, 8), y(5, 4), other(5, 8), result(5, 4)

    call need_device()
    call bind(session, x, y, device)
    y = 7
    other = reshape(model_numbers('mlp_float64.input1.txt'), shape(x))
    call session%rebind(1, other)
    call session%rebind_output(1, result)
    call session%run()
    call check_close([result], model_numbers('mlp_float64.output.txt'), tolerance, 'output')
    call check_close(y, 7.0_real64, 0.0_real64, 'the array before')
    call session%rebind(1, other(:4, :))
    call session%run(status)
    call check_status(status, torch_shape_mismatch, 'outputs(1)')
  end subroutine rebinding

end module device_session_cases

program test_device_session
  use device_session_cases
  use testing, only: add_case, run_cases
  implicit none

  call add_case('arrays', arrays, 'models')
  call add_case('host_output', host_output, 'models')
  call add_case('rebinding', rebinding, 'models')
  call run_cases()
end program test_device_session
