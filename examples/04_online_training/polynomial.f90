! SPDX-License-Identifier: MIT
!> The classical closure: a cubic polynomial in the local X, fitted by least squares (Wilks 2005).
module polynomial
  use, intrinsic :: iso_fortran_env, only: real64
  use lorenz96, only: one_scale_model
  implicit none
  private
  public :: polynomial_model

  integer, parameter :: degree = 3
  real(real64), parameter :: state_scale = 10  !! X/10 is of order one: well-conditioned equations

  !> One-scale model with the closure U(X) = sum_i coefficients(i) (X/10)**i.
  type, extends(one_scale_model) :: polynomial_model
    real(real64) :: coefficients(0:degree) = 0
    real(real64) :: normal_matrix(0:degree, 0:degree) = 0
    real(real64) :: right_hand_side(0:degree) = 0
  contains
    procedure :: add
    procedure :: fit
    procedure :: closure
  end type polynomial_model

contains

  !> Adds samples of state `x` and subgrid tendency `u` to the normal equations.
  subroutine add(self, x, u)
    class(polynomial_model), intent(inout) :: self
    real(real64), intent(in) :: x(:), u(:)
    real(real64) :: powers(0:degree)
    integer :: sample, row

    do sample = 1, size(x)
      powers = [((x(sample)/state_scale)**row, row=0, degree)]
      do row = 0, degree
        self%normal_matrix(:, row) = self%normal_matrix(:, row) + powers*powers(row)
      end do
      self%right_hand_side = self%right_hand_side + powers*u(sample)
    end do
  end subroutine add

  !> Solves the normal equations; they are positive definite, so elimination needs no pivoting.
  subroutine fit(self)
    class(polynomial_model), intent(inout) :: self
    real(real64) :: matrix(0:degree, 0:degree), rhs(0:degree), factor
    integer :: pivot, row

    matrix = self%normal_matrix
    rhs = self%right_hand_side
    do pivot = 0, degree
      do row = pivot + 1, degree
        factor = matrix(row, pivot)/matrix(pivot, pivot)
        matrix(row, :) = matrix(row, :) - factor*matrix(pivot, :)
        rhs(row) = rhs(row) - factor*rhs(pivot)
      end do
    end do
    do row = degree, 0, -1
      self%coefficients(row) = (rhs(row) &
        - dot_product(matrix(row, row + 1:), self%coefficients(row + 1:)))/matrix(row, row)
    end do
  end subroutine fit

  subroutine closure(self, x, u)
    class(polynomial_model), intent(inout) :: self
    real(real64), intent(in) :: x(:, :)
    real(real64), intent(out) :: u(:, :)
    integer :: power

    u = self%coefficients(degree)
    do power = degree - 1, 0, -1
      u = u*(x/state_scale) + self%coefficients(power)
    end do
  end subroutine closure
end module polynomial
