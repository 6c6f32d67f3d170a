! SPDX-License-Identifier: MIT
!> Times of forward passes: gathered and of each rank's own, with the threads that the library takes and those bound to a rank.
module forward_times
  use, intrinsic :: iso_fortran_env, only: real32, real64
  use ftorch, only: torch_get_num_threads, torch_kCPU, torch_model, torch_model_forward, torch_model_load, torch_tensor, &
    torch_tensor_from_array
  use ftorch_mpi, only: torch_bind_threads, torch_communicator, torch_mpi_forward
  use mpi_f08, only: MPI_Barrier, MPI_COMM_WORLD, MPI_Wtime
  use slowest_rank, only: least_of_slowest, median_of_slowest
  implicit none
  private
  public :: measure_forward, measure_threads, call_forward

  integer, parameter :: inputs = 8, outputs = 4
  real(real32), allocatable, target :: from(:, :), to(:, :)
  type(torch_model) :: model
  type(torch_tensor) :: input(1), output(1)

contains

  subroutine prepare(filename, rows)
    character(len=*), intent(in) :: filename
    integer, intent(in) :: rows

    call torch_model_load(model, filename, torch_kCPU)
    allocate (from(inputs, rows), to(outputs, rows))
    from = 0.5
    call torch_tensor_from_array(input(1), from, torch_kCPU, permute_dims=[2, 1])
    call torch_tensor_from_array(output(1), to, torch_kCPU, permute_dims=[2, 1])
  end subroutine prepare

  subroutine pass(communicator, is_gathered)
    type(torch_communicator), intent(in) :: communicator
    logical, intent(in) :: is_gathered

    if (is_gathered) then
      call torch_mpi_forward(communicator, model, input, output)
    else
      call torch_model_forward(model, input, output)
    end if
  end subroutine pass

  !> Of each repetition on this rank.
  function seconds_of_passes(communicator, is_gathered, passes) result(seconds)
    type(torch_communicator), intent(in) :: communicator
    logical, intent(in) :: is_gathered
    integer, intent(in) :: passes
    real(real64) :: seconds(passes), begin
    integer :: i

    call pass(communicator, is_gathered)
    do i = 1, passes
      call MPI_Barrier(MPI_COMM_WORLD)
      begin = MPI_Wtime()
      call pass(communicator, is_gathered)
      seconds(i) = MPI_Wtime() - begin
    end do
  end function seconds_of_passes

  !> Prints `forward <rows of a rank> <seconds gathered> <seconds of each rank's own>`.
  subroutine measure_forward(communicator, filename, rows, passes)
    type(torch_communicator), intent(in) :: communicator
    character(len=*), intent(in) :: filename
    integer, intent(in) :: rows, passes
    real(real64) :: gathered, own

    call prepare(filename, rows)
    gathered = least_of_slowest(seconds_of_passes(communicator, .true., passes))
    own = least_of_slowest(seconds_of_passes(communicator, .false., passes))
    if (communicator%rank() == 0) print '(a, 1x, i0, 2(1x, es12.5))', 'forward', rows, gathered, own
  end subroutine measure_forward

  !> Prints `threads <rows of a rank> <threads> <seconds> <threads> <seconds>`, before and after `torch_bind_threads`.
  subroutine measure_threads(communicator, filename, rows, passes)
    type(torch_communicator), intent(in) :: communicator
    character(len=*), intent(in) :: filename
    integer, intent(in) :: rows, passes
    real(real64) :: seconds(2)
    integer :: threads(2)

    call prepare(filename, rows)
    threads(1) = torch_get_num_threads()
    seconds(1) = median_of_slowest(seconds_of_passes(communicator, .false., passes))
    call torch_bind_threads(communicator, threads(2))
    seconds(2) = median_of_slowest(seconds_of_passes(communicator, .false., passes))
    if (communicator%rank() == 0) print '(a, 1x, i0, 2(1x, i0, 1x, es12.5))', 'threads', rows, threads(1), seconds(1), threads(2), &
      seconds(2)
  end subroutine measure_threads

  !> Passes to be counted, one row each.
  subroutine call_forward(communicator, filename, is_gathered, calls)
    type(torch_communicator), intent(in) :: communicator
    character(len=*), intent(in) :: filename
    logical, intent(in) :: is_gathered
    integer, intent(in) :: calls
    integer :: i

    call prepare(filename, 1)
    do i = 1, calls
      call pass(communicator, is_gathered)
    end do
  end subroutine call_forward

end module forward_times
