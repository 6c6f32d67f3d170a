! SPDX-License-Identifier: MIT
!> Devices as a machine without any sees them; tests/gpu has those that need one.
module devices_cases
  use, intrinsic :: iso_c_binding, only: c_loc, c_null_ptr
  use, intrinsic :: iso_fortran_env, only: int64, real64
  use ftorch
  use recorder, only: last_error, record_errors
  use testing, only: check, check_close, check_equal, check_status
  implicit none
  private
  public :: host, none, pointers

contains

  subroutine host()
    type(torch_status) :: status
    integer(int64) :: bytes

    call check_equal(torch_device_count(torch_kCPU), 1, 'one host')
    call torch_device_synchronize(torch_kCPU, status=status)
    call check(status%ok(), 'nothing to wait for')
    call torch_device_synchronize(torch_kCPU, 1, status)
    call check_status(status, torch_device_unavailable, 'torch_device_synchronize: cpu device 1 was asked for')
    call record_errors()
    bytes = torch_device_memory_allocated(torch_kCPU)
    call check_status(last_error, torch_invalid_argument, 'torch_device_memory_allocated: LibTorch does not count')
    call check_equal([bytes], [-1_int64], 'an answer that cannot be taken for a good one')
    call record_errors()
    call check_equal(torch_device_count(99), -1, 'no such type')
    call check_status(last_error, torch_invalid_argument, 'torch_device_count: device type 99')
  end subroutine host

  !> The message says in a sentence what is there, and why not what was asked for.
  subroutine none()
    type(torch_tensor) :: tensor
    type(torch_status) :: status
    integer, parameter :: types(*) = [torch_kCUDA, torch_kXPU, torch_kMPS, torch_kPrivateUse1]
    integer :: i

    do i = 1, size(types)
      if (torch_device_count(types(i)) > 0) cycle
      call torch_tensor_ones(tensor, 1, [2_int64], torch_kFloat32, types(i), status=status)
      call check_status(status, torch_device_unavailable, ' device 0 was asked for; this LibTorch ')
      call check_status(status, torch_device_unavailable, ' offers: cpu; ')
      call check(index(status%message, 'without') + index(status%message, 'driver') > 0, status%message)
      call check(len(status%message) < 300, 'a short message: ' // status%message)
      if (types(i) == torch_kHIP) call check_status(status, torch_device_unavailable, 'hip or cuda device 0')
      call torch_device_synchronize(types(i), status=status)
      call check_status(status, torch_device_unavailable, 'torch_device_synchronize: ')
      call record_errors()
      call check_equal([torch_device_memory_allocated(types(i))], [-1_int64], 'no answer')
      call check_status(last_error, torch_device_unavailable, 'torch_device_memory_allocated: ')
    end do
    call check_equal(torch_device_count(torch_kCPU), 1, 'the host is always there')
  end subroutine none

  !> Nothing on the host is memory of a device.
  subroutine pointers()
    type(torch_tensor) :: tensor
    type(torch_status) :: status
    real(real64), target :: x(4)

    x = 1
    call torch_tensor_from_device_pointer(tensor, c_loc(x), 1, [4_int64], [1], torch_kFloat64, torch_kCPU, status=status)
    call check_status(status, torch_invalid_argument, 'torch_tensor_from_device_pointer: the device is the host')
    call torch_tensor_from_device_pointer(tensor, c_null_ptr, 1, [4_int64], [1], torch_kFloat64, torch_kMPS, status=status)
    call check_status(status, torch_device_unavailable, 'mps device 0 was asked for')
    call torch_tensor_from_device_pointer(tensor, c_loc(x), 1, [4_int64], [1], torch_kFloat64, 99, status=status)
    call check_status(status, torch_invalid_argument, 'device type 99')
    call check_close(x, 1.0_real64, 0.0_real64, 'nothing written')
    call check_equal([torch_live_tensors()], [0_int64], 'no tensor')
  end subroutine pointers

end module devices_cases

program test_devices
  use devices_cases
  use testing, only: add_case, run_cases
  implicit none

  call add_case('host', host)
  call add_case('none', none)
  call add_case('pointers', pointers)
  call run_cases()
end program test_devices
