! SPDX-License-Identifier: MIT
!> Operators of LibTorch that have no procedure of their own, called by name.
program any_operator
  use, intrinsic :: iso_fortran_env, only: int64, real64
  use ftorch
  implicit none
  real(real64), target :: x(4) = [0.5_real64, -2.0_real64, 3.0_real64, 1.0_real64], slope(4)
  real(real64) :: values(2)
  integer(int64) :: places(2)
  type(torch_tensor) :: a, y, gradient, largest(2), pieces(2)
  type(torch_status) :: status

  call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
  call torch_tensor_from_array(gradient, slope, torch_kCPU)

  ! torch.clamp(a, min=None, max=2.0), and its derivative.
  call torch_call(y, 'clamp', [torch_argument(a), torch_argument(), torch_argument(2.0)])
  call torch_tensor_backward(y)
  call torch_tensor_get_gradient(gradient, a)
  print '(a, 4f6.1)', 'slope   ', slope

  ! torch.topk(a, 2) has two results.
  call torch_call(largest, 'aten::topk', [torch_argument(a), torch_argument(2)])
  values = largest(1)
  places = largest(2)
  print '(a, 2f6.1)', 'values  ', values
  print '(a, 2i6)', 'places  ', places + 1

  ! torch.split(a, 2) has a list of results; torch.einsum takes a text and a list.
  call torch_call(pieces, 'split', [torch_argument(a), torch_argument(2)])
  call torch_call(y, 'einsum', [torch_argument('i,i->'), torch_argument(pieces)])
  print '(a, f6.1)', 'product ', y%item()

  call torch_call(y, 'aten::clampp', [torch_argument(a)], status)
  print '(a)', status%message(:64)
end program any_operator
