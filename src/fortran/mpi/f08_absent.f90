! SPDX-License-Identifier: MIT
!> Communicators of mpi_f08, which this compiler's MPI lacks: integers name them.
module ftorch_communicator_f08
  implicit none
  public
end module ftorch_communicator_f08
