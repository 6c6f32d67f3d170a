! SPDX-License-Identifier: MIT
!> Trains a coefficient of diffusion through a Fortran time integrator and its adjoint.
module diffusion
  use, intrinsic :: iso_fortran_env, only: real64
  use ftorch
  implicit none

  !> The last state after `steps` steps of diffusion on a ring, as a function of the first state and the coefficient.
  type, extends(torch_function) :: integrator
    integer :: steps = 0
    real(real64), allocatable :: states(:, :)
  contains
    procedure :: forward
    procedure :: backward
  end type integrator

contains

  function laplacian(u) result(l)
    real(real64), intent(in) :: u(:)
    real(real64) :: l(size(u))

    l = cshift(u, 1) - 2 * u + cshift(u, -1)
  end function laplacian

  subroutine forward(self, outputs, inputs, status)
    class(integrator), intent(inout) :: self
    type(torch_tensor), intent(inout) :: outputs(:)
    type(torch_tensor), intent(in) :: inputs(:)
    type(torch_status), intent(out) :: status
    real(real64), pointer :: first(:), coefficient(:), last(:)
    integer :: i

    call torch_tensor_to_pointer(inputs(1), first, status)
    if (.not. status%ok()) return
    call torch_tensor_to_pointer(inputs(2), coefficient, status)
    if (.not. status%ok()) return
    if (coefficient(1) < 0) then
      status%code = torch_invalid_argument
      status%message = 'the coefficient is negative'
      return
    end if
    allocate (self%states(size(first), 0:self%steps))
    self%states(:, 0) = first
    do i = 1, self%steps
      self%states(:, i) = self%states(:, i - 1) + coefficient(1) * laplacian(self%states(:, i - 1))
    end do
    call torch_tensor_empty(outputs(1), 1, inputs(1)%get_shape(), torch_kFloat64, torch_kCPU)
    call torch_tensor_to_pointer(outputs(1), last)
    last = self%states(:, self%steps)
  end subroutine forward

  !> The steps backwards; the Laplacian is symmetric.
  subroutine backward(self, input_gradients, output_gradients, inputs, outputs, status)
    class(integrator), intent(inout) :: self
    type(torch_tensor), intent(inout) :: input_gradients(:)
    type(torch_tensor), intent(in) :: output_gradients(:), inputs(:), outputs(:)
    type(torch_status), intent(out) :: status
    real(real64), pointer :: last(:), coefficient(:), first(:), by_coefficient(:)
    real(real64), allocatable :: g(:)
    integer :: i

    call torch_tensor_to_pointer(output_gradients(1), last, status)
    call torch_tensor_to_pointer(inputs(2), coefficient)
    call torch_tensor_empty(input_gradients(1), 1, outputs(1)%get_shape(), torch_kFloat64, torch_kCPU)
    call torch_tensor_zeros(input_gradients(2), 1, inputs(2)%get_shape(), torch_kFloat64, torch_kCPU)
    call torch_tensor_to_pointer(input_gradients(1), first)
    call torch_tensor_to_pointer(input_gradients(2), by_coefficient)
    g = last
    do i = self%steps, 1, -1
      by_coefficient = by_coefficient + dot_product(g, laplacian(self%states(:, i - 1)))
      g = g + coefficient(1) * laplacian(g)
    end do
    first = g
  end subroutine backward

end module diffusion

program fortran_in_the_graph
  use, intrinsic :: iso_fortran_env, only: real64
  use diffusion
  use ftorch
  implicit none
  real(real64), target :: first(16), observed(16), coefficient(1)
  type(torch_tensor) :: u, k, y, last(1), loss
  type(torch_optim) :: optim
  type(integrator) :: model
  integer :: i

  first = [(sin(0.4_real64 * i) + 0.1_real64 * i, i=1, 16)]
  observed = first
  do i = 1, 20
    observed = observed + 0.2_real64 * laplacian(observed)
  end do
  coefficient = 0.05_real64
  call torch_tensor_from_array(u, first, torch_kCPU)
  call torch_tensor_from_array(y, observed, torch_kCPU)
  call torch_tensor_from_array(k, coefficient, torch_kCPU, requires_grad=.true.)
  model%steps = 20
  if (.not. torch_gradcheck(model, [u, k])) error stop 'the adjoint is wrong'
  call torch_optim_Adam(optim, [k], learning_rate=0.01)
  do i = 1, 200
    call optim%zero_grad()
    call torch_apply(last, model, [u, k])
    call torch_loss_mse(loss, last(1), y)
    call torch_tensor_backward(loss)
    call optim%step()
  end do
  print '(a, f6.3)', 'coefficient: ', coefficient
end program fortran_in_the_graph
