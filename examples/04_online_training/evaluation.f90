! SPDX-License-Identifier: MIT
!> Errors of a one-scale model on held-out time: of its closure, and of its forecasts.
module evaluation
  use, intrinsic :: iso_fortran_env, only: real64
  use lorenz96, only: one_scale_model, runge_kutta_step
  implicit none
  private
  public :: members, lead_steps, evaluate_closure, forecast_error, root_mean_square

  integer, parameter :: members = 200     !! states that a model treats at once
  integer, parameter :: lead_steps = 600  !! length of a forecast, in model steps

contains

  !> The closure's guess `u` under the states `x`, (K, states); states come in blocks of `members`.
  subroutine evaluate_closure(model, x, u)
    class(one_scale_model), intent(inout) :: model
    real(real64), intent(in) :: x(:, :)
    real(real64), intent(out) :: u(:, :)
    integer :: first

    do first = 1, size(x, 2), members
      call model%closure(x(:, first:first + members - 1), u(:, first:first + members - 1))
    end do
  end subroutine evaluate_closure

  !> RMSE of X after 0, 1, ... `lead_steps` steps of `time_step` [MTU] against `truth` (K, steps),
  !> over `members` forecasts that start from states evenly spread over the truth.
  function forecast_error(model, truth, time_step) result(error)
    class(one_scale_model), intent(inout) :: model
    real(real64), intent(in) :: truth(:, :), time_step
    real(real64) :: error(0:lead_steps)
    real(real64) :: x(size(truth, 1), members)
    integer :: starts(members), member, lead

    starts = [((member - 1)*((size(truth, 2) - lead_steps)/members) + 1, member=1, members)]
    x = truth(:, starts)
    error(0) = 0
    do lead = 1, lead_steps
      call runge_kutta_step(model, x, time_step)
      error(lead) = root_mean_square(x - truth(:, starts + lead))
    end do
  end function forecast_error

  pure real(real64) function root_mean_square(values)
    real(real64), intent(in) :: values(:, :)

    root_mean_square = sqrt(sum(values**2)/size(values))
  end function root_mean_square
end module evaluation
