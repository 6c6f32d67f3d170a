! SPDX-License-Identifier: MIT
!> Ranks of MPI that run a network in each step, beside loops of their own: `ranks MODEL ROWS STEPS IS_PARALLEL THREADS`.
!> IS_PARALLEL 1: the loops are OpenMP regions. THREADS: those of the library, 0 for what it does by itself.
!> Prints microseconds of a step of the slowest rank, in the network and in the loops, and the threads of program and library.
program ranks
  use, intrinsic :: iso_fortran_env, only: int64, real32, real64
  use ftorch, only: torch_get_num_threads, torch_kCPU, torch_model, torch_model_load, torch_session, torch_session_create, &
    torch_set_num_threads, torch_tensor, torch_tensor_from_array
  use mpi_f08, only: MPI_Allreduce, MPI_Barrier, MPI_COMM_WORLD, MPI_Comm_rank, MPI_DOUBLE_PRECISION, MPI_Finalize, MPI_Init, &
    MPI_IN_PLACE, MPI_MAX, MPI_Wtime
!$ use omp_lib, only: omp_get_max_threads
  implicit none
  real(real32), allocatable, target :: input(:, :), output(:, :)
  type(torch_tensor) :: inputs(1), outputs(1)
  type(torch_model) :: model
  type(torch_session) :: session
  character(len=1024) :: filename
  real(real64) :: begin, microseconds(2)
  integer :: rank, rows, steps, step, host_threads
  logical :: is_parallel

  call MPI_Init()
  call MPI_Comm_rank(MPI_COMM_WORLD, rank)
  call get_command_argument(1, filename)
  rows = number_argument(2)
  steps = number_argument(3)
  is_parallel = number_argument(4) == 1
  call torch_set_num_threads(number_argument(5))
  allocate (input(rows, 8), output(rows, 4))
  input = 0.5
  call torch_tensor_from_array(inputs(1), input, torch_kCPU)
  call torch_tensor_from_array(outputs(1), output, torch_kCPU)
  call torch_model_load(model, filename, torch_kCPU)
  call torch_session_create(session, model, inputs, outputs)
  microseconds = 0
  do step = 1, steps
    call MPI_Barrier(MPI_COMM_WORLD)
    begin = MPI_Wtime()
    call host_loop()
    microseconds(2) = microseconds(2) + (MPI_Wtime() - begin)
    begin = MPI_Wtime()
    call session%run()
    microseconds(1) = microseconds(1) + (MPI_Wtime() - begin)
  end do
  microseconds = microseconds/steps*1.0e6_real64
  call MPI_Allreduce(MPI_IN_PLACE, microseconds, size(microseconds), MPI_DOUBLE_PRECISION, MPI_MAX, MPI_COMM_WORLD)
  host_threads = 1
!$ host_threads = omp_get_max_threads()
  if (rank == 0) print '(2(f0.1, 1x), 2(i0, 1x))', microseconds, host_threads, torch_get_num_threads()
  call MPI_Finalize()

contains

  !> What the program does itself, in parallel.
  subroutine host_loop()
    integer :: i

!$omp parallel do if(is_parallel)
    do i = 1, rows
      input(i, :) = sin(input(i, :) + 0.1)
    end do
!$omp end parallel do
  end subroutine host_loop

  integer function number_argument(i)
    integer, intent(in) :: i
    character(len=32) :: text

    call get_command_argument(i, text)
    read (text, *) number_argument
  end function number_argument

end program ranks
