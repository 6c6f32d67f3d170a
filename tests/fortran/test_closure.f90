! SPDX-License-Identifier: MIT
!> Optimizers that evaluate the loss themselves, through a closure of the program.
module closure_cases
  use, intrinsic :: iso_fortran_env, only: int64, real32, real64
  use ftorch
  use testing, only: check, check_close, check_equal, check_status
  implicit none
  private
  public :: rosenbrock, least_squares, other_optimizer, failing, array_gone, without_closure, twice_a_failure, step_of_every_form

  !> (1 - x)^2 + 100*(y - x^2)^2 over arrays of the program; fails at one evaluation if that is wanted.
  type, extends(torch_closure) :: rosenbrock_closure
    type(torch_optim) :: optim
    type(torch_tensor) :: x, y
    integer :: evaluations = 0
    integer :: fails_at = 0
  contains
    procedure :: evaluate => evaluate_rosenbrock
  end type rosenbrock_closure

  !> The distance from [1, 2, 3, 4], element by element weighted.
  type, extends(torch_closure) :: quadratic_closure
    type(torch_optim) :: optim
    type(torch_tensor) :: w
  contains
    procedure :: evaluate => evaluate_quadratic
  end type quadratic_closure

  !> Takes its parameter away in its second evaluation, and fails.
  type, extends(torch_closure) :: vanishing_closure
    type(torch_optim) :: optim
    type(torch_tensor) :: w, kept
    real(real64), pointer :: array(:) => null()
    integer :: evaluations = 0
  contains
    procedure :: evaluate => evaluate_vanishing
  end type vanishing_closure

contains

  subroutine evaluate_vanishing(self, loss, status)
    class(vanishing_closure), intent(inout) :: self
    type(torch_tensor), intent(inout) :: loss
    type(torch_status), intent(out) :: status
    type(torch_tensor) :: wrong

    self%evaluations = self%evaluations + 1
    if (self%evaluations == 2) then
      call torch_delete(self%w)
      deallocate (self%array)
      call torch_tensor_sum(loss, wrong, status)
      return
    end if
    call self%optim%zero_grad()
    call torch_tensor_sum(loss, self%w**2)
    call torch_tensor_backward(loss, status=status)
  end subroutine evaluate_vanishing

  subroutine evaluate_quadratic(self, loss, status)
    class(quadratic_closure), intent(inout) :: self
    type(torch_tensor), intent(inout) :: loss
    type(torch_status), intent(out) :: status
    real(real32), target :: goal(2, 2), weight(2, 2)
    type(torch_tensor) :: goals, weights

    goal = reshape([1.0, 2.0, 3.0, 4.0], [2, 2])
    weight = reshape([1.0, 0.5, 2.0, 1.5], [2, 2])
    call torch_tensor_from_array(goals, goal, torch_kCPU)
    call torch_tensor_from_array(weights, weight, torch_kCPU)
    call self%optim%zero_grad()
    call torch_tensor_sum(loss, weights * (self%w - goals)**2)
    call torch_tensor_backward(loss, status=status)
  end subroutine evaluate_quadratic

  subroutine evaluate_rosenbrock(self, loss, status)
    class(rosenbrock_closure), intent(inout) :: self
    type(torch_tensor), intent(inout) :: loss
    type(torch_status), intent(out) :: status
    type(torch_tensor) :: wrong

    self%evaluations = self%evaluations + 1
    if (self%evaluations == self%fails_at) then
      call torch_tensor_sum(loss, wrong, status)
      return
    end if
    call self%optim%zero_grad(status)
    loss = (1.0_real64 - self%x)**2 + 100.0_real64 * (self%y - self%x**2)**2
    call torch_tensor_backward(loss, status=status)
  end subroutine evaluate_rosenbrock

  subroutine rosenbrock()
    real(real64), target :: x(1), y(1)
    type(rosenbrock_closure) :: closure
    integer :: i

    x = -1.2_real64
    y = 1
    call begin(closure, x, y)
    call torch_optim_LBFGS(closure%optim, [closure%x, closure%y], line_search_fn='strong_wolfe', max_iter=10, &
                           tolerance_grad=1.0e-12_real64, tolerance_change=1.0e-20_real64)
    do i = 1, 10
      call closure%optim%step(closure)
    end do
    call check_close(x, [1.0_real64], 1.0e-8_real64, 'x')
    call check_close(y, [1.0_real64], 1.0e-8_real64, 'y')
    call check(closure%evaluations > 20, 'evaluations')
  end subroutine rosenbrock

  !> Without a line search, over a matrix in column-major order, against the solution of the normal equations.
  subroutine least_squares()
    real(real32), target :: w(2, 2)
    type(quadratic_closure) :: closure
    integer :: i

    w = 0
    call torch_tensor_from_array(closure%w, w, torch_kCPU, requires_grad=.true.)
    call torch_optim_LBFGS(closure%optim, [closure%w], learning_rate=0.5, tolerance_change=0)
    do i = 1, 20
      call closure%optim%step(closure)
    end do
    call check_close(reshape(real(w, real64), [4]), [1.0_real64, 2.0_real64, 3.0_real64, 4.0_real64], 1.0e-5_real64, 'w')
  end subroutine least_squares

  !> An optimizer that wants the loss once gets it once, and steps by the gradients.
  subroutine other_optimizer()
    real(real64), target :: x(1), y(1)
    type(rosenbrock_closure) :: closure

    x = 2
    y = 3
    call begin(closure, x, y)
    call torch_optim_SGD(closure%optim, [closure%x, closure%y], learning_rate=1.0e-3_real64)
    call closure%optim%step(closure)
    call check_equal(closure%evaluations, 1, 'evaluations')
    call check_close(x, [2 - 1.0e-3_real64 * (-2 * (1 - 2) - 400 * 2 * (3 - 4))], 1.0e-14_real64, 'x')
    call check_close(y, [3 - 1.0e-3_real64 * (200 * (3 - 4))], 1.0e-14_real64, 'y')
  end subroutine other_optimizer

  !> Parameters and state are those from before the step.
  subroutine failing()
    real(real64), target :: x(1), y(1)
    real(real64) :: before(2)
    type(rosenbrock_closure) :: closure
    type(torch_status) :: status
    integer :: fails_after

    do fails_after = 1, 4
      x = -1.2_real64
      y = 1
      call begin(closure, x, y)
      call torch_optim_LBFGS(closure%optim, [closure%x, closure%y], line_search_fn='strong_wolfe')
      closure%fails_at = fails_after
      before = [x, y]
      call closure%optim%step(closure, status)
      call check_status(status, torch_invalid_argument, 'the closure failed')
      call check_close([x, y], before, 0.0_real64, 'parameters')
      call closure%optim%step(closure, status)
      call check(status%ok(), 'next step')
      call check(all(abs([x, y] - before) > 0), 'moved')
    end do
  end subroutine failing

  !> An array that the closure took away is not written, the other parameter is put back.
  subroutine array_gone()
    real(real64), target :: kept(2)
    type(vanishing_closure) :: closure
    type(torch_status) :: status

    allocate (closure%array(1000))
    closure%array = 1
    kept = 3
    call torch_tensor_from_array(closure%w, closure%array, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(closure%kept, kept, torch_kCPU, requires_grad=.true.)
    call torch_optim_LBFGS(closure%optim, [closure%w, closure%kept])
    call closure%optim%step(closure, status)
    call check_status(status, torch_invalid_argument, 'the closure failed')
    call check_close(kept, [3.0_real64, 3.0_real64], 0.0_real64, 'kept')
    call closure%optim%step(status)
    call check(.not. status%ok(), 'parameter gone')
  end subroutine array_gone

  subroutine without_closure()
    real(real64), target :: x(1), y(1)
    type(rosenbrock_closure) :: closure
    type(torch_status) :: status

    x = 0
    y = 0
    call begin(closure, x, y)
    call torch_optim_LBFGS(closure%optim, [closure%x, closure%y])
    call closure%optim%step(status)
    call check_status(status, torch_invalid_argument, 'torch_closure')
    call torch_optim_LBFGS(closure%optim, [closure%x, closure%y], line_search_fn='armijo', status=status)
    call check_status(status, torch_invalid_argument, "line_search_fn is 'armijo'; it must be one of: none strong_wolfe")
    call torch_optim_LBFGS(closure%optim, [closure%x, closure%y], max_iter=0, status=status)
    call check_status(status, torch_invalid_argument, 'max_iter')
  end subroutine without_closure

  !> An optimizer that is not there.
  subroutine twice_a_failure()
    real(real64), target :: x(1), y(1)
    type(rosenbrock_closure) :: closure
    type(torch_optim) :: none
    type(torch_status) :: status

    x = 0
    y = 0
    call begin(closure, x, y)
    call torch_optim_SGD(closure%optim, [closure%x, closure%y])
    call none%step(closure, status)
    call check_status(status, torch_invalid_argument, 'the optimizer holds nothing')
  end subroutine twice_a_failure

  subroutine step_of_every_form()
    real(real64), target :: x(1), y(1)
    type(rosenbrock_closure) :: closure
    type(torch_status) :: status

    x = 2
    y = 3
    call begin(closure, x, y)
    call torch_optim_SGD(closure%optim, [closure%x, closure%y], learning_rate=0)
    call torch_optim_step(closure%optim)
    call torch_optim_step(closure%optim, status)
    call torch_optim_step(optim=closure%optim, status=status)
    call torch_optim_step(closure%optim, closure)
    call torch_optim_step(closure%optim, closure, status)
    call closure%optim%step()
    call closure%optim%step(status=status)
    call closure%optim%step(closure=closure, status=status)
    call check_equal(closure%evaluations, 3, 'evaluations')
    call check(status%ok(), 'status')
  end subroutine step_of_every_form

  subroutine begin(closure, x, y)
    type(rosenbrock_closure), intent(inout) :: closure
    real(real64), intent(in), target :: x(:), y(:)

    call torch_tensor_from_array(closure%x, x, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(closure%y, y, torch_kCPU, requires_grad=.true.)
    closure%evaluations = 0
    closure%fails_at = 0
  end subroutine begin

end module closure_cases

program test_closure
  use closure_cases
  use testing, only: add_case, run_cases
  implicit none

  call add_case('rosenbrock', rosenbrock)
  call add_case('least_squares', least_squares)
  call add_case('other_optimizer', other_optimizer)
  call add_case('failing', failing)
  call add_case('array_gone', array_gone)
  call add_case('without_closure', without_closure)
  call add_case('twice_a_failure', twice_a_failure)
  call add_case('step_of_every_form', step_of_every_form)
  call run_cases()
end program test_closure
