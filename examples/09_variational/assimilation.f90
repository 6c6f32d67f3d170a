! SPDX-License-Identifier: MIT
!> Strong-constraint 4D-Var: which first state leads the Lorenz-96 model closest to the observations of a window.
module assimilation
  use, intrinsic :: iso_fortran_env, only: real64
  use ftorch
  use ftorch_intrinsics
  implicit none
  private
  public :: points, time_step, forecast, problem

  integer, parameter :: points = 40
  real(real64), parameter :: forcing = 8, time_step = 0.05_real64  ! [MTU]

  !> The cost of a first state, for the optimizer.
  type, extends(torch_closure) :: problem
    integer :: between = 1        !! steps from one time of observations to the next
    integer, allocatable :: sites(:)  !! points that are observed
    real(real64) :: first_guess_error = 1, observation_error = 1
    type(torch_tensor) :: first, first_guess  !! what is sought, and what is known of it beforehand
    type(torch_tensor), allocatable :: observations(:)  !! of each time
    type(torch_optim) :: optimizer
    integer :: evaluations = 0
  contains
    procedure :: cost
    procedure :: evaluate
  end type problem

contains

  !> dX/dt of Lorenz-96, on tensors.
  subroutine tendency(dx, x)
    type(torch_tensor), intent(inout) :: dx
    type(torch_tensor), intent(in) :: x

    dx = (cshift(x, 1) - cshift(x, -2))*cshift(x, -1) - x + forcing
  end subroutine tendency

  !> The state `steps` steps later (Runge-Kutta of fourth order).
  subroutine forecast(x, steps)
    type(torch_tensor), intent(inout) :: x
    integer, intent(in) :: steps
    type(torch_tensor) :: k1, k2, k3, k4, stage
    integer :: i

    do i = 1, steps
      call tendency(k1, x)
      stage = x + time_step/2*k1
      call tendency(k2, stage)
      stage = x + time_step/2*k2
      call tendency(k3, stage)
      stage = x + time_step*k3
      call tendency(k4, stage)
      x = x + time_step/6*(k1 + 2*k2 + 2*k3 + k4)
    end do
  end subroutine forecast

  !> Half of the squared distances from the first guess and from the observations, each in units of its error.
  subroutine cost(self, j)
    class(problem), intent(in) :: self
    type(torch_tensor), intent(inout) :: j
    type(torch_tensor) :: x, misfit
    integer :: time

    j = 0.5_real64*sum(((self%first - self%first_guess)/self%first_guess_error)**2)
    x = torch_clone(self%first)
    do time = 1, size(self%observations)
      call forecast(x, self%between)
      misfit = torch_index_select(x, 1, self%sites) - self%observations(time)
      j = j + 0.5_real64*sum((misfit/self%observation_error)**2)
    end do
  end subroutine cost

  !> The cost and its gradient. No adjoint is written: the library differentiates the steps of the model.
  subroutine evaluate(self, loss, status)
    class(problem), intent(inout) :: self
    type(torch_tensor), intent(inout) :: loss
    type(torch_status), intent(out) :: status

    call self%optimizer%zero_grad()
    call self%cost(loss)
    call torch_tensor_backward(loss, status=status)
    self%evaluations = self%evaluations + 1
  end subroutine evaluate
end module assimilation
