! SPDX-License-Identifier: MIT
!> One loss in three ways: in a model file, with operators, and in Fortran with an adjoint.
module front_loss
  use, intrinsic :: iso_fortran_env, only: int64, real64
  use ftorch
  implicit none
  real(real64), parameter :: slope_weight = 4

  !> The third way: a procedure of the program, on arrays.
  type, extends(torch_function) :: fortran_loss
  contains
    procedure :: forward
    procedure :: backward
  end type fortran_loss

contains

  subroutine forward(self, outputs, inputs, status)
    class(fortran_loss), intent(inout) :: self
    type(torch_tensor), intent(inout) :: outputs(:)
    type(torch_tensor), intent(in) :: inputs(:)
    type(torch_status), intent(out) :: status
    real(real64), pointer :: guess(:), truth(:)
    real(real64), allocatable :: error(:)
    real(real64) :: loss

    call torch_tensor_to_pointer(inputs(1), guess, status)
    if (.not. status%ok()) return
    call torch_tensor_to_pointer(inputs(2), truth, status)
    if (.not. status%ok()) return
    error = guess - truth
    loss = (sum(error**2) + slope_weight*sum((cshift(error, 1) - error)**2))/size(error)
    call torch_tensor_full(outputs(1), 0, [integer(int64) ::], loss, torch_kFloat64, torch_kCPU)
  end subroutine forward

  !> The adjoint: the derivative by each point, times the gradient of the loss.
  subroutine backward(self, input_gradients, output_gradients, inputs, outputs, status)
    class(fortran_loss), intent(inout) :: self
    type(torch_tensor), intent(inout) :: input_gradients(:)
    type(torch_tensor), intent(in) :: output_gradients(:), inputs(:), outputs(:)
    type(torch_status), intent(out) :: status
    real(real64), pointer :: guess(:), truth(:), gradient(:)
    real(real64), allocatable :: error(:)

    call torch_tensor_to_pointer(inputs(1), guess, status)
    call torch_tensor_to_pointer(inputs(2), truth)
    call torch_tensor_empty(input_gradients(1), 1, inputs(1)%get_shape(), torch_kFloat64, torch_kCPU)
    call torch_tensor_to_pointer(input_gradients(1), gradient)
    error = guess - truth
    gradient = 2*(error + slope_weight*(2*error - cshift(error, 1) - cshift(error, -1)))/size(error)
    gradient = gradient*output_gradients(1)%item()
  end subroutine backward
end module front_loss

program operators
  use, intrinsic :: iso_fortran_env, only: real64
  use front_loss, only: fortran_loss, slope_weight
  use ftorch
  use ftorch_intrinsics
  implicit none
  integer, parameter :: points = 8
  real(real64), target :: guess(points), truth(points), number
  real(real64) :: losses(3), gradients(points, 3)
  type(torch_model) :: model
  type(torch_tensor) :: g, t, error, loss(1)
  integer :: i

  guess = [(sin(0.7_real64*i), i = 1, points)]
  truth = [(merge(1, 0, i > 4), i = 1, points)]
  call torch_tensor_from_array(g, guess, torch_kCPU, requires_grad=.true.)
  call torch_tensor_from_array(t, truth, torch_kCPU)
  call torch_tensor_from_array(loss(1), number, torch_kCPU)

  ! In a model file: Python wrote it, and can use it too.
  call torch_model_load(model, 'front_loss.pt2', torch_kCPU)
  call torch_model_forward(model, [g, t], loss, requires_grad=.true.)
  call record('in the model', 1)

  ! With operators: the library differentiates what stands here.
  error = g - t
  loss(1) = torch_mean(error**2) + slope_weight*torch_mean((cshift(error, 1) - error)**2)
  call record('with operators', 2)

  ! Through Fortran: code of the program runs, and the program gives its derivative.
  if (.not. torch_gradcheck(fortran_loss(), [g, t])) error stop 'the adjoint is wrong'
  call torch_apply(loss, fortran_loss(), [g, t])
  call record('through Fortran', 3)

  if (any(abs(losses - losses(1)) > 1e-12_real64)) error stop 'the losses differ'
  if (any(abs(gradients - spread(gradients(:, 1), 2, 3)) > 1e-12_real64)) error stop 'the gradients differ'

contains

  subroutine record(way, i)
    character(len=*), intent(in) :: way
    integer, intent(in) :: i
    type(torch_tensor) :: gradient(1)

    call torch_grad(gradient, loss, [g])
    losses(i) = number
    gradients(:, i) = gradient(1)
    print '(a16, f9.5, a, 8f7.3)', way, losses(i), '  gradient', gradients(:, i)
  end subroutine record
end program operators
