! SPDX-License-Identifier: MIT
!> The learned closure: a PyTorch network that sees X at a point and at its neighbours.
module network
  use, intrinsic :: iso_fortran_env, only: real32, real64
  use ftorch, only: torch_kCPU, torch_model, torch_model_forward, torch_tensor, &
                    torch_tensor_from_array
  use lorenz96, only: number_of_slow, one_scale_model
  implicit none
  private
  public :: stencil_width, stencil, network_model

  integer, parameter :: reach = 2                    !! neighbours seen on either side
  integer, parameter :: stencil_width = 2*reach + 1  !! inputs of the network

  !> One-scale model whose closure is a network; one forward pass serves all members.
  type, extends(one_scale_model) :: network_model
    private
    type(torch_model) :: model                   !! shares its parameters with the one trained
    real(real32), allocatable :: features(:, :)  !! (K*members, stencil_width), behind `inputs`
    real(real32), allocatable :: guess(:, :)     !! (K*members, 1), behind `outputs`
    type(torch_tensor) :: inputs(1), outputs(1)
  contains
    procedure :: create
    procedure :: closure
  end type network_model

contains

  !> Binds `model` to arrays for `members` columns; the actual `self` must be a target.
  subroutine create(self, model, members)
    class(network_model), intent(inout), target :: self
    type(torch_model), intent(in) :: model
    integer, intent(in) :: members

    self%model = model
    allocate (self%features(number_of_slow*members, stencil_width))
    allocate (self%guess(number_of_slow*members, 1))
    call torch_tensor_from_array(self%inputs(1), self%features, torch_kCPU)
    call torch_tensor_from_array(self%outputs(1), self%guess, torch_kCPU)
  end subroutine create

  !> Row k holds X(k-reach:k+reach) on the ring.
  pure function stencil(x) result(features)
    real(real64), intent(in) :: x(number_of_slow)
    real(real32) :: features(number_of_slow, stencil_width)
    integer :: offset

    do offset = -reach, reach
      features(:, offset + reach + 1) = real(cshift(x, offset), real32)
    end do
  end function stencil

  subroutine closure(self, x, u)
    class(network_model), intent(inout) :: self
    real(real64), intent(in) :: x(:, :)
    real(real64), intent(out) :: u(:, :)
    integer :: member, last

    do member = 1, size(x, 2)
      last = member*number_of_slow
      self%features(last - number_of_slow + 1:last, :) = stencil(x(:, member))
    end do
    call torch_model_forward(self%model, self%inputs, self%outputs)
    u = reshape(self%guess, shape(u))
  end subroutine closure
end module network
