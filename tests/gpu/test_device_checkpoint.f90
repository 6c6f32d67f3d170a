! SPDX-License-Identifier: MIT
!> Checkpoints of tensors and models on a device.
module device_checkpoint_cases
  use, intrinsic :: iso_fortran_env, only: int64, real64
  use device_under_test, only: device, need_device
  use ftorch
  use model_files, only: model_file
  use testing, only: check_close, check_equal, check_status
  implicit none
  private
  public :: tensors, attached, models, state_files

  real(real64), parameter :: exact = 0

contains

  !> What was put on a device is got on the host, and the other way round.
  subroutine tensors()
    type(torch_checkpoint) :: c
    type(torch_tensor) :: on_device, on_host
    real(real64) :: a(2)

    call need_device()
    call torch_tensor_ones(on_device, 1, [2_int64], torch_kFloat64, device)
    call c%put('x', on_device)
    call c%get('x', on_host)
    call check_equal(on_host%get_device_type(), torch_kCPU, 'what is made')
    a = on_host
    call check_close(a, 1.0_real64, exact, 'from the device')
    call on_device%zero()
    call torch_checkpoint_save(c, 'device.safetensors')
    call torch_checkpoint_load(c, 'device.safetensors')
    call c%get('x', on_device)
    call check_equal(on_device%get_device_type(), device, 'what was there')
    a = on_device
    call check_close(a, 1.0_real64, exact, 'to the device')
  end subroutine tensors

  !> The array on the host of a leaf on the device follows.
  subroutine attached()
    type(torch_checkpoint) :: c
    type(torch_tensor) :: x
    real(real64), target :: a(2)
    integer :: i

    call need_device()
    do i = 1, 2
      a = 0
      call torch_tensor_from_array(x, a, device, requires_grad=i == 2)
      call c%put('x', [1.0_real64, 2.0_real64])
      call c%get('x', x)
      call check_close(a, [1.0_real64, 2.0_real64], exact, 'the array')
      call check_equal(x%get_device_type(), device, 'device')
    end do
  end subroutine attached

  subroutine models()
    type(torch_checkpoint) :: c
    type(torch_model) :: model, on_host
    type(torch_tensor) :: parameters(6)
    type(torch_status) :: status
    real(real64) :: before(4), after(4)

    call need_device()
    call torch_model_load(model, model_file('mlp_float64.pt'), device)
    call torch_model_parameters(model, parameters)
    before = parameters(6)
    call c%put('model', model)
    call parameters(6)%zero()
    call c%get('model', model)
    after = parameters(6)
    call check_close(after, before, exact, 'on the device')
    call torch_model_load(on_host, model_file('mlp_float64.pt'), torch_kCPU)
    call c%get('model', on_host)
    call torch_model_load(on_host, model_file('mlp_float32.pt'), device)
    call c%get('model', on_host, status)
    call check_status(status, torch_dtype_mismatch, "'model': another dtype")
  end subroutine models

  subroutine state_files()
    type(torch_model) :: model
    type(torch_tensor) :: parameters(6)
    real(real64) :: before(4), after(4)

    call need_device()
    call torch_model_load(model, model_file('mlp_float64.pt'), device)
    call torch_model_parameters(model, parameters)
    before = parameters(6)
    call torch_model_save_state(model, 'device_state.safetensors')
    call parameters(6)%zero()
    call torch_model_load_state(model, 'device_state.safetensors')
    after = parameters(6)
    call check_close(after, before, exact, 'the state')
  end subroutine state_files

end module device_checkpoint_cases

program test_device_checkpoint
  use device_checkpoint_cases
  use testing, only: add_case, run_cases
  implicit none

  call add_case('tensors', tensors)
  call add_case('attached', attached)
  call add_case('models', models, 'models')
  call add_case('state_files', state_files, 'models')
  call run_cases()
end program test_device_checkpoint
