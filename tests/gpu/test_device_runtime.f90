! SPDX-License-Identifier: MIT
!> Devices as a whole: how many, memory in use, waiting.
module device_runtime_cases
  use, intrinsic :: iso_fortran_env, only: int64, real64
  use device_under_test, only: device, need_device
  use ftorch
  use recorder, only: last_error, record_errors
  use testing, only: check, check_close, check_equal, check_status
  implicit none
  private
  public :: count, memory, no_leak, waiting, absent

  integer(int64), parameter :: elements = 1000000

contains

  subroutine count()
    type(torch_tensor) :: tensor
    type(torch_status) :: status
    integer :: devices, i

    call need_device()
    devices = torch_device_count(device)
    call check(devices >= 1, 'there is one')
    do i = 0, devices - 1
      call torch_tensor_ones(tensor, 1, [1_int64], torch_kFloat32, device, i)
      call check_equal(tensor%get_device_index(), i, 'device index')
    end do
    call torch_tensor_ones(tensor, 1, [1_int64], torch_kFloat32, device, devices, status=status)
    call check_status(status, torch_device_unavailable, 'was asked for; this LibTorch')
  end subroutine count

  !> Memory of each device grows and shrinks with its tensors.
  subroutine memory()
    type(torch_tensor) :: tensor, other
    integer(int64) :: before
    integer :: i

    call need_device()
    do i = 0, torch_device_count(device) - 1
      before = torch_device_memory_allocated(device, i)
      call torch_tensor_ones(tensor, 1, [elements], torch_kFloat64, device, i)
      call check(torch_device_memory_allocated(device, i) >= before + 8 * elements, 'one tensor')
      other = tensor
      call check(torch_device_memory_allocated(device, i) >= before + 16 * elements, 'two tensors')
      call torch_delete(tensor)
      call check(torch_device_memory_allocated(device, i) < before + 16 * elements, 'one tensor less')
      call torch_delete(other)
      call check_equal([torch_device_memory_allocated(device, i)], [before], 'none')
    end do
    call record_errors()
    before = torch_device_memory_allocated(torch_kCPU)
    call check_status(last_error, torch_invalid_argument, 'memory of the host')
    call check_equal([before], [-1_int64], 'answer')
    call record_errors()
    before = torch_device_memory_allocated(device, torch_device_count(device))
    call check_status(last_error, torch_device_unavailable, 'torch_device_memory_allocated')
  end subroutine memory

  !> Steps of a loop with a graph leave nothing behind.
  subroutine no_leak()
    real(real64), target :: x(64), y(64)
    type(torch_tensor) :: a, b, leaf, total, gradient
    integer(int64) :: before
    integer :: i

    call need_device()
    x = 1
    call torch_tensor_from_array(a, x, device)
    call torch_tensor_from_array(b, y, device)
    call torch_tensor_ones(leaf, 1, [64_int64], torch_kFloat64, device, requires_grad=.true.)
    before = 0
    do i = 1, 60
      call torch_scope_begin()
      b = a * a + b * 2
      call torch_tensor_sum(total, leaf * leaf * b)
      call torch_tensor_backward(total)
      call torch_tensor_get_gradient(gradient, leaf)
      call leaf%zero_grad()
      call torch_scope_end()
      if (i == 10) before = torch_device_memory_allocated(device)
    end do
    call check_equal([torch_device_memory_allocated(device)], [before], 'bytes after fifty steps more')
  end subroutine no_leak

  !> What was queued is done when the call returns.
  subroutine waiting()
    type(torch_tensor) :: x, on_host
    type(torch_status) :: status
    real(real64) :: values(4)
    integer :: i

    call need_device()
    call torch_tensor_ones(x, 1, [4_int64], torch_kFloat64, device)
    call torch_tensor_zeros(on_host, 1, [4_int64], torch_kFloat64, torch_kCPU)
    do i = 1, 20
      x = x * 2
    end do
    call torch_tensor_to(x, on_host, non_blocking=.true.)
    call torch_device_synchronize(device, status=status)
    call check(status%ok(), 'no error')
    values = on_host
    call check_close(values, 2.0_real64**20, 0.0_real64, 'values')
    call torch_device_synchronize(torch_kCPU, status=status)
    call check(status%ok(), 'nothing to wait for on the host')
  end subroutine waiting

  !> Types of which there is none, or no such type.
  subroutine absent()
    type(torch_status) :: status
    integer :: devices

    call need_device()
    call check_equal(torch_device_count(torch_kCPU), 1, 'the host')
    call check_equal(torch_device_count(torch_kMPS), 0, 'none on Linux')
    call torch_device_synchronize(torch_kMPS, status=status)
    call check_status(status, torch_device_unavailable, 'it was built without mps')
    call record_errors()
    devices = torch_device_count(99)
    call check_status(last_error, torch_invalid_argument, 'device type 99')
    call check_equal(devices, -1, 'answer')
  end subroutine absent

end module device_runtime_cases

program test_device_runtime
  use device_runtime_cases
  use testing, only: add_case, run_cases
  implicit none

  call add_case('count', count)
  call add_case('memory', memory)
  call add_case('no_leak', no_leak)
  call add_case('waiting', waiting)
  call add_case('absent', absent)
  call run_cases()
end program test_device_runtime
