! SPDX-License-Identifier: MIT
!> Physics in tensors: an energy of a wave on a ring, its gradient, and what reshapes.
program tensor_algebra
  use, intrinsic :: iso_fortran_env, only: real64
  use ftorch
  use ftorch_intrinsics
  implicit none
  integer, parameter :: n = 6
  real(real64), target :: height(n), slope(n), table(2, 3), force(n)
  real(real64) :: energy
  type(torch_tensor) :: h, dh, e, x, y, gradient
  integer :: i

  height = [(sin(6.283185307_real64*i/n), i = 1, n)]
  call torch_tensor_from_array(h, height, torch_kCPU, requires_grad=.true.)
  call torch_tensor_from_array(dh, slope, torch_kCPU)

  ! Differences on the ring; the array `slope` follows.
  dh = 0.5_real64*(cshift(h, 1) - cshift(h, -1))
  e = sum(0.5_real64*h**2 + merge(dh**2, 0, abs(dh) > 0.1_real64))
  energy = e%item()
  call torch_tensor_backward(e)
  call torch_tensor_from_array(gradient, force, torch_kCPU)
  call torch_tensor_get_gradient(gradient, h)
  print '(a, f8.5)', 'energy  ', energy
  print '(a, 6f8.4)', 'slope   ', slope
  print '(a, 6f8.4)', 'force   ', force

  ! The intrinsics on arrays are what they were.
  print '(a, 2i3)', 'highest ', maxloc(height), maxval(maxloc(height))

  table = reshape([1, 2, 3, 4, 5, 6], [2, 3])
  call torch_tensor_from_array(x, table, torch_kCPU)
  y = reshape(x, [6])
  call show('reshape, Fortran''s order:      ', y)
  y = torch_reshape(x, [6])
  call show('torch_reshape, PyTorch''s order:', y)

contains

  subroutine show(text, tensor)
    character(len=*), intent(in) :: text
    type(torch_tensor), intent(in) :: tensor
    real(real64) :: numbers(6)

    numbers = tensor
    print '(a, 6f4.0)', text, numbers
  end subroutine show
end program tensor_algebra
