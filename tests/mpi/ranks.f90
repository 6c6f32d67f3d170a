! SPDX-License-Identifier: MIT
!> Cases that all ranks of MPI run together.
module ranks
  use, intrinsic :: iso_c_binding, only: c_int, c_long
  use ftorch_mpi, only: torch_communicator, torch_communicator_create
  use testing, only: add_case, run_cases
  implicit none
  private
  public :: add_case, run_on_ranks, world, freed, half, own_rank, world_size, limit_memory, check_calls

  interface
    integer(c_int) function world_begin() bind(c)
      import :: c_int
      implicit none
    end function world_begin
    integer(c_int) function own_rank() bind(c, name='world_rank')
      import :: c_int
      implicit none
    end function own_rank
    integer(c_int) function world_size() bind(c, name='world_size')
      import :: c_int
      implicit none
    end function world_size
    !> A communicator that was freed.
    integer(c_int) function freed() bind(c, name='world_freed')
      import :: c_int
      implicit none
    end function freed
    !> Of the ranks of the half that this one is in.
    integer(c_int) function half() bind(c, name='world_half')
      import :: c_int
      implicit none
    end function half
    !> Lets this rank take that many bytes more, or as many as there are if negative.
    subroutine limit_memory(bytes) bind(c, name='world_limit_memory')
      import :: c_long
      implicit none
      integer(c_long), value :: bytes
    end subroutine limit_memory
    !> Whether communicators of this rank check all calls.
    subroutine check_calls(checks) bind(c, name='world_check_calls')
      import :: c_int
      implicit none
      integer(c_int), value :: checks
    end subroutine check_calls
    subroutine world_end() bind(c)
    end subroutine world_end
  end interface

  !> All ranks.
  integer(c_int) :: world

contains

  !> As `run_cases`, within MPI; a failure of one rank is one of the case.
  subroutine run_on_ranks()
    character(len=8) :: name

    call get_command_argument(1, name)
    if (name /= '--list') world = world_begin()
    call run_cases()
    if (name /= '--list') call world_end()
  end subroutine run_on_ranks

end module ranks
