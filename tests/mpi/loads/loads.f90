! SPDX-License-Identifier: MIT
!> Loads a model of one rank on all, on a thread that is not the one of MPI_Init: `loads FILE`. Each rank prints its number, the
!> status, how many entries the folder TMPDIR has then, the sum of the parameter weight, and the message.
program loads
  use, intrinsic :: iso_fortran_env, only: real64
  use ftorch
  use ftorch_mpi
  use mpi_f08, only: MPI_COMM_WORLD, MPI_Finalize, MPI_Init_thread, MPI_THREAD_SERIALIZED
  use omp_lib, only: omp_get_thread_num
  implicit none
  type(torch_communicator) :: communicator
  type(torch_model) :: model
  type(torch_status) :: status
  character(len=:), allocatable :: name
  integer :: provided, length

  call MPI_Init_thread(MPI_THREAD_SERIALIZED, provided)
  if (provided < MPI_THREAD_SERIALIZED) error stop 'MPI does not offer MPI_THREAD_SERIALIZED'
  call get_command_argument(1, length=length)
  allocate (character(len=length) :: name)
  call get_command_argument(1, name)
  !$omp parallel num_threads(2)
  if (omp_get_thread_num() == 1) call act()
  !$omp end parallel
  call MPI_Finalize()

contains

  subroutine act()
    type(torch_status) :: agreed
    character(len=8192) :: line

    call torch_communicator_create(communicator, MPI_COMM_WORLD)
    call torch_bind_threads(communicator, report=.true.)
    if (communicator%rank() > 0) name = 'only rank 0 reads a file'
    call torch_mpi_load(model, name, torch_kCPU, communicator, status=status)
    ! All ranks have come back, and none has ended.
    call torch_mpi_agree(communicator, agreed)
    write (line, '(3(i0, 1x), es24.16, 1x, a)') communicator%rank(), status%code, entries(), sum_of_weight(), status%message
    call torch_mpi_agree(communicator, agreed)
    print '(a)', trim(line)
  end subroutine act

  integer function entries()
    integer :: unit
    character(len=16) :: listing

    listing = 'entries.'//achar(iachar('0') + communicator%rank())
    call execute_command_line('ls -A "$TMPDIR" | wc -l > '//trim(listing))
    open (newunit=unit, file=trim(listing), status='old')
    read (unit, *) entries
    close (unit)
  end function entries

  real(real64) function sum_of_weight() result(total)
    type(torch_tensor) :: weight, sum_of_all

    total = 0
    if (.not. status%ok()) return
    call torch_model_get_parameter(weight, model, 'weight')
    sum_of_all = torch_sum(torch_cast(weight, torch_kFloat64))
    total = sum_of_all%item()
  end function sum_of_weight

end program loads
