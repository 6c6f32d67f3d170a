! SPDX-License-Identifier: MIT
!> The two-scale Lorenz-96 system, which is the truth, and the one-scale model with its adjoint.
module lorenz96
  use, intrinsic :: iso_fortran_env, only: real64
  implicit none
  private
  public :: slow, fast, time_step, subgrid_tendency, advance_truth, step, step_adjoint

  integer, parameter :: slow = 8, fast = 32  !! variables X; variables Y under each
  real(real64), parameter :: forcing = 20, h = 1, b = 10, c = 10
  real(real64), parameter :: time_step = 0.01_real64  !! of the one-scale model [MTU]
  integer, parameter :: substeps = 10  !! of the truth in one of these

contains

  !> What the fast variables do to each X: the truth of U.
  pure function subgrid_tendency(y) result(u)
    real(real64), intent(in) :: y(fast, slow)
    real(real64) :: u(slow)

    u = -h*c/b*sum(y, dim=1)
  end function subgrid_tendency

  !> The truth, one step of the one-scale model later (Runge-Kutta of fourth order).
  subroutine advance_truth(x, y)
    real(real64), intent(inout) :: x(slow), y(fast, slow)
    real(real64), parameter :: dt = time_step/substeps, share(4) = [1, 2, 2, 1]/6.0_real64
    real(real64), parameter :: reach(4) = [0.5_real64, 0.5_real64, 1.0_real64, 0.0_real64]
    real(real64) :: dx(slow), dy(fast, slow), x_stage(slow), y_stage(fast, slow), x_sum(slow), y_sum(fast, slow)
    integer :: i, stage

    do i = 1, substeps
      x_stage = x
      y_stage = y
      x_sum = x
      y_sum = y
      do stage = 1, 4
        dx = tendency(x_stage, subgrid_tendency(y_stage))
        call fast_tendency(y_stage, x_stage, dy)
        x_sum = x_sum + dt*share(stage)*dx
        y_sum = y_sum + dt*share(stage)*dy
        x_stage = x + dt*reach(stage)*dx
        y_stage = y + dt*reach(stage)*dy
      end do
      x = x_sum
      y = y_sum
    end do
  end subroutine advance_truth

  !> Y is one ring of slow*fast points.
  pure subroutine fast_tendency(y, x, dy)
    real(real64), intent(in) :: y(slow*fast), x(slow)
    real(real64), intent(out) :: dy(slow*fast)

    dy = -c*b*cshift(y, 1)*(cshift(y, 2) - cshift(y, -1)) - c*y + h*c/b*reshape(spread(x, 1, fast), [slow*fast])
  end subroutine fast_tendency

  !> dX/dt of the one-scale model under the tendency U of what is missing in it.
  pure function tendency(x, u) result(dx)
    real(real64), intent(in) :: x(:), u(:)
    real(real64) :: dx(size(x))

    dx = cshift(x, -1)*(cshift(x, 1) - cshift(x, -2)) - x + forcing + u
  end function tendency

  !> The transposed derivative of the tendency by X, times v.
  pure function tendency_adjoint(x, v) result(product)
    real(real64), intent(in) :: x(:), v(:)
    real(real64) :: product(size(x))

    product = cshift(v, -1)*cshift(x, -2) - cshift(v, 2)*cshift(x, 1) &
              + cshift(v, 1)*(cshift(x, 2) - cshift(x, -1)) - v
  end function tendency_adjoint

  !> One step of the one-scale model (Runge-Kutta of fourth order); U stays as it is meanwhile.
  pure function step(x, u) result(next)
    real(real64), intent(in) :: x(:), u(:)
    real(real64) :: next(size(x)), k1(size(x)), k2(size(x)), k3(size(x)), k4(size(x))

    k1 = tendency(x, u)
    k2 = tendency(x + time_step/2*k1, u)
    k3 = tendency(x + time_step/2*k2, u)
    k4 = tendency(x + time_step*k3, u)
    next = x + time_step/6*(k1 + 2*k2 + 2*k3 + k4)
  end function step

  !> The adjoint of the step: the lines of the step from the last to the first, each transposed.
  pure subroutine step_adjoint(x, u, next_bar, x_bar, u_bar)
    real(real64), intent(in) :: x(:), u(:), next_bar(:)
    real(real64), intent(out) :: x_bar(:), u_bar(:)
    real(real64), dimension(size(x)) :: x2, x3, x4, k1_bar, k2_bar, k3_bar, k4_bar, back

    x2 = x + time_step/2*tendency(x, u)
    x3 = x + time_step/2*tendency(x2, u)
    x4 = x + time_step*tendency(x3, u)

    k4_bar = time_step/6*next_bar
    back = tendency_adjoint(x4, k4_bar)
    x_bar = next_bar + back
    k3_bar = time_step/3*next_bar + time_step*back
    back = tendency_adjoint(x3, k3_bar)
    x_bar = x_bar + back
    k2_bar = time_step/3*next_bar + time_step/2*back
    back = tendency_adjoint(x2, k2_bar)
    x_bar = x_bar + back
    k1_bar = time_step/6*next_bar + time_step/2*back
    x_bar = x_bar + tendency_adjoint(x, k1_bar)
    u_bar = k1_bar + k2_bar + k3_bar + k4_bar
  end subroutine step_adjoint
end module lorenz96
