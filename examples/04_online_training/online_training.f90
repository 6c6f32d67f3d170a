! SPDX-License-Identifier: MIT
!> Trains a subgrid closure for Lorenz-96 while the model runs, then uses and judges it.
!>
!> Usage: online_training MODEL_FILE OUTPUT_FOLDER [COMPILED_STEP]. With the file of a compiled training step each update is one
!> call of it. SIGTERM or SIGINT: the training is saved, and the same command goes on with
!> it. Exit status 1: a check failed, 2: wrong usage, 3: interrupted and saved.
program online_training
  use, intrinsic :: iso_fortran_env, only: error_unit, int64, real32, real64
  use evaluation, only: evaluate_closure, forecast_error, lead_steps, members, root_mean_square
  use ftorch, only: torch_checkpoint, torch_checkpoint_load, torch_checkpoint_save, torch_kCPU, &
    torch_loss_mse, torch_model, torch_model_forward, torch_model_load, torch_model_parameters, &
    torch_model_save, torch_optim, torch_optim_Adam, torch_replay_buffer, torch_replay_buffer_create, &
    torch_scheduler, torch_scheduler_CosineAnnealingLR, torch_tensor, torch_tensor_backward, &
    torch_tensor_from_array, torch_train_step, torch_train_step_load
  use interruption, only: is_interrupted, note_interruptions
  use lorenz96, only: number_of_fast, number_of_slow, one_scale_model, runge_kutta_step, &
    subgrid_tendency, two_scale_model
  use network, only: network_model, stencil, stencil_width
  use polynomial, only: polynomial_model
  use progress, only: progress_bar
  use report, only: check, write_speed, write_summary, write_table
  implicit none

  real(real64), parameter :: truth_step = 0.001_real64         !! time step of the truth [MTU]
  integer, parameter :: substeps = 5                           !! truth steps in a model step
  real(real64), parameter :: model_step = substeps*truth_step  !! one-scale time step [MTU]
  integer, parameter :: spin_up_steps = 2000                   !! model steps: 10 MTU
  integer, parameter :: training_steps = 20000                 !! 100 MTU
  integer, parameter :: gap_steps = 2000                       !! 10 MTU before held-out time
  integer, parameter :: held_out_steps = 20000                 !! 100 MTU
  integer, parameter :: sample_stride = 10                     !! held-out steps between samples
  integer, parameter :: curve_stride = 10                      !! samples between rows of a plot
  integer, parameter :: judged_lead = 200                      !! forecast length judged: 1 MTU

  integer, parameter :: parameter_count = 6      !! weight and bias of the network's three layers
  integer, parameter :: batch_size = 64          !! rows of one update
  integer, parameter :: buffer_capacity = 65536  !! rows that can be replayed
  integer, parameter :: seed = 2020              !! of the draws from the buffer
  integer, parameter :: save_interval = 5000     !! steps between checkpoints
  real(real64), parameter :: learning_rate = 3e-3_real64, last_learning_rate = 1e-4_real64

  type(two_scale_model) :: truth
  type(one_scale_model) :: bare
  type(polynomial_model) :: cubic
  type(network_model), target :: learned
  type(torch_model) :: model
  type(torch_optim) :: optimizer
  type(torch_scheduler) :: scheduler
  type(torch_replay_buffer) :: buffer
  real(real32) :: losses(training_steps) = 0
  real(real64) :: updates_per_second
  real(real64) :: state(number_of_slow + number_of_fast, 1)  ! X, then Y, of the truth
  real(real64), dimension(number_of_slow, held_out_steps) :: x, u  ! X and U on held-out time
  character(len=:), allocatable :: model_file, folder, checkpoint_file
  integer :: k

  call note_interruptions
  model_file = argument(1)
  folder = argument(2)
  checkpoint_file = folder//'/checkpoint.safetensors'
  call torch_model_load(model, model_file, torch_kCPU, requires_grad=.true., is_training=.true.)

  state = 0
  state(:number_of_slow, 1) = [(k, k=1, number_of_slow)]
  call advance_truth(spin_up_steps)
  call train
  call torch_model_save(model, folder//'/trained.pt2')
  call advance_truth(gap_steps)
  call record_held_out_time
  call judge
  call delete_file(checkpoint_file)

contains

  function argument(number) result(text)
    integer, intent(in) :: number
    character(len=:), allocatable :: text
    integer :: length

    call get_command_argument(number, length=length)
    if (length == 0) then
      write (error_unit, '(a)') 'Usage: online_training MODEL_FILE OUTPUT_FOLDER [COMPILED_STEP]'
      stop 2
    end if
    allocate (character(len=length) :: text)
    call get_command_argument(number, text)
  end function argument

  !> Advances the truth by a number of model steps.
  subroutine advance_truth(model_steps)
    integer, intent(in) :: model_steps
    integer :: step

    do step = 1, model_steps*substeps
      call runge_kutta_step(truth, state, truth_step)
    end do
  end subroutine advance_truth

  !> One sample and one update of the network in each model step of the truth. Goes on with a checkpoint if there is one.
  subroutine train
    real(real32), target :: features(stencil_width, batch_size), targets(1, batch_size)
    real(real32), target :: guess(1, batch_size), loss
    type(torch_tensor) :: parameters(parameter_count), input(1), output(1), target_tensor
    type(torch_tensor) :: loss_tensor
    type(torch_train_step) :: compiled
    type(progress_bar) :: bar
    integer(int64) :: ticks, begin, end, rate
    real(real64) :: x_now(number_of_slow), u_now(number_of_slow)
    integer :: step, last_step
    logical :: is_compiled

    ! Each tensor is made once and stays attached to its array: both always hold the same numbers.
    ! In Fortran the sample is the last dimension, the network has it first: the same memory.
    call torch_tensor_from_array(input(1), features, torch_kCPU, permute_dims=[2, 1])
    call torch_tensor_from_array(target_tensor, targets, torch_kCPU, permute_dims=[2, 1])
    call torch_tensor_from_array(output(1), guess, torch_kCPU, permute_dims=[2, 1])
    call torch_tensor_from_array(loss_tensor, loss, torch_kCPU)
    call torch_model_parameters(model, parameters)
    call torch_optim_Adam(optimizer, parameters, learning_rate=learning_rate)
    call torch_scheduler_CosineAnnealingLR(scheduler, optimizer, T_max=training_steps, eta_min=last_learning_rate)
    call torch_replay_buffer_create(buffer, buffer_capacity, seed=seed)
    is_compiled = command_argument_count() > 2
    if (is_compiled) call torch_train_step_load(compiled, argument(3), model, optimizer)
    last_step = 0
    if (file_exists(checkpoint_file)) call resume(last_step)

    ticks = 0
    call system_clock(count_rate=rate)
    call bar%start(training_steps)
    do step = last_step + 1, training_steps
      call advance_truth(1)
      x_now = state(:number_of_slow, 1)
      u_now = subgrid_tendency(state(number_of_slow + 1:, 1))
      call cubic%add(x_now, u_now)
      call buffer%put(transpose(stencil(x_now)), reshape(real(u_now, real32), [1, number_of_slow]))
      call buffer%draw(input(1), target_tensor)

      call system_clock(begin)
      if (is_compiled) then
        call compiled%run(input, [target_tensor], loss)
      else
        call optimizer%zero_grad()
        call torch_model_forward(model, input, output, requires_grad=.true.)
        call torch_loss_mse(loss_tensor, output(1), target_tensor)
        call torch_tensor_backward(loss_tensor)
        call optimizer%step()
      end if
      call system_clock(end)
      ticks = ticks + end - begin
      call scheduler%step()

      losses(step) = loss
      call bar%update(step, real(loss, real64))
      if (is_interrupted() .or. mod(step, save_interval) == 0) call save(step)
      if (is_interrupted()) then
        write (error_unit, '(a, i0, 2a)') 'interrupted after step ', step, '; the same command goes on with ', checkpoint_file
        stop 3
      end if
    end do
    call write_table(folder, 'loss', 'step,time,loss', &
      reshape([[(real(step, real64), step=1, training_steps)], [(step*model_step, step=1, training_steps)], &
               real(losses, real64)], [training_steps, 3]))
    updates_per_second = real(training_steps - last_step, real64)*rate/ticks
    call cubic%fit()

  end subroutine train

  !> Saves everything that the next step depends on.
  subroutine save(step)
    integer, intent(in) :: step
    type(torch_checkpoint) :: checkpoint

    call checkpoint%put('step', step)
    call checkpoint%put('truth', state)
    call checkpoint%put('losses', losses)
    call checkpoint%put('normal_matrix', cubic%normal_matrix)
    call checkpoint%put('right_hand_side', cubic%right_hand_side)
    call checkpoint%put('network', model)
    call checkpoint%put('optimizer', optimizer)
    call checkpoint%put('scheduler', scheduler)
    call checkpoint%put('buffer', buffer)
    call torch_checkpoint_save(checkpoint, checkpoint_file)
  end subroutine save

  subroutine resume(step)
    integer, intent(out) :: step
    type(torch_checkpoint) :: checkpoint

    call torch_checkpoint_load(checkpoint, checkpoint_file)
    call checkpoint%get('step', step)
    call checkpoint%get('truth', state)
    call checkpoint%get('losses', losses)
    call checkpoint%get('normal_matrix', cubic%normal_matrix)
    call checkpoint%get('right_hand_side', cubic%right_hand_side)
    call checkpoint%get('network', model)
    call checkpoint%get('optimizer', optimizer)
    call checkpoint%get('scheduler', scheduler)
    call checkpoint%get('buffer', buffer)
    print '(a, i0, 2a)', 'goes on after step ', step, ', saved in ', checkpoint_file
  end subroutine resume

  logical function file_exists(path)
    character(len=*), intent(in) :: path

    inquire (file=path, exist=file_exists)
  end function file_exists

  subroutine record_held_out_time
    integer :: step

    do step = 1, held_out_steps
      call advance_truth(1)
      x(:, step) = state(:number_of_slow, 1)
      u(:, step) = subgrid_tendency(state(number_of_slow + 1:, 1))
    end do
  end subroutine record_held_out_time

  !> Compares no closure, polynomial and network; stops with status 1 when a check fails.
  subroutine judge
    real(real64), allocatable :: u_cubic(:, :), u_learned(:, :)
    real(real64) :: error(0:lead_steps, 3), tendency(3)
    logical :: passed(2)
    integer :: lead

    associate (x_sample => x(:, ::sample_stride), u_sample => u(:, ::sample_stride))
      allocate (u_cubic, u_learned, mold=u_sample)
      call learned%create(model, members)
      call evaluate_closure(cubic, x_sample, u_cubic)
      call evaluate_closure(learned, x_sample, u_learned)
      tendency = [root_mean_square(u_sample), root_mean_square(u_cubic - u_sample), &
                  root_mean_square(u_learned - u_sample)]
    end associate
    error(:, 1) = forecast_error(bare, x, model_step)
    error(:, 2) = forecast_error(cubic, x, model_step)
    error(:, 3) = forecast_error(learned, x, model_step)

    call write_curve(u_cubic, u_learned)
    call write_table(folder, 'forecast', 'lead_time,none,polynomial,network', &
      reshape([[(lead*model_step, lead=0, lead_steps)], error], [lead_steps + 1, 4]))
    call write_summary(folder, tendency, error(judged_lead, :), judged_lead*model_step)
    call write_speed(folder, updates_per_second)
    passed(1) = check('network tendency error below the polynomial''s', tendency(3), tendency(2))
    passed(2) = check('network forecast error below no closure''s', error(judged_lead, 3), &
                      error(judged_lead, 1))
    if (.not. all(passed)) stop 1
  end subroutine judge

  subroutine delete_file(path)
    character(len=*), intent(in) :: path
    integer :: unit

    open (newunit=unit, file=path)
    close (unit, status='delete')
  end subroutine delete_file

  !> Writes some of the samples of X and U on held-out time, with what the two closures say.
  subroutine write_curve(u_cubic, u_learned)
    real(real64), intent(in) :: u_cubic(:, :), u_learned(:, :)

    associate (x_plot => x(:, ::sample_stride*curve_stride), &
               u_plot => u(:, ::sample_stride*curve_stride))
      call write_table(folder, 'closure', 'x,truth,polynomial,network', &
        reshape([x_plot, u_plot, u_cubic(:, ::curve_stride), u_learned(:, ::curve_stride)], &
                [size(x_plot), 4]))
    end associate
  end subroutine write_curve
end program online_training
