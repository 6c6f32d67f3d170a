! SPDX-License-Identifier: MIT
!> A handler that ends all processes of an MPI program.
module mpi_error_handler
  use, intrinsic :: iso_fortran_env, only: error_unit
  use ftorch, only: torch_status
  use mpi_f08, only: MPI_Abort, MPI_COMM_WORLD, MPI_Comm_rank
  implicit none
  private
  public :: abort_all

contains

  subroutine abort_all(status)
    type(torch_status), intent(in) :: status
    integer :: rank

    call MPI_Comm_rank(MPI_COMM_WORLD, rank)
    write (error_unit, '(a, i0, 2a)') 'rank ', rank, ': ', status%message
    call MPI_Abort(MPI_COMM_WORLD, 1)
  end subroutine abort_all
end module mpi_error_handler

program errors_mpi
  use ftorch, only: torch_kCPU, torch_model, torch_model_load, torch_set_error_handler
  use mpi_error_handler, only: abort_all
  use mpi_f08, only: MPI_Init, MPI_Finalize
  implicit none
  type(torch_model) :: network

  call MPI_Init()
  call torch_set_error_handler(abort_all)
  call torch_model_load(network, 'missing.pt2', torch_kCPU)
  call MPI_Finalize()
end program errors_mpi
