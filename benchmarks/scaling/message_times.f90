! SPDX-License-Identifier: MIT
!> Times of messages by their size: from one rank to another, and sums over all ranks in three forms.
module message_times
  use, intrinsic :: iso_fortran_env, only: int64, real32, real64
  use mpi_f08, only: MPI_Allreduce, MPI_Barrier, MPI_COMM_WORLD, MPI_Comm_rank, MPI_Comm_size, MPI_Iallreduce, MPI_IN_PLACE, &
    MPI_REAL, MPI_Recv, MPI_Request, MPI_Send, MPI_STATUS_IGNORE, MPI_SUM, MPI_Wait, MPI_Wtime
  use slowest_rank, only: least_of_slowest
  implicit none
  private
  public :: measure_messages

  real(real32), allocatable, asynchronous :: from(:), to(:)
  integer :: rank

contains

  !> Prints `message <kind> <bytes> <seconds>` for sizes from 8 bytes to `largest`.
  subroutine measure_messages(largest)
    integer(int64), intent(in) :: largest
    integer :: numbers, ranks

    call MPI_Comm_rank(MPI_COMM_WORLD, rank)
    call MPI_Comm_size(MPI_COMM_WORLD, ranks)
    numbers = 2
    do while (4_int64*numbers <= largest)
      allocate (from(numbers), to(numbers))
      from = 1
      to = 0
      if (ranks > 1) call measure('ping-pong', exchange)
      call measure('allreduce', reduce)
      call measure('iallreduce', reduce_apart)
      call measure('iallreduce-in-place', reduce_in_place)
      deallocate (from, to)
      numbers = 4*numbers
    end do
  end subroutine measure_messages

  subroutine measure(kind, act)
    character(len=*), intent(in) :: kind
    interface
      subroutine act()
      end subroutine act
    end interface
    real(real64), allocatable :: seconds(:)
    real(real64) :: begin, least
    integer :: i

    allocate (seconds(max(100, min(500, 20000000/(4*size(from))))), source=0.0_real64)
    to = 0
    call act()
    do i = 1, size(seconds)
      call MPI_Barrier(MPI_COMM_WORLD)
      begin = MPI_Wtime()
      call act()
      ! There and back; those that take no part have nothing to tell.
      if (kind /= 'ping-pong') seconds(i) = MPI_Wtime() - begin
      if (kind == 'ping-pong' .and. rank == 0) seconds(i) = (MPI_Wtime() - begin)/2
    end do
    least = least_of_slowest(seconds)
    if (rank == 0) print '(a, 1x, a, 1x, i0, 1x, es12.5)', 'message', kind, 4*size(from), least
  end subroutine measure

  subroutine exchange()
    if (rank == 0) then
      call MPI_Send(from, size(from), MPI_REAL, 1, 0, MPI_COMM_WORLD)
      call MPI_Recv(to, size(to), MPI_REAL, 1, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE)
    else if (rank == 1) then
      call MPI_Recv(to, size(to), MPI_REAL, 0, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE)
      call MPI_Send(from, size(from), MPI_REAL, 0, 0, MPI_COMM_WORLD)
    end if
  end subroutine exchange

  subroutine reduce()
    call MPI_Allreduce(from, to, size(from), MPI_REAL, MPI_SUM, MPI_COMM_WORLD)
  end subroutine reduce

  subroutine reduce_apart()
    type(MPI_Request) :: request

    call MPI_Iallreduce(from, to, size(from), MPI_REAL, MPI_SUM, MPI_COMM_WORLD, request)
    call MPI_Wait(request, MPI_STATUS_IGNORE)
  end subroutine reduce_apart

  subroutine reduce_in_place()
    type(MPI_Request) :: request

    call MPI_Iallreduce(MPI_IN_PLACE, to, size(to), MPI_REAL, MPI_SUM, MPI_COMM_WORLD, request)
    call MPI_Wait(request, MPI_STATUS_IGNORE)
  end subroutine reduce_in_place

end module message_times
