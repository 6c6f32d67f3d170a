! SPDX-License-Identifier: MIT
!> A ring of the latest samples, from which training draws random rows (experience replay).
module replay_buffer
  use, intrinsic :: iso_fortran_env, only: int64, real32
  implicit none
  private
  public :: replay_buffer_type

  ! Lehmer's generator "MINSTD" (Park, Miller and Stockmeyer 1993): the same rows on any compiler.
  integer(int64), parameter :: multiplier = 48271
  integer(int64), parameter :: modulus = 2147483647

  type :: replay_buffer_type
    private
    real(real32), allocatable :: features(:, :)  !! (capacity, features)
    real(real32), allocatable :: targets(:)      !! (capacity)
    integer :: filled = 0                        !! rows in use
    integer :: latest = 0                        !! row written last
    integer(int64) :: random = 1                 !! state of the generator
  contains
    procedure :: create
    procedure :: put
    procedure :: draw
  end type replay_buffer_type

contains

  !> An empty buffer for `capacity` rows of `number_of_features`; `seed` is in 1..2147483646.
  subroutine create(self, capacity, number_of_features, seed)
    class(replay_buffer_type), intent(out) :: self
    integer, intent(in) :: capacity, number_of_features, seed

    allocate (self%features(capacity, number_of_features), self%targets(capacity))
    self%random = seed
  end subroutine create

  !> Appends the rows of `features` with their `targets`; the oldest rows give way.
  subroutine put(self, features, targets)
    class(replay_buffer_type), intent(inout) :: self
    real(real32), intent(in) :: features(:, :), targets(:)
    integer :: row

    do row = 1, size(targets)
      self%latest = modulo(self%latest, size(self%targets)) + 1
      self%features(self%latest, :) = features(row, :)
      self%targets(self%latest) = targets(row)
    end do
    self%filled = min(self%filled + size(targets), size(self%targets))
  end subroutine put

  !> Fills `features` and `targets` with rows drawn at random, with replacement.
  subroutine draw(self, features, targets)
    class(replay_buffer_type), intent(inout) :: self
    real(real32), intent(out) :: features(:, :), targets(:)
    integer :: row, chosen

    do row = 1, size(targets)
      self%random = modulo(multiplier*self%random, modulus)
      chosen = int(modulo(self%random, int(self%filled, int64))) + 1
      features(row, :) = self%features(chosen, :)
      targets(row) = self%targets(chosen)
    end do
  end subroutine draw
end module replay_buffer
