! SPDX-License-Identifier: MIT
!> One step of the one-scale model as a node of the graph.
module integrator
  use, intrinsic :: iso_fortran_env, only: real64
  use ftorch
  use lorenz96, only: step, step_adjoint
  implicit none
  private
  public :: model_step

  !> The next state X from X and U, both of shape [slow, cases].
  type, extends(torch_function) :: model_step
  contains
    procedure :: forward
    procedure :: backward
  end type model_step

contains

  subroutine forward(self, outputs, inputs, status)
    class(model_step), intent(inout) :: self
    type(torch_tensor), intent(inout) :: outputs(:)
    type(torch_tensor), intent(in) :: inputs(:)
    type(torch_status), intent(out) :: status
    real(real64), pointer :: x(:, :), u(:, :), next(:, :)
    integer :: i

    call torch_tensor_to_pointer(inputs(1), x, status)
    if (.not. status%ok()) return
    call torch_tensor_to_pointer(inputs(2), u, status)
    if (.not. status%ok()) return
    call torch_tensor_empty(outputs(1), 2, inputs(1)%get_shape(), torch_kFloat64, torch_kCPU)
    call torch_tensor_to_pointer(outputs(1), next)
    do i = 1, size(x, 2)
      next(:, i) = step(x(:, i), u(:, i))
    end do
  end subroutine forward

  subroutine backward(self, input_gradients, output_gradients, inputs, outputs, status)
    class(model_step), intent(inout) :: self
    type(torch_tensor), intent(inout) :: input_gradients(:)
    type(torch_tensor), intent(in) :: output_gradients(:), inputs(:), outputs(:)
    type(torch_status), intent(out) :: status
    real(real64), pointer :: x(:, :), u(:, :), next_bar(:, :), x_bar(:, :), u_bar(:, :)
    integer :: i

    call torch_tensor_to_pointer(output_gradients(1), next_bar, status)
    if (.not. status%ok()) return
    call torch_tensor_to_pointer(inputs(1), x)
    call torch_tensor_to_pointer(inputs(2), u)
    do i = 1, 2
      call torch_tensor_empty(input_gradients(i), 2, inputs(i)%get_shape(), torch_kFloat64, torch_kCPU)
    end do
    call torch_tensor_to_pointer(input_gradients(1), x_bar)
    call torch_tensor_to_pointer(input_gradients(2), u_bar)
    do i = 1, size(x, 2)
      call step_adjoint(x(:, i), u(:, i), next_bar(:, i), x_bar(:, i), u_bar(:, i))
    end do
  end subroutine backward
end module integrator
