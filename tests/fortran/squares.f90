! SPDX-License-Identifier: MIT
!> A problem for optimizers: the sum of the squares of one parameter.
module squares
  use ftorch, only: operator(*), torch_optim, torch_tensor, torch_tensor_backward, torch_tensor_sum
  implicit none
  private
  public :: backward_of_squares

contains

  !> Fresh gradients of the sum of squares.
  subroutine backward_of_squares(weight, optim)
    type(torch_tensor), intent(in) :: weight
    type(torch_optim), intent(in) :: optim
    type(torch_tensor) :: loss

    call optim%zero_grad()
    call torch_tensor_sum(loss, weight * weight)
    call torch_tensor_backward(loss)
  end subroutine backward_of_squares

end module squares
