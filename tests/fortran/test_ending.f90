! SPDX-License-Identifier: MIT
!> Errors that end the program: while other threads are at work, and in the handler of errors itself.
module ending_cases
  use, intrinsic :: iso_fortran_env, only: int64, real32
  use child_process, only: run_child
  use ftorch
  use model_files, only: model_file
  use testing, only: check, check_equal, check_status, skip
  implicit none
  private
  public :: error_among_threads, error_among_threads_child, errors_of_all_threads, errors_of_all_threads_child
  public :: stop_in_handler, stop_in_handler_child, thread_that_stays_inside, thread_that_stays_inside_child
  public :: handler_fails, handler_fails_child, handler_gets_status, handler_of_one_thread

  integer :: calls
  type(torch_status) :: heard

contains

  !> The child ends with this exit status and one line about the sum of two shapes, each time.
  subroutine check_child(name, expected, times)
    character(len=*), intent(in) :: name
    integer, intent(in) :: expected, times
    character(len=:), allocatable :: text
    integer :: i, exit_status, first

    do i = 1, times
      call run_child(name, exit_status, text)
      call check_equal(exit_status, expected, name // ', exit status')
      first = index(text, 'operator(*)')
      call check(first > 0, 'message of ' // name // ': ' // text)
      call check(index(text(first + 1:), 'operator(*)') == 0, 'one message of ' // name // ': ' // text)
      call check(index(text, 'SIG') == 0, 'no signal in ' // name // ': ' // text)
    end do
  end subroutine check_child

  !> Four threads compute; those of `failing` fail at step 50.
  subroutine compute(failing)
    logical, intent(in) :: failing(4)
    integer :: thread

    !$omp parallel do num_threads(4) schedule(static, 1)
    do thread = 1, 4
      call compute_on_thread(failing(thread))
    end do
    !$omp end parallel do
    call check(.true., 'still running')
  end subroutine compute

  subroutine compute_on_thread(is_failing)
    logical, intent(in) :: is_failing
    real(real32), allocatable, target :: a(:), b(:)
    type(torch_tensor) :: ta, tb, t
    integer :: step

    allocate (a(5000), source=1.0)
    allocate (b(3), source=1.0)
    call torch_tensor_from_array(ta, a, torch_kCPU)
    call torch_tensor_from_array(tb, b, torch_kCPU)
    do step = 1, 20000
      t = ta + ta + 1.0
      if (is_failing .and. step == 50) t = ta * tb
    end do
  end subroutine compute_on_thread

  !> LibTorch's statics are destroyed by `exit`, and the other threads use them.
  subroutine error_among_threads()
    call check_child('error_among_threads_child', 1, 5)
  end subroutine error_among_threads

  subroutine error_among_threads_child()
    call compute([.true., .false., .false., .false.])
  end subroutine error_among_threads_child

  subroutine errors_of_all_threads()
    call check_child('errors_of_all_threads_child', 1, 3)
  end subroutine errors_of_all_threads

  subroutine errors_of_all_threads_child()
    call compute([.true., .true., .true., .true.])
  end subroutine errors_of_all_threads_child

  !> A handler of the program ends it with a status of its own.
  subroutine stop_in_handler()
    call check_child('stop_in_handler_child', 3, 5)
  end subroutine stop_in_handler

  subroutine stop_in_handler_child()
    call torch_set_error_handler(stop_program)
    call compute([.false., .false., .true., .false.])
  end subroutine stop_in_handler_child

  subroutine stop_program(status)
    type(torch_status), intent(in) :: status

    print '(a)', status%message
    error stop 3
  end subroutine stop_program

  !> The end does not wait for an entry that takes minutes.
  subroutine thread_that_stays_inside()
    integer(int64) :: start, end, rate
    logical :: has_threads

    has_threads = .false.
    !$ has_threads = .true.
    if (.not. has_threads) call skip('compiled without OpenMP')
    call system_clock(start, rate)
    call check_child('thread_that_stays_inside_child', 1, 1)
    call system_clock(end)
    call check(end - start < 30 * rate, 'ends soon')
  end subroutine thread_that_stays_inside

  subroutine thread_that_stays_inside_child()
    integer :: thread

    !$omp parallel do num_threads(2) schedule(static, 1)
    do thread = 1, 2
      if (thread == 1) call run_for_minutes()
      if (thread == 2) call compute_on_thread(.true.)
    end do
    !$omp end parallel do
    call check(.true., 'still running')
  end subroutine thread_that_stays_inside_child

  subroutine run_for_minutes()
    type(torch_model) :: model
    type(torch_tensor) :: x(1), y(1)

    call torch_tensor_ones(x(1), 1, [1_int64], torch_kFloat32, torch_kCPU)
    call torch_tensor_ones(y(1), 1, [1_int64], torch_kFloat32, torch_kCPU)
    call torch_model_load(model, model_file('slow.pt'), torch_kCPU)
    call torch_model_forward(model, x, y)
  end subroutine run_for_minutes

  !> Both messages, and the end, instead of the handler again and again.
  subroutine handler_fails()
    character(len=:), allocatable :: text
    integer :: exit_status

    call run_child('handler_fails_child', exit_status, text)
    call check_equal(exit_status, 1, 'exit status')
    call check(index(text, 'torch_model_save') > 0, 'what failed in the handler: ' // text)
    call check(index(text, 'told: operator(+)') > 0, 'what the handler was told: ' // text)
    call check(index(text, 'still running') == 0, 'ended in the handler')
  end subroutine handler_fails

  subroutine handler_fails_child()
    type(torch_tensor) :: a, b

    call torch_set_error_handler(failing_handler)
    b = a + a
    call check(.true., 'still running')
    print '(a)', 'still running'
  end subroutine handler_fails_child

  subroutine failing_handler(status)
    type(torch_status), intent(in) :: status
    type(torch_model) :: model

    if (status%ok()) return
    call torch_model_save(model, 'no_such_folder/model.pt')
  end subroutine failing_handler

  !> What fails with a status in the handler is the handler's own affair, and it is called for the next error.
  subroutine handler_gets_status()
    type(torch_tensor) :: a
    integer :: rank

    call torch_set_error_handler(careful_handler)
    calls = 0
    rank = a%get_rank()
    rank = a%get_rank()
    call torch_set_error_handler()
    call check_equal(calls, 2, 'calls')
    call check_status(heard, torch_invalid_argument, 'torch_model_save')
    call check(rank < 0, 'the rank of nothing')
  end subroutine handler_gets_status

  subroutine careful_handler(status)
    type(torch_status), intent(in) :: status
    type(torch_model) :: model

    if (.not. status%ok()) calls = calls + 1
    call torch_model_save(model, 'no_such_folder/model.pt', heard)
  end subroutine careful_handler

  !> That one thread is in the handler does not keep another from it.
  subroutine handler_of_one_thread()
    integer :: thread

    call torch_set_error_handler(slow_handler)
    calls = 0
    !$omp parallel do num_threads(4) schedule(static, 1)
    do thread = 1, 4
      call fail_once()
    end do
    !$omp end parallel do
    call torch_set_error_handler()
    call check_equal(calls, 4, 'calls')
  end subroutine handler_of_one_thread

  subroutine fail_once()
    type(torch_tensor) :: a

    call a%zero()
  end subroutine fail_once

  subroutine slow_handler(status)
    type(torch_status), intent(in) :: status
    integer(int64) :: start, now, rate

    call system_clock(start, rate)
    now = start
    do while (now - start < rate / 10)
      call system_clock(now)
    end do
    !$omp atomic
    calls = calls + merge(0, 1, status%ok())
  end subroutine slow_handler

end module ending_cases

program test_ending
  use ending_cases
  use testing, only: add_case, run_cases
  implicit none

  call add_case('error_among_threads', error_among_threads)
  call add_case('error_among_threads_child', error_among_threads_child, 'child')
  call add_case('errors_of_all_threads', errors_of_all_threads)
  call add_case('errors_of_all_threads_child', errors_of_all_threads_child, 'child')
  call add_case('stop_in_handler', stop_in_handler)
  call add_case('stop_in_handler_child', stop_in_handler_child, 'child')
  call add_case('thread_that_stays_inside', thread_that_stays_inside, 'models')
  call add_case('thread_that_stays_inside_child', thread_that_stays_inside_child, 'child')
  call add_case('handler_fails', handler_fails)
  call add_case('handler_fails_child', handler_fails_child, 'child')
  call add_case('handler_gets_status', handler_gets_status)
  call add_case('handler_of_one_thread', handler_of_one_thread)
  call run_cases()
end program test_ending
