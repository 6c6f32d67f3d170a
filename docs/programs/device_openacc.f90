! SPDX-License-Identifier: MIT
!> Memory that OpenACC holds on a device becomes a tensor; without a device the same code runs on the host.
program device_openacc
  use, intrinsic :: iso_c_binding, only: c_loc
  use, intrinsic :: iso_fortran_env, only: int64, real64
  use openacc, only: acc_device_nvidia, acc_get_device_num, acc_get_num_devices
  use ftorch
  implicit none
  real(real64), target :: x(3)
  type(torch_tensor) :: tensor

  x = [1, 2, 3]
  !$acc data copy(x)
  !$acc wait
  !$acc host_data use_device(x)
  if (acc_get_num_devices(acc_device_nvidia) > 0) then
    call torch_tensor_from_device_pointer(tensor, c_loc(x), 1, [3_int64], [1], torch_kFloat64, &
                                          torch_kCUDA, acc_get_device_num(acc_device_nvidia))
  else
    call torch_tensor_from_blob(tensor, c_loc(x), 1, [3_int64], [1], torch_kFloat64, torch_kCPU)
  end if
  !$acc end host_data
  tensor = tensor * tensor
  call torch_device_synchronize(tensor%get_device_type(), tensor%get_device_index())
  call torch_delete(tensor)
  !$acc end data
  print '(3f5.1)', x
end program device_openacc
