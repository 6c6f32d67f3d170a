! SPDX-License-Identifier: MIT
!> Trains a subgrid closure for Lorenz-96 while the model runs, then uses and judges it.
!>
!> Usage: online_training MODEL_FILE OUTPUT_FOLDER; exit status 1: a check failed, 2: wrong usage.
program online_training
  use, intrinsic :: iso_fortran_env, only: error_unit, real32, real64
  use evaluation, only: evaluate_closure, forecast_error, lead_steps, members, root_mean_square
  use ftorch, only: torch_kCPU, torch_loss_mse, torch_model, torch_model_forward, &
    torch_model_load, torch_model_parameters, torch_model_save, torch_optim, torch_optim_Adam, &
    torch_tensor, torch_tensor_backward, torch_tensor_from_array
  use lorenz96, only: number_of_fast, number_of_slow, one_scale_model, runge_kutta_step, &
    subgrid_tendency, two_scale_model
  use network, only: network_model, stencil, stencil_width
  use polynomial, only: polynomial_model
  use progress, only: progress_bar
  use replay_buffer, only: replay_buffer_type
  use report, only: check, open_table, write_summary, write_table
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
  real(real64), parameter :: learning_rate = 1e-3_real64

  type(two_scale_model) :: truth
  type(one_scale_model) :: bare
  type(polynomial_model) :: cubic
  type(network_model), target :: learned
  type(torch_model) :: model
  real(real64) :: state(number_of_slow + number_of_fast, 1)  ! X, then Y, of the truth
  real(real64), dimension(number_of_slow, held_out_steps) :: x, u  ! X and U on held-out time
  character(len=:), allocatable :: model_file, folder
  integer :: k

  model_file = argument(1)
  folder = argument(2)
  call torch_model_load(model, model_file, torch_kCPU, requires_grad=.true., is_training=.true.)

  state = 0
  state(:number_of_slow, 1) = [(k, k=1, number_of_slow)]
  call advance_truth(spin_up_steps)
  call train
  call torch_model_save(model, folder//'/trained.pt')
  call advance_truth(gap_steps)
  call record_held_out_time
  call judge

contains

  function argument(number) result(text)
    integer, intent(in) :: number
    character(len=:), allocatable :: text
    integer :: length

    call get_command_argument(number, length=length)
    if (length == 0) then
      write (error_unit, '(a)') 'Usage: online_training MODEL_FILE OUTPUT_FOLDER'
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

  !> One sample and one update of the network in each model step of the truth.
  subroutine train
    real(real32), target :: features(batch_size, stencil_width), targets(batch_size, 1)
    real(real32), target :: guess(batch_size, 1), loss
    type(torch_tensor) :: parameters(parameter_count), input(1), output(1), target_tensor
    type(torch_tensor) :: loss_tensor
    type(torch_optim) :: optimizer
    type(replay_buffer_type) :: buffer
    type(progress_bar) :: bar
    real(real64) :: x_now(number_of_slow), u_now(number_of_slow)
    integer :: step, losses

    ! Each tensor is made once and stays attached to its array: both always hold the same numbers.
    call torch_tensor_from_array(input(1), features, torch_kCPU)
    call torch_tensor_from_array(target_tensor, targets, torch_kCPU)
    call torch_tensor_from_array(output(1), guess, torch_kCPU)
    call torch_tensor_from_array(loss_tensor, loss, torch_kCPU)
    call torch_model_parameters(model, parameters)
    call torch_optim_Adam(optimizer, parameters, learning_rate=learning_rate)

    losses = open_table(folder, 'loss', 'step,time,loss')
    call buffer%create(buffer_capacity, stencil_width, seed)
    call bar%start(training_steps)
    do step = 1, training_steps
      call advance_truth(1)
      x_now = state(:number_of_slow, 1)
      u_now = subgrid_tendency(state(number_of_slow + 1:, 1))
      call cubic%add(x_now, u_now)
      call buffer%put(stencil(x_now), real(u_now, real32))
      call buffer%draw(features, targets(:, 1))

      call optimizer%zero_grad()
      call torch_model_forward(model, input, output, requires_grad=.true.)
      call torch_loss_mse(loss_tensor, output(1), target_tensor)
      call torch_tensor_backward(loss_tensor)
      call optimizer%step()

      write (losses, '(i0, 2(",", es14.7))') step, step*model_step, loss
      call bar%update(step, real(loss, real64))
    end do
    close (losses)
    call cubic%fit()
  end subroutine train

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
    passed(1) = check('network tendency error below the polynomial''s', tendency(3), tendency(2))
    passed(2) = check('network forecast error below no closure''s', error(judged_lead, 3), &
                      error(judged_lead, 1))
    if (.not. all(passed)) stop 1
  end subroutine judge

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
