! SPDX-License-Identifier: MIT
!> Times of a training step of a chain of square layers, with gradients averaged over all ranks.
module training_times
  use, intrinsic :: iso_c_binding, only: c_int64_t
  use, intrinsic :: iso_fortran_env, only: int64, real64
  use ftorch, only: assignment(=), torch_kCPU, torch_kFloat32, torch_loss_mse, torch_manual_seed, torch_matmul, torch_optim, &
    torch_optim_SGD, torch_tanh, torch_tensor, torch_tensor_backward, torch_tensor_randn
  use ftorch_mpi, only: torch_communicator, torch_mpi_average_gradients, torch_mpi_average_gradients_start, &
    torch_mpi_average_gradients_wait
  use mpi_f08, only: MPI_Barrier, MPI_COMM_WORLD, MPI_Wtime
  use slowest_rank, only: least_of_slowest
  implicit none
  private
  public :: measure_training

  integer, parameter :: layers = 8

  interface
    !> Calls of the library to MPI that move data, and their bytes, since the last time.
    subroutine message_count_take(calls, bytes) bind(c)
      import :: c_int64_t
      integer(c_int64_t), intent(out) :: calls, bytes
    end subroutine message_count_take
  end interface

contains

  !> Prints `step <parameters> <rows> <layers> <is_early> <seconds of loss and gradients> <of averaging> <of all> <calls> <bytes>`;
  !> early: messages begin within the backward pass, and averaging is what is left of them after it. Without
  !> averaging each rank trains by itself.
  subroutine measure_training(communicator, width, rows, steps, is_early, is_averaged)
    type(torch_communicator), intent(in) :: communicator
    integer(int64), intent(in) :: width, rows
    integer, intent(in) :: steps
    logical, intent(in) :: is_early, is_averaged
    type(torch_tensor) :: weights(layers), input, target_tensor, value, loss
    type(torch_optim) :: optimizer
    real(real64) :: times(steps, 3), begin, middle
    integer(c_int64_t) :: calls, bytes
    integer :: step, i

    call torch_manual_seed(1)
    do i = 1, layers
      call torch_tensor_randn(weights(i), 2, [width, width], torch_kFloat32, torch_kCPU, requires_grad=.true.)
    end do
    call torch_tensor_randn(input, 2, [rows, width], torch_kFloat32, torch_kCPU)
    call torch_tensor_randn(target_tensor, 2, [rows, width], torch_kFloat32, torch_kCPU)
    call torch_optim_SGD(optimizer, weights, learning_rate=1.0e-3_real64)
    calls = 0
    bytes = 0
    do step = 1 - min(steps, 3), steps
      call MPI_Barrier(MPI_COMM_WORLD)
      if (step == 1) call message_count_take(calls, bytes)
      begin = MPI_Wtime()
      call optimizer%zero_grad()
      value = input
      do i = 1, layers
        value = torch_tanh(torch_matmul(value, weights(i)))
      end do
      call torch_loss_mse(loss, value, target_tensor)
      if (is_averaged .and. is_early) call torch_mpi_average_gradients_start(communicator, weights)
      call torch_tensor_backward(loss)
      middle = MPI_Wtime()
      if (is_averaged .and. is_early) call torch_mpi_average_gradients_wait(communicator)
      if (is_averaged .and. .not. is_early) call torch_mpi_average_gradients(communicator, weights)
      if (step > 0) times(step, 2) = MPI_Wtime() - middle
      call optimizer%step()
      if (step < 1) cycle
      times(step, 1) = middle - begin
      times(step, 3) = MPI_Wtime() - begin
    end do
    call message_count_take(calls, bytes)
    times(1, :) = [(least_of_slowest(times(:, i)), i=1, 3)]
    if (communicator%rank() == 0) print '(a, 3(1x, i0), 1x, l1, 3(1x, es12.5), 2(1x, i0))', 'step', layers*width**2, rows, layers, &
      is_early, times(1, :), calls/steps, bytes/steps
  end subroutine measure_training

end module training_times
