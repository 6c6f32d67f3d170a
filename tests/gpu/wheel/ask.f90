! SPDX-License-Identifier: MIT
!> Computes on the host, then asks for CUDA: works where a GPU is, and says why not where none is.
program ask
  use, intrinsic :: iso_fortran_env, only: int64, real32
  use ftorch
  implicit none
  real(real32), target :: x(3)
  type(torch_tensor) :: a, b
  type(torch_status) :: status

  x = [1, 2, 3]
  call torch_tensor_from_array(a, x, torch_kCPU)
  a = a * a
  if (any(x /= [1, 4, 9])) error stop 'wrong numbers on the host'

  call torch_tensor_ones(b, 1, [3_int64], torch_kFloat32, torch_kCUDA, status=status)
  if (torch_device_count(torch_kCUDA) > 0) then
    if (.not. status%ok()) error stop 'there is a GPU, but no tensor on it'
    x = b + b
    if (any(x /= 2)) error stop 'wrong numbers on the GPU'
    print '(a)', 'a GPU computed'
  else
    print '(a)', status%message
    if (status%code /= torch_device_unavailable) error stop 'another status'
    if (index(status%message, 'NVIDIA driver') == 0) error stop 'nothing about the driver'
    if (index(status%message, 'offers: cpu') == 0) error stop 'nothing about what is there'
    if (len(status%message) > 300) error stop 'a long message'
  end if
end program ask
