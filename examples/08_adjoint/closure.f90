! SPDX-License-Identifier: MIT
!> The closure: a small network of tensor operators that says U under X.
module closure
  use, intrinsic :: iso_fortran_env, only: int64, real64
  use ftorch
  use ftorch_intrinsics
  use random_numbers, only: generator
  implicit none
  private
  public :: network, create, tendency_of

  integer(int64), parameter :: hidden = 16
  real(real64), parameter :: spread_of_x = 5, spread_of_u = 5

  type :: network
    type(torch_tensor) :: weights(4)  !! to the hidden layer, its bias, from the hidden layer, its bias
  end type network

contains

  subroutine create(self, seed)
    type(network), intent(inout) :: self
    integer, intent(in) :: seed
    integer(int64), parameter :: sizes(4) = [hidden, hidden, hidden, 1_int64]
    type(generator) :: random
    real(real64) :: first(2*hidden), last(hidden + 1)
    integer :: i

    random%state = seed
    do i = 1, 4
      call torch_tensor_empty(self%weights(i), 1, sizes(i:i), torch_kFloat64, torch_kCPU, requires_grad=.true.)
    end do
    first = random%normal(size(first))
    last = 0.1_real64*random%normal(size(last))
    call torch_array_to_parameters(self%weights, [first, last])
  end subroutine create

  !> U of the shape of X: [slow, cases].
  subroutine tendency_of(u, self, x)
    type(torch_tensor), intent(inout) :: u
    type(network), intent(in) :: self
    type(torch_tensor), intent(in) :: x
    type(torch_tensor) :: layer

    associate (w => self%weights)
      layer = tanh(torch_unsqueeze(x/spread_of_x, 3)*w(1) + w(2))
      u = spread_of_u*(sum(layer*w(3), dim=3) + w(4))
    end associate
  end subroutine tendency_of
end module closure
