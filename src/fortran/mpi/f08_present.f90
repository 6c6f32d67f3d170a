! SPDX-License-Identifier: MIT
!> Communicators of mpi_f08.
module ftorch_communicator_f08
  use, intrinsic :: iso_fortran_env, only: int64, real64
  use ftorch_communicator, only: torch_communicator, torch_communicator_create
  use ftorch_status, only: torch_status
  use mpi_f08, only: MPI_Comm
  implicit none
  private
  public :: torch_communicator_create

  interface torch_communicator_create
    module procedure create_from_f08
  end interface torch_communicator_create

contains

  !> As with an integer, see `create_from_integer`.
  subroutine create_from_f08(communicator, comm, timeout, bucket_bytes, owners, status)
    type(torch_communicator), intent(out) :: communicator
    type(MPI_Comm), intent(in) :: comm
    real(real64), intent(in), optional :: timeout
    integer(int64), intent(in), optional :: bucket_bytes
    integer, intent(in), optional :: owners
    type(torch_status), intent(out), optional :: status

    call torch_communicator_create(communicator, comm%MPI_VAL, timeout, bucket_bytes, owners, status)
  end subroutine create_from_f08

end module ftorch_communicator_f08
