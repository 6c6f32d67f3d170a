! SPDX-License-Identifier: MIT
!> Makes a truth, observes it with errors, and finds the first state of the window by 4D-Var.
!>
!> Usage: variational OUTPUT_FOLDER [SEED]; exit status 1: a check failed, 2: wrong usage.
program variational
  use, intrinsic :: iso_fortran_env, only: error_unit, real64
  use assimilation, only: forecast, points, problem, time_step
  use ftorch
  use random_numbers, only: generator
  implicit none

  integer, parameter :: window = 8, lead_steps = 40  !! steps of the model: 0.4 and 2 MTU
  integer, parameter :: spin_up = 200, iterations = 25
  real(real64), target :: x(points), first(points), first_guess(points)
  real(real64), target, allocatable :: observed(:, :)
  real(real64) :: truth(points, 0:window + lead_steps), first_cost, last_cost
  real(real64), dimension(0:window + lead_steps) :: guess_error, analysis_error
  type(problem) :: search
  type(generator) :: random
  character(len=:), allocatable :: folder

  call read_arguments()
  call make_truth()
  call check_gradient()
  call minimise()
  call judge()

contains

  subroutine read_arguments()
    integer :: length, status
    character(len=16) :: seed

    random%state = 1997
    call get_command_argument(1, length=length)
    call get_command_argument(2, seed)
    status = 0
    if (seed /= '') read (seed, *, iostat=status) random%state
    if (length == 0 .or. status /= 0 .or. random%state < 1) then
      write (error_unit, '(a)') 'Usage: variational OUTPUT_FOLDER [SEED]'
      stop 2
    end if
    allocate (character(len=length) :: folder)
    call get_command_argument(1, folder)
  end subroutine read_arguments

  !> The truth on the attractor, observations of every other point at every other step, and a first guess.
  subroutine make_truth()
    type(torch_tensor) :: state
    integer :: i

    search%between = 2
    search%sites = [(i, i=1, points, 2)]
    search%first_guess_error = 1
    search%observation_error = 0.5_real64

    x = 8 + 0.1_real64*random%normal(points)
    call torch_tensor_from_array(state, x, torch_kCPU)
    call forecast(state, spin_up)
    do i = 0, window + lead_steps
      truth(:, i) = x
      call forecast(state, 1)
    end do

    allocate (observed(size(search%sites), window/search%between), search%observations(window/search%between))
    do i = 1, size(observed, 2)
      observed(:, i) = truth(search%sites, i*search%between) + search%observation_error*random%normal(size(observed, 1))
      call torch_tensor_from_array(search%observations(i), observed(:, i), torch_kCPU)
    end do
    first_guess = truth(:, 0) + search%first_guess_error*random%normal(points)
    first = first_guess
    call torch_tensor_from_array(search%first_guess, first_guess, torch_kCPU)
    call torch_tensor_from_array(search%first, first, torch_kCPU, requires_grad=.true.)
  end subroutine make_truth

  !> The change of the cost along the gradient, by what the gradient says of it: near 1, and nearer the shorter the way.
  subroutine check_gradient()
    type(torch_tensor) :: loss, gradient(1)
    real(real64) :: direction(points), slope(points), at_start, ratio
    integer :: i

    call search%cost(loss)
    at_start = loss%item()
    call torch_grad(gradient, [loss], [search%first])
    slope = gradient(1)
    direction = slope/norm2(slope)
    call torch_no_grad_begin()
    do i = 2, 6, 2
      first = first_guess + 10.0_real64**(-i)*direction
      call search%cost(loss)
      ratio = (loss%item() - at_start)/(10.0_real64**(-i)*norm2(slope))
      print '(a, i0, a, f11.7)', 'change of the cost by that which the gradient says, way of 1e-', i, ':', ratio
    end do
    call torch_no_grad_end()
    first = first_guess
    if (abs(ratio - 1) > 1e-4_real64) stop 1
  end subroutine check_gradient

  !> One iteration of LBFGS at a time, to see the cost.
  subroutine minimise()
    integer :: table, iteration

    open (newunit=table, file=folder//'/cost.csv', status='replace', action='write')
    write (table, '(a)') 'iteration,evaluations,cost,analysis_error'
    print '(a)', 'iteration  evaluations       cost'
    call torch_optim_LBFGS(search%optimizer, [search%first], max_iter=1, max_eval=20, line_search_fn='strong_wolfe')
    do iteration = 0, iterations
      if (iteration > 0) call search%optimizer%step(search)
      call write_cost(table, iteration)
    end do
    close (table)
  end subroutine minimise

  subroutine write_cost(table, iteration)
    integer, intent(in) :: table, iteration
    type(torch_tensor) :: loss
    real(real64) :: now

    call torch_no_grad_begin()
    call search%cost(loss)
    call torch_no_grad_end()
    now = loss%item()
    if (iteration == 0) first_cost = now
    last_cost = now
    write (table, '(2(i0, ","), es14.6, ",", es14.6)') iteration, search%evaluations, now, &
      root_mean_square(first - truth(:, 0))
    if (mod(iteration, 5) == 0) print '(i9, i13, f11.3)', iteration, search%evaluations, now
  end subroutine write_cost

  !> Forecasts from the first guess and from the analysis, against the truth.
  subroutine judge()
    integer :: table, i

    guess_error = errors_of(first_guess)
    analysis_error = errors_of(first)
    open (newunit=table, file=folder//'/forecast.csv', status='replace', action='write')
    write (table, '(a)') 'time,first_guess,analysis'
    write (table, '((f0.3, 2(",", es14.6)))') (i*time_step, guess_error(i), analysis_error(i), i=0, window + lead_steps)
    close (table)

    print '(a)', 'error of X         first guess   analysis'
    print '(a, 2f12.4)', 'window begins   ', guess_error(0), analysis_error(0)
    print '(a, 2f12.4)', 'window ends     ', guess_error(window), analysis_error(window)
    print '(a, 2f12.4)', '1 MTU later     ', guess_error(window + 20), analysis_error(window + 20)
    if (.not. last_cost < 0.5_real64*first_cost) stop 1
    if (.not. analysis_error(0) < 0.8_real64*guess_error(0)) stop 1
    if (.not. analysis_error(window) < 0.5_real64*guess_error(window)) stop 1
  end subroutine judge

  function errors_of(start) result(errors)
    real(real64), intent(in) :: start(points)
    real(real64) :: errors(0:window + lead_steps)
    real(real64), target :: state(points)
    type(torch_tensor) :: tensor
    integer :: i

    state = start
    call torch_tensor_from_array(tensor, state, torch_kCPU)
    do i = 0, window + lead_steps
      errors(i) = root_mean_square(state - truth(:, i))
      call forecast(tensor, 1)
    end do
  end function errors_of

  pure real(real64) function root_mean_square(numbers)
    real(real64), intent(in) :: numbers(:)

    root_mean_square = sqrt(sum(numbers**2)/size(numbers))
  end function root_mean_square
end program variational
