! SPDX-License-Identifier: MIT
!> Random numbers that are the same on any compiler.
module random_numbers
  use, intrinsic :: iso_fortran_env, only: int64, real64
  implicit none
  private
  public :: generator

  ! Lehmer's generator "MINSTD" (Park, Miller and Stockmeyer 1993).
  integer(int64), parameter :: multiplier = 48271
  integer(int64), parameter :: modulus = 2147483647

  type :: generator
    integer(int64) :: state = 1  !! the seed, at least 1
  contains
    procedure :: uniform
    procedure :: normal
  end type generator

contains

  !> Between 0 and 1.
  real(real64) function uniform(self)
    class(generator), intent(inout) :: self

    self%state = modulo(multiplier*self%state, modulus)
    uniform = real(self%state, real64)/modulus
  end function uniform

  !> Numbers of mean 0 and standard deviation 1 (Box and Muller 1958).
  function normal(self, count) result(numbers)
    class(generator), intent(inout) :: self
    integer, intent(in) :: count
    real(real64) :: numbers(count), radius, angle
    integer :: i

    do i = 1, count
      radius = sqrt(-2*log(self%uniform()))
      angle = 2*acos(-1.0_real64)*self%uniform()
      numbers(i) = radius*cos(angle)
    end do
  end function normal
end module random_numbers
