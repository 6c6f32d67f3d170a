! SPDX-License-Identifier: MIT
!> Memory that OpenMP holds on a device becomes a tensor; without a device the same code runs on the host.
program device_openmp
  use, intrinsic :: iso_c_binding, only: c_loc
  use, intrinsic :: iso_fortran_env, only: int64, real64
  use omp_lib, only: omp_get_default_device, omp_get_num_devices
  use ftorch
  implicit none
  real(real64), target :: x(3)
  type(torch_tensor) :: tensor

  x = [1, 2, 3]
  !$omp target data map(tofrom: x) use_device_addr(x)
  if (omp_get_num_devices() > 0) then
    call torch_tensor_from_device_pointer(tensor, c_loc(x), 1, [3_int64], [1], torch_kFloat64, &
                                          torch_kCUDA, omp_get_default_device())
  else
    call torch_tensor_from_blob(tensor, c_loc(x), 1, [3_int64], [1], torch_kFloat64, torch_kCPU)
  end if
  tensor = tensor * tensor
  call torch_device_synchronize(tensor%get_device_type(), tensor%get_device_index())
  call torch_delete(tensor)
  !$omp end target data
  print '(3f5.1)', x
end program device_openmp
