! SPDX-License-Identifier: MIT
!> Columns of a mock climate model on a circle of latitude; the owner of each node computes radiation for all of them.
program gathered_columns
  use, intrinsic :: iso_fortran_env, only: real32, real64
  use ftorch
  use ftorch_mpi
  use mpi_f08
  implicit none
  integer, parameter :: all_columns = 96, levels = 6, days = 2
  real(real64), parameter :: pi = acos(-1.0_real64)
  real(real64), allocatable :: temperature(:, :)  ! [K], (levels, columns) with one column of each neighbour at the ends
  real(real32), allocatable, target :: sunlit(:, :), heating(:, :), own(:, :)
  integer, allocatable :: lit(:)                  ! the columns of this rank that see the sun
  type(torch_communicator) :: communicator
  type(torch_model) :: model
  type(torch_tensor) :: input(1), output(1)
  real(real64) :: difference
  integer :: rank, ranks, first, columns, hour, n

  call MPI_Init()
  call torch_communicator_create(communicator, MPI_COMM_WORLD, owners=1)
  call torch_mpi_load(model, 'radiation.pt2', torch_kCPU, communicator)
  rank = communicator%rank()
  ranks = communicator%size()
  first = first_column(rank)
  columns = first_column(rank + 1) - first
  allocate (temperature(levels, 0:columns + 1), sunlit(levels + 1, columns), heating(levels, columns), own(levels, columns))
  temperature = 280
  difference = 0

  do hour = 0, 24*days - 1
    call find_sunlit()
    n = size(lit)
    call torch_tensor_from_array(input(1), sunlit(:, :n), torch_kCPU, permute_dims=[2, 1])
    call torch_tensor_from_array(output(1), heating(:, :n), torch_kCPU, permute_dims=[2, 1])
    call torch_mpi_forward_start(communicator, model, input, output)
    call mix_and_cool()  ! while the columns travel
    call torch_mpi_forward_wait(communicator)
    temperature(:, lit) = temperature(:, lit) + heating(:, :n)

    call torch_tensor_from_array(output(1), own(:, :n), torch_kCPU, permute_dims=[2, 1])
    call torch_model_forward(model, input, output)
    if (n > 0) difference = max(difference, real(maxval(abs(own(:, :n) - heating(:, :n))), real64))
    if (mod(hour, 6) == 5) call report()
  end do

  call MPI_Allreduce(MPI_IN_PLACE, difference, 1, MPI_DOUBLE_PRECISION, MPI_MAX, MPI_COMM_WORLD)
  if (rank == 0) print '(2a)', merge('passed', 'FAILED', difference < 1.0e-6_real64), ': one batch gives what parts of it give'
  call torch_communicator_delete(communicator)
  call MPI_Finalize()
  if (.not. difference < 1.0e-6_real64) stop 1

contains

  !> Blocks that grow with the rank.
  integer function first_column(r)
    integer, intent(in) :: r

    first_column = 1 + all_columns*r*(r + 1)/(ranks*(ranks + 1))
  end function first_column

  !> Packs the columns where the sun is up, by night none.
  subroutine find_sunlit()
    real(real64) :: cosine(columns)
    integer :: i

    cosine = [(cos(2*pi*((first + i - 1.5_real64)/all_columns + (hour + 0.5_real64)/24)), i=1, columns)]
    lit = pack([(i, i=1, columns)], cosine > 0)
    do i = 1, size(lit)
      sunlit(:, i) = real([temperature(:, lit(i)), cosine(lit(i))], real32)
    end do
  end subroutine find_sunlit

  !> What columns of neighbours exchange, and what each loses.
  subroutine mix_and_cool()
    integer :: left, right, i
    real(real64) :: before(levels, 0:columns + 1)

    left = modulo(rank - 1, ranks)
    right = modulo(rank + 1, ranks)
    call MPI_Sendrecv(temperature(:, 1), levels, MPI_DOUBLE_PRECISION, left, 1, temperature(:, columns + 1), levels, &
                      MPI_DOUBLE_PRECISION, right, 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE)
    call MPI_Sendrecv(temperature(:, columns), levels, MPI_DOUBLE_PRECISION, right, 2, temperature(:, 0), levels, &
                      MPI_DOUBLE_PRECISION, left, 2, MPI_COMM_WORLD, MPI_STATUS_IGNORE)
    before = temperature
    do i = 1, columns
      temperature(:, i) = before(:, i) + 0.2_real64*(before(:, i - 1) - 2*before(:, i) + before(:, i + 1)) &
                          - 0.02_real64*(before(:, i) - 270)
    end do
  end subroutine mix_and_cool

  subroutine report()
    real(real64) :: total, warmest
    integer :: in_the_sun

    call MPI_Reduce(sum(temperature(:, 1:columns)), total, 1, MPI_DOUBLE_PRECISION, MPI_SUM, 0, MPI_COMM_WORLD)
    call MPI_Reduce(maxval(temperature(:, 1:columns)), warmest, 1, MPI_DOUBLE_PRECISION, MPI_MAX, 0, MPI_COMM_WORLD)
    call MPI_Reduce(n, in_the_sun, 1, MPI_INTEGER, MPI_SUM, 0, MPI_COMM_WORLD)
    if (rank == 0) print '(a, i3, a, i3, a, 2(f8.3, a))', 'hour', hour + 1, ':', in_the_sun, ' columns in the sun, mean', &
      total/(levels*all_columns), ' K, warmest', warmest, ' K'
  end subroutine report

end program gathered_columns
