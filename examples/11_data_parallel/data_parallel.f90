! SPDX-License-Identifier: MIT
!> Trains one closure for Lorenz-96 on many ranks, each of which runs a truth of its own.
!>
!> Usage: mpirun -n RANKS data_parallel MODEL_FILE [TRAINED_FILE]. Exit status 1: a check failed.
program data_parallel
  use, intrinsic :: iso_fortran_env, only: int32, output_unit, real32, real64
  use evaluation, only: evaluate_closure, forecast_error, lead_steps, members, root_mean_square
  use ftorch, only: torch_kCPU, torch_loss_mse, torch_model, torch_model_forward, torch_model_num_parameters, &
    torch_model_parameters, torch_model_save, torch_optim, torch_optim_Adam, torch_parameters_to_array, torch_replay_buffer, &
    torch_replay_buffer_create, torch_scheduler, torch_scheduler_CosineAnnealingLR, torch_status, torch_tensor, &
    torch_tensor_backward, torch_tensor_from_array
  use ftorch_mpi, only: torch_bind_threads, torch_communicator, torch_communicator_create, torch_communicator_delete, &
    torch_mpi_agree, torch_mpi_average, torch_mpi_average_gradients, torch_mpi_load
  use lorenz96, only: number_of_fast, number_of_slow, one_scale_model, runge_kutta_step, subgrid_tendency, two_scale_model
  use mpi_f08, only: MPI_Allreduce, MPI_COMM_WORLD, MPI_DOUBLE_PRECISION, MPI_Finalize, MPI_IN_PLACE, MPI_Init, MPI_INTEGER, &
    MPI_MAX, MPI_MIN, MPI_SUM
  use network, only: network_model, stencil, stencil_width
  use report, only: check
  implicit none

  real(real64), parameter :: truth_step = 0.001_real64         !! time step of the truth [MTU]
  integer, parameter :: substeps = 5                           !! truth steps in a model step
  real(real64), parameter :: model_step = substeps*truth_step  !! one-scale time step [MTU]
  integer, parameter :: spin_up_steps = 2000                   !! model steps: 10 MTU
  integer, parameter :: training_steps = 4000                  !! 20 MTU on each rank
  integer, parameter :: gap_steps = 1000                       !! 5 MTU before held-out time
  integer, parameter :: held_out_steps = 4000                  !! 20 MTU on each rank
  integer, parameter :: judged_lead = 200                      !! forecast length judged: 1 MTU
  integer, parameter :: batch_size = 64                        !! rows of one update on each rank
  integer, parameter :: buffer_capacity = 65536                !! rows that a rank can replay
  integer, parameter :: seed = 2020                            !! of the draws, with the rank
  real(real64), parameter :: learning_rate = 3e-3_real64, last_learning_rate = 1e-4_real64

  type(torch_communicator) :: communicator
  type(torch_model) :: model
  type(two_scale_model) :: truth
  real(real64) :: state(number_of_slow + number_of_fast, 1)        ! X, then Y, of this rank's truth
  real(real64), dimension(number_of_slow, held_out_steps) :: x, u  ! X and U on held-out time
  logical :: is_alike, is_better
  integer :: rank, k

  call MPI_Init()
  call torch_communicator_create(communicator, MPI_COMM_WORLD)
  call torch_bind_threads(communicator, report=.true.)
  call torch_mpi_load(model, argument(1), torch_kCPU, communicator, requires_grad=.true., is_training=.true.)
  rank = communicator%rank()

  ! What begins a little apart is other weather soon.
  state = 0
  state(:number_of_slow, 1) = [(k + 0.1_real64*rank, k=1, number_of_slow)]
  call advance_truth(spin_up_steps)
  call train
  call advance_truth(gap_steps)
  call record_held_out_time
  is_alike = same_weights()
  is_better = better_than_none()
  if (command_argument_count() > 1) call save(argument(2))
  call torch_communicator_delete(communicator)
  call MPI_Finalize()
  if (.not. (is_alike .and. is_better)) stop 1

contains

  function argument(number) result(text)
    integer, intent(in) :: number
    character(len=:), allocatable :: text
    integer :: length

    call get_command_argument(number, length=length)
    allocate (character(len=length) :: text)
    call get_command_argument(number, text)
  end function argument

  !> Advances the truth of this rank by a number of model steps.
  subroutine advance_truth(model_steps)
    integer, intent(in) :: model_steps
    integer :: step

    do step = 1, model_steps*substeps
      call runge_kutta_step(truth, state, truth_step)
    end do
  end subroutine advance_truth

  !> As in 04_online_training; the gradients are the means over all ranks.
  subroutine train
    real(real32), target :: features(stencil_width, batch_size), targets(1, batch_size)
    real(real32), target :: guess(1, batch_size), loss
    type(torch_tensor), allocatable :: parameters(:)
    type(torch_tensor) :: input(1), output(1), target_tensor, loss_tensor
    type(torch_optim) :: optimizer
    type(torch_scheduler) :: scheduler
    type(torch_replay_buffer) :: buffer
    integer :: step

    call torch_tensor_from_array(input(1), features, torch_kCPU, permute_dims=[2, 1])
    call torch_tensor_from_array(target_tensor, targets, torch_kCPU, permute_dims=[2, 1])
    call torch_tensor_from_array(output(1), guess, torch_kCPU, permute_dims=[2, 1])
    call torch_tensor_from_array(loss_tensor, loss, torch_kCPU)
    allocate (parameters(torch_model_num_parameters(model)))
    call torch_model_parameters(model, parameters)
    call torch_optim_Adam(optimizer, parameters, learning_rate=learning_rate)
    call torch_scheduler_CosineAnnealingLR(scheduler, optimizer, T_max=training_steps, eta_min=last_learning_rate)
    call torch_replay_buffer_create(buffer, buffer_capacity, seed=seed + rank)

    do step = 1, training_steps
      call advance_truth(1)
      associate (x_now => state(:number_of_slow, 1), u_now => subgrid_tendency(state(number_of_slow + 1:, 1)))
        call buffer%put(transpose(stencil(x_now)), reshape(real(u_now, real32), [1, number_of_slow]))
      end associate
      call buffer%draw(input(1), target_tensor)

      call optimizer%zero_grad()
      call torch_model_forward(model, input, output, requires_grad=.true.)
      call torch_loss_mse(loss_tensor, output(1), target_tensor)
      call torch_tensor_backward(loss_tensor)
      call torch_mpi_average_gradients(communicator, model)
      call optimizer%step()
      call scheduler%step()

      if (mod(step, 500) == 0) then
        call torch_mpi_average(communicator, loss_tensor)
        if (rank == 0) print '(a, i5, a, f7.3)', 'step', step, ': loss', loss
      end if
    end do
  end subroutine train

  subroutine record_held_out_time
    integer :: step

    do step = 1, held_out_steps
      call advance_truth(1)
      x(:, step) = state(:number_of_slow, 1)
      u(:, step) = subgrid_tendency(state(number_of_slow + 1:, 1))
    end do
  end subroutine record_held_out_time

  !> Compares the bits of all weights on all ranks.
  logical function same_weights()
    type(torch_tensor), allocatable :: parameters(:)
    real(real32), allocatable :: weights(:)
    integer(int32), allocatable :: least(:), most(:)
    integer :: i

    allocate (parameters(torch_model_num_parameters(model)))
    call torch_model_parameters(model, parameters)
    allocate (weights(sum([(product(parameters(i)%get_shape()), i=1, size(parameters))])))
    call torch_parameters_to_array(weights, parameters)
    least = transfer(weights, least)
    most = least
    call MPI_Allreduce(MPI_IN_PLACE, least, size(least), MPI_INTEGER, MPI_MIN, MPI_COMM_WORLD)
    call MPI_Allreduce(MPI_IN_PLACE, most, size(most), MPI_INTEGER, MPI_MAX, MPI_COMM_WORLD)
    same_weights = all(least == most)
    if (rank == 0) print '(a, i0, a)', merge('passed', 'FAILED', same_weights)//': all ranks hold the same ', size(weights), &
      ' weights, to the bit'
  end function same_weights

  !> Compares network and no closure on the held-out time of all ranks.
  logical function better_than_none()
    type(one_scale_model) :: bare
    type(network_model), target :: learned
    real(real64), allocatable :: u_learned(:, :)
    real(real64) :: tendency(2), forecast(2), error(0:lead_steps), squares(4)

    call learned%create(model, members)
    allocate (u_learned, mold=u)
    call evaluate_closure(learned, x, u_learned)
    tendency = [root_mean_square(u), root_mean_square(u_learned - u)]
    error = forecast_error(bare, x, model_step)
    forecast(1) = error(judged_lead)
    error = forecast_error(learned, x, model_step)
    forecast(2) = error(judged_lead)

    squares = [tendency, forecast]**2/communicator%size()
    call MPI_Allreduce(MPI_IN_PLACE, squares, size(squares), MPI_DOUBLE_PRECISION, MPI_SUM, MPI_COMM_WORLD)
    tendency = sqrt(squares(:2))
    forecast = sqrt(squares(3:))
    better_than_none = all([tendency(2), forecast(2)] < [tendency(1), forecast(1)])
    if (rank /= 0) return
    better_than_none = check('network tendency error below no closure''s', tendency(2), tendency(1))
    better_than_none = check('network forecast error below no closure''s', forecast(2), forecast(1)) .and. better_than_none
    flush (output_unit)
  end function better_than_none

  !> One rank writes; if it fails, all are told.
  subroutine save(filename)
    character(len=*), intent(in) :: filename
    type(torch_status) :: status

    if (rank == 0) call torch_model_save(model, filename, status=status)
    call torch_mpi_agree(communicator, status)
    if (.not. status%ok()) error stop 'the network was not saved'
  end subroutine save
end program data_parallel
