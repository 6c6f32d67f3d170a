! SPDX-License-Identifier: MIT
!> Trains a closure through many steps of a Fortran model and its adjoint, and compares it with one of single steps.
!>
!> Usage: adjoint OUTPUT_FOLDER [SEED]; exit status 1: a check failed, 2: wrong usage.
program adjoint
  use, intrinsic :: iso_fortran_env, only: error_unit, int64, real64
  use closure, only: create, network, tendency_of
  use ftorch
  use integrator, only: model_step
  use lorenz96, only: advance_truth, fast, slow, subgrid_tendency, time_step
  use random_numbers, only: generator
  implicit none

  integer, parameter :: observed_steps = 2000, held_out_steps = 3000, gap = 500  !! of the model
  integer, parameter :: long = 20, windows = 16, updates = 400
  integer, parameter :: forecasts = 100, lead_steps = 200, judged_at = 100  !! 1 MTU
  real(real64), parameter :: observation_error = 0.4_real64, learning_rate = 0.02_real64
  real(real64) :: observed(slow, 0:observed_steps), truth(slow, 0:held_out_steps)
  real(real64) :: errors(0:lead_steps, 3)  !! without closure, trained by single steps, trained by long windows
  type(network) :: by_steps, by_windows
  type(generator) :: random
  character(len=:), allocatable :: folder

  call read_arguments()
  call make_truth()
  call check_derivatives()
  print '(a)', 'training            update   loss per step'
  call train(by_steps, 1, windows*long, 'single steps')
  call train(by_windows, long, windows, 'windows')
  errors = 0
  call forecast(errors(:, 1))
  call forecast(errors(:, 2), by_steps)
  call forecast(errors(:, 3), by_windows)
  call write_tables()
  call judge()

contains

  subroutine read_arguments()
    integer :: length, status
    character(len=16) :: seed

    random%state = 1996
    call get_command_argument(1, length=length)
    call get_command_argument(2, seed)
    status = 0
    if (seed /= '') read (seed, *, iostat=status) random%state
    if (length == 0 .or. status /= 0 .or. random%state < 1) then
      write (error_unit, '(a)') 'Usage: adjoint OUTPUT_FOLDER [SEED]'
      stop 2
    end if
    allocate (character(len=length) :: folder)
    call get_command_argument(1, folder)
  end subroutine read_arguments

  !> Observations of X with errors, and the truth of a later time, whose U is for the plot only.
  subroutine make_truth()
    real(real64) :: x(slow), y(fast, slow)
    integer :: table, i

    x = 4 + random%normal(slow)
    y = 0.1_real64*reshape(random%normal(fast*slow), [fast, slow])
    do i = 1, gap
      call advance_truth(x, y)
    end do
    do i = 0, observed_steps
      observed(:, i) = x + observation_error*random%normal(slow)
      call advance_truth(x, y)
    end do
    do i = 1, gap
      call advance_truth(x, y)
    end do
    open (newunit=table, file=folder//'/truth.csv', status='replace', action='write')
    write (table, '(a)') 'x,u'
    do i = 0, held_out_steps
      truth(:, i) = x
      if (mod(i, 20) == 0) call write_pairs(table, x, subgrid_tendency(y))
      call advance_truth(x, y)
    end do
    close (table)
  end subroutine make_truth

  subroutine write_pairs(table, x, u)
    integer, intent(in) :: table
    real(real64), intent(in) :: x(:), u(:)
    integer :: k

    write (table, '(es14.6, ",", es14.6)') (x(k), u(k), k=1, size(x))
  end subroutine write_pairs

  !> The adjoint of a step by differences, and that of a window of steps and networks by the dot-product test.
  subroutine check_derivatives()
    real(real64), target :: x(slow, 2), u(slow, 2)
    type(torch_tensor) :: x_tensor, u_tensor, state(1), guess
    type(network) :: untrained
    character(len=:), allocatable :: message
    real(real64) :: difference
    integer :: i

    x = truth(:, [0, held_out_steps])
    u = -4
    call torch_tensor_from_array(x_tensor, x, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(u_tensor, u, torch_kCPU, requires_grad=.true.)
    if (.not. torch_gradcheck(model_step(), [x_tensor, u_tensor], message=message)) then
      write (error_unit, '(a)') message
      stop 1
    end if
    call create(untrained, 1)
    state(1) = torch_clone(x_tensor)
    do i = 1, long
      call tendency_of(guess, untrained, state(1))
      call torch_apply(state, model_step(), [state(1), guess])
    end do
    difference = torch_dot_product_test(state(1), x_tensor)
    print '(a, es8.1)', 'dot-product test of a window:', difference
    if (.not. difference < 1e-6_real64) stop 1
  end subroutine check_derivatives

  !> Fits the closure so that `steps` steps of the model come close to the observations, from `cases` random times.
  subroutine train(net, steps, cases, name)
    type(network), intent(inout) :: net
    integer, intent(in) :: steps, cases
    character(len=*), intent(in) :: name
    real(real64), target, allocatable :: batch(:, :, :)
    type(torch_tensor) :: state(1), u, loss
    type(torch_tensor) :: observations(0:steps)
    type(torch_optim) :: optimizer
    type(torch_scheduler) :: scheduler
    real(real64) :: recent
    integer :: update, i, first

    allocate (batch(slow, cases, 0:steps))
    do i = 0, steps
      call torch_tensor_from_array(observations(i), batch(:, :, i), torch_kCPU)
    end do
    call create(net, 1)
    call torch_optim_Adam(optimizer, net%weights, learning_rate=learning_rate)
    call torch_scheduler_CosineAnnealingLR(scheduler, optimizer, T_max=updates)
    recent = 0
    do update = 1, updates
      do i = 1, cases
        first = int(random%uniform()*(observed_steps - steps + 1))
        batch(:, i, :) = observed(:, first:first + steps)
      end do
      call optimizer%zero_grad()
      call torch_tensor_zeros(loss, 0, [integer(int64) ::], torch_kFloat64, torch_kCPU)
      state(1) = observations(0)
      do i = 1, steps
        call tendency_of(u, net, state(1))
        call torch_apply(state, model_step(), [state(1), u])
        loss = loss + torch_mean((state(1) - observations(i))**2)/steps
      end do
      call torch_tensor_backward(loss)
      call optimizer%step()
      call scheduler%step()
      recent = recent + loss%item()/(updates/4)
      if (mod(update, updates/4) == 0) then
        print '(a15, i11, f16.4)', name, update, recent
        recent = 0
      end if
    end do
  end subroutine train

  !> Root mean square error of X by lead time, of forecasts from true states.
  subroutine forecast(error, net)
    real(real64), intent(out) :: error(0:)
    type(network), intent(in), optional :: net
    real(real64), target :: x(slow, forecasts), subgrid(slow, forecasts)
    type(torch_tensor) :: state(1), u
    integer :: starts(forecasts), lead, i

    starts = [((held_out_steps - lead_steps)*(i - 1)/forecasts, i=1, forecasts)]
    x = truth(:, starts)
    subgrid = 0
    call torch_tensor_from_array(state(1), x, torch_kCPU)
    call torch_tensor_from_array(u, subgrid, torch_kCPU)
    error(0) = 0
    call torch_no_grad_begin()
    do lead = 1, lead_steps
      if (present(net)) call tendency_of(u, net, state(1))
      call torch_apply(state, model_step(), [state(1), u])
      error(lead) = sqrt(sum((x - truth(:, starts + lead))**2)/size(x))
    end do
    call torch_no_grad_end()
  end subroutine forecast

  !> Tables for plot.py.
  subroutine write_tables()
    real(real64), target :: x(1, 101), u(1, 101, 2)
    type(torch_tensor) :: x_tensor, u_tensor
    integer :: table, i

    open (newunit=table, file=folder//'/forecast.csv', status='replace', action='write')
    write (table, '(a)') 'lead_time,none,single_steps,windows'
    write (table, '((f0.3, 3(",", es14.6)))') (i*time_step, errors(i, :), i=0, lead_steps)
    close (table)

    x(1, :) = [(-10 + 0.25_real64*i, i=0, 100)]
    call torch_tensor_from_array(x_tensor, x, torch_kCPU)
    call torch_no_grad_begin()
    call torch_tensor_from_array(u_tensor, u(:, :, 1), torch_kCPU)
    call tendency_of(u_tensor, by_steps, x_tensor)
    call torch_tensor_from_array(u_tensor, u(:, :, 2), torch_kCPU)
    call tendency_of(u_tensor, by_windows, x_tensor)
    call torch_no_grad_end()
    open (newunit=table, file=folder//'/closure.csv', status='replace', action='write')
    write (table, '(a)') 'x,single_steps,windows'
    write (table, '((es14.6, 2(",", es14.6)))') (x(1, i), u(1, i, :), i=1, 101)
    close (table)
  end subroutine write_tables

  subroutine judge()
    print '(a, f4.1, a)', 'forecast error of X after', judged_at*time_step, ' MTU'
    print '(a, f8.4)', '  without closure         ', errors(judged_at, 1)
    print '(a, f8.4)', '  trained by single steps ', errors(judged_at, 2)
    print '(a, f8.4)', '  trained by windows      ', errors(judged_at, 3)
    if (.not. errors(judged_at, 3) < 0.8_real64*errors(judged_at, 2)) stop 1
  end subroutine judge
end program adjoint
