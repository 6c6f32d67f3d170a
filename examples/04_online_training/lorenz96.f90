! SPDX-License-Identifier: MIT
!> The two-scale Lorenz-96 system, its one-scale truncation, and the Runge-Kutta step of both.
!>
!> Setting: K=8, J=32, F=20, h=1, b=c=10 (Wilks 2005, doi:10.1256/qj.04.03; Gagne et al. 2020,
!> doi:10.1029/2019MS001896). One model time unit (MTU) stands for about five atmospheric days.
module lorenz96
  use, intrinsic :: iso_fortran_env, only: real64
  implicit none
  private
  public :: number_of_slow, number_of_fast, dynamical_system, two_scale_model, one_scale_model
  public :: subgrid_tendency, runge_kutta_step

  integer, parameter :: number_of_slow = 8               !! K, slow variables X on a ring
  integer, parameter :: fast_per_slow = 32               !! J, fast variables Y under each X
  integer, parameter :: number_of_fast = number_of_slow*fast_per_slow
  real(real64), parameter :: forcing = 20                !! F, constant tendency of each X [1/MTU]
  real(real64), parameter :: coupling = 1                !! h, strength of the exchange
  real(real64), parameter :: time_scale_ratio = 10       !! c, Y moves c times faster than X
  real(real64), parameter :: amplitude_ratio = 10        !! b, Y is b times smaller than X
  real(real64), parameter :: exchange = coupling*time_scale_ratio/amplitude_ratio  !! hc/b

  !> A set of ordinary differential equations, with one column of `state` for each member.
  type, abstract :: dynamical_system
  contains
    procedure(tendency_interface), deferred :: tendency
  end type dynamical_system

  abstract interface
    !> `rate = d(state)/dt`; both have the shape (variables, members).
    subroutine tendency_interface(self, state, rate)
      import :: dynamical_system, real64
      class(dynamical_system), intent(inout) :: self
      real(real64), intent(in) :: state(:, :)
      real(real64), intent(out) :: rate(:, :)
    end subroutine tendency_interface
  end interface

  !> The truth: a column holds X(1:K), then Y(1:J) of X(1), Y(1:J) of X(2), and so on.
  type, extends(dynamical_system) :: two_scale_model
  contains
    procedure :: tendency => two_scale_tendency
  end type two_scale_model

  !> The slow scale alone, without closure; an extension of this type brings its own `closure`.
  type, extends(dynamical_system) :: one_scale_model
  contains
    procedure :: tendency => one_scale_tendency
    procedure :: closure => no_closure
  end type one_scale_model

contains

  !> Tendency of the X alone: advection on the ring, damping and forcing [1/MTU].
  pure function resolved_tendency(x) result(rate)
    real(real64), intent(in) :: x(number_of_slow)
    real(real64) :: rate(number_of_slow)

    rate = -cshift(x, -1)*(cshift(x, -2) - cshift(x, 1)) - x + forcing
  end function resolved_tendency

  !> What the fast scale does to X and a one-scale model must guess: U = -hc/b sum_j(Y) [1/MTU].
  pure function subgrid_tendency(y) result(u)
    real(real64), intent(in) :: y(fast_per_slow, number_of_slow)
    real(real64) :: u(number_of_slow)
    integer :: k

    do k = 1, number_of_slow
      u(k) = -exchange*sum(y(:, k))
    end do
  end function subgrid_tendency

  subroutine two_scale_tendency(self, state, rate)
    class(two_scale_model), intent(inout) :: self
    real(real64), intent(in) :: state(:, :)
    real(real64), intent(out) :: rate(:, :)
    integer :: member

    do member = 1, size(state, 2)
      associate (x => state(:number_of_slow, member), y => state(number_of_slow + 1:, member))
        rate(:number_of_slow, member) = resolved_tendency(x) + subgrid_tendency(y)
        rate(number_of_slow + 1:, member) = fast_tendency(x, y)
      end associate
    end do
  end subroutine two_scale_tendency

  !> Tendency of the Y, which sit on one ring of K*J points [1/MTU].
  pure function fast_tendency(x, y) result(rate)
    real(real64), intent(in) :: x(number_of_slow), y(number_of_fast)
    real(real64) :: rate(number_of_fast)
    integer, parameter :: n = number_of_fast
    real(real64) :: ring(0:n + 2)
    integer :: j, k

    ring(0) = y(n)
    ring(1:n) = y
    ring(n + 1:) = y(1:2)
    do k = 1, number_of_slow
      do j = (k - 1)*fast_per_slow + 1, k*fast_per_slow
        rate(j) = exchange*x(k) - time_scale_ratio*y(j) &
          - time_scale_ratio*amplitude_ratio*ring(j + 1)*(ring(j + 2) - ring(j - 1))
      end do
    end do
  end function fast_tendency

  subroutine one_scale_tendency(self, state, rate)
    class(one_scale_model), intent(inout) :: self
    real(real64), intent(in) :: state(:, :)
    real(real64), intent(out) :: rate(:, :)
    integer :: member

    call self%closure(state, rate)
    do member = 1, size(state, 2)
      rate(:, member) = rate(:, member) + resolved_tendency(state(:, member))
    end do
  end subroutine one_scale_tendency

  !> Closure: the guess `u` of the subgrid tendency under the states `x`, both (K, members).
  subroutine no_closure(self, x, u)
    class(one_scale_model), intent(inout) :: self
    real(real64), intent(in) :: x(:, :)
    real(real64), intent(out) :: u(:, :)

    u = 0
  end subroutine no_closure

  !> Advances `state` by `time_step` [MTU] with the classical fourth-order Runge-Kutta scheme.
  subroutine runge_kutta_step(system, state, time_step)
    class(dynamical_system), intent(inout) :: system
    real(real64), intent(inout) :: state(:, :)
    real(real64), intent(in) :: time_step
    real(real64), dimension(size(state, 1), size(state, 2)) :: k1, k2, k3, k4

    call system%tendency(state, k1)
    call system%tendency(state + time_step/2*k1, k2)
    call system%tendency(state + time_step/2*k2, k3)
    call system%tendency(state + time_step*k3, k4)
    state = state + time_step/6*(k1 + 2*k2 + 2*k3 + k4)
  end subroutine runge_kutta_step
end module lorenz96
