! SPDX-License-Identifier: MIT
!> What ranks of MPI cost each other; `run.py` starts it:
!>
!> `scaling messages LARGEST_BYTES`, `scaling training WIDTH ROWS STEPS BUCKET_BYTES HOW` with HOW `alone`, `averaged` or
!> `early`, `scaling forward MODEL ROWS PASSES`, `scaling threads MODEL ROWS PASSES`, `scaling calls MODEL HOW CALLS` with HOW `own`
!> or `gathered`.
program scaling
  use, intrinsic :: iso_fortran_env, only: error_unit, int64, output_unit
  use forward_times, only: call_forward, measure_forward, measure_threads
  use ftorch_mpi, only: torch_communicator, torch_communicator_create, torch_communicator_delete
  use message_times, only: measure_messages
  use mpi_f08, only: MPI_COMM_WORLD, MPI_Finalize, MPI_Init
  use training_times, only: measure_training
  implicit none
  type(torch_communicator) :: communicator
  integer(int64) :: bucket_bytes

  call MPI_Init()
  bucket_bytes = 25*1024_int64**2
  if (text(1) == 'training') bucket_bytes = number(5)
  call torch_communicator_create(communicator, MPI_COMM_WORLD, bucket_bytes=bucket_bytes, owners=1)
  select case (text(1))
  case ('messages')
    call measure_messages(number(2))
  case ('training')
    call measure_training(communicator, number(2), number(3), int(number(4)), text(6) == 'early', text(6) /= 'alone')
  case ('forward')
    call measure_forward(communicator, text(2), int(number(3)), int(number(4)))
  case ('threads')
    call measure_threads(communicator, text(2), int(number(3)), int(number(4)))
  case ('calls')
    call call_forward(communicator, text(2), text(3) == 'gathered', int(number(4)))
  case default
    write (error_unit, '(a)') 'scaling: no measurement is called '//text(1)
    error stop 2
  end select
  flush (output_unit)
  call torch_communicator_delete(communicator)
  call MPI_Finalize()

contains

  function text(i)
    integer, intent(in) :: i
    character(len=:), allocatable :: text
    integer :: length

    call get_command_argument(i, length=length)
    allocate (character(len=length) :: text)
    call get_command_argument(i, text)
  end function text

  integer(int64) function number(i)
    integer, intent(in) :: i
    character(len=:), allocatable :: word

    word = text(i)
    read (word, *) number
  end function number

end program scaling
