! SPDX-License-Identifier: MIT
!> Times of things that all ranks do together.
module slowest_rank
  use, intrinsic :: iso_fortran_env, only: real64
  use mpi_f08, only: MPI_Allreduce, MPI_COMM_WORLD, MPI_DOUBLE_PRECISION, MPI_IN_PLACE, MPI_MAX
  implicit none
  private
  public :: least_of_slowest, median_of_slowest

contains

  !> The least of all repetitions, in each of which the slowest rank counts: what it takes where no other work disturbs it.
  !> `seconds` has one number for each repetition on this rank. Collective.
  real(real64) function least_of_slowest(seconds)
    real(real64), intent(in) :: seconds(:)
    real(real64) :: slowest(size(seconds))

    slowest = seconds
    call MPI_Allreduce(MPI_IN_PLACE, slowest, size(slowest), MPI_DOUBLE_PRECISION, MPI_MAX, MPI_COMM_WORLD)
    least_of_slowest = minval(slowest)
  end function least_of_slowest

  !> As `least_of_slowest`, for what ranks do to each other: the median.
  real(real64) function median_of_slowest(seconds)
    real(real64), intent(in) :: seconds(:)
    real(real64) :: slowest(size(seconds))
    integer :: i

    slowest = seconds
    call MPI_Allreduce(MPI_IN_PLACE, slowest, size(slowest), MPI_DOUBLE_PRECISION, MPI_MAX, MPI_COMM_WORLD)
    do i = 1, (size(slowest) - 1)/2
      slowest(minloc(slowest)) = huge(slowest)
    end do
    median_of_slowest = minval(slowest)
  end function median_of_slowest

end module slowest_rank
