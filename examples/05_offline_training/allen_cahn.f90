! SPDX-License-Identifier: MIT
!> Pairs of fields: a state of the Allen-Cahn equation on a periodic square, and the state some steps later.
module allen_cahn
  use, intrinsic :: iso_fortran_env, only: int64, real32, real64
  implicit none
  private
  public :: points, random_numbers, make_pairs

  integer, parameter :: points = 16        !! along either side
  integer, parameter :: smoothing = 3      !! steps from noise to a first state
  integer, parameter :: steps = 4          !! from the first state to the second
  real(real64), parameter :: growth = 0.2_real64  !! time step times growth rate of the reaction

  ! Lehmer's generator "MINSTD" (Park, Miller and Stockmeyer 1993): the same numbers on any compiler, and in Python.
  integer(int64), parameter :: multiplier = 48271
  integer(int64), parameter :: modulus = 2147483647

  !> Numbers from 1 to 2147483646.
  type :: random_numbers
    integer(int64) :: state = 2025
  contains
    procedure :: next
  end type random_numbers

contains

  integer(int64) function next(self)
    class(random_numbers), intent(inout) :: self

    self%state = modulo(multiplier*self%state, modulus)
    next = self%state
  end function next

  !> Fields of the shape (x, y, 1, pair), the 1 being the channel.
  subroutine make_pairs(random, now, later)
    type(random_numbers), intent(inout) :: random
    real(real32), intent(out) :: now(:, :, :, :), later(:, :, :, :)
    real(real64) :: u(points, points)
    integer :: pair, i, j, step

    do pair = 1, size(now, 4)
      do j = 1, points
        do i = 1, points
          u(i, j) = 4*(real(random%next(), real64)/modulus) - 2
        end do
      end do
      do step = 1, smoothing
        u = diffused(u)
      end do
      now(:, :, 1, pair) = real(u, real32)
      do step = 1, steps
        u = diffused(u)
        u = u + growth*(u - u*u*u)
      end do
      later(:, :, 1, pair) = real(u, real32)
    end do
  end subroutine make_pairs

  !> Mean of each point and its four neighbours.
  pure function diffused(u) result(mean)
    real(real64), intent(in) :: u(:, :)
    real(real64) :: mean(size(u, 1), size(u, 2))

    mean = (u + cshift(u, 1, 1) + cshift(u, -1, 1) + cshift(u, 1, 2) + cshift(u, -1, 2))/5
  end function diffused
end module allen_cahn
