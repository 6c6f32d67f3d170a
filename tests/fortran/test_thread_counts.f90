! SPDX-License-Identifier: MIT
!> How many threads the library uses, and that the program's own number is never touched. Versions.
module thread_counts_cases
!$ use omp_lib, only: omp_get_max_threads, omp_get_num_threads, omp_set_num_threads
  use, intrinsic :: iso_fortran_env, only: int64, real32
  use ftorch
  use model_files, only: model_file
  use testing, only: check, check_close, check_equal, check_status, skip
  implicit none
  private
  public :: of_the_library, of_a_session, during_a_callback, on_other_threads, refused, versions

  !> Notes the program's number of threads where the library calls back.
  type, extends(torch_function) :: watcher
    integer :: calls = 0
  contains
    procedure :: forward => watch
    procedure :: backward => watch_backward
  end type watcher

  integer :: seen(2) = -1

contains

  function host_threads() result(threads)
    integer :: threads

    threads = 0
!$  threads = omp_get_max_threads()
    if (threads == 0) call skip('compiled without OpenMP')
  end function host_threads

  !> Threads of a region of the program.
  function region_threads() result(threads)
    integer :: threads

    threads = 1
!$omp parallel
!$omp single
!$  threads = omp_get_num_threads()
!$omp end single
!$omp end parallel
  end function region_threads

  subroutine check_all(got, expected, message)
    integer, intent(in) :: got(:), expected(:)
    character(len=*), intent(in) :: message

    call check_equal(int(got, int64), int(expected, int64), message)
  end subroutine check_all

  subroutine work()
    type(torch_tensor) :: a, b

    call torch_tensor_ones(a, 1, [200000_int64], torch_kFloat32, torch_kCPU)
    b = a*a + a
    call torch_tensor_sum(b, b)
  end subroutine work

  !> One, two, and more threads than there are cores.
  subroutine of_the_library()
    integer, parameter :: numbers(4) = [1, 2, 7, 3]
    integer :: i, before

    before = host_threads()
    call check_equal(torch_get_num_threads(), before, 'at first that of the program')
!$  call omp_set_num_threads(3)
    call check_equal(torch_get_num_threads(), 3, 'it follows')
    do i = 1, size(numbers)
      call torch_set_num_threads(numbers(i))
      call check_equal(torch_get_num_threads(), numbers(i), 'the number that was set')
      call check_equal(host_threads(), 3, 'of the program')
      call work()
      call check_equal(torch_get_num_threads(), numbers(i), 'after work')
      call check_all([host_threads(), region_threads()], [3, 3], 'of the program, after work')
    end do
!$  call omp_set_num_threads(2)
    call check_equal(torch_get_num_threads(), 3, 'that of the library stays')
    call torch_set_num_threads(0)
    call check_equal(torch_get_num_threads(), 2, 'that of the program again')
  end subroutine of_the_library

  subroutine of_a_session()
    integer, parameter :: numbers(3) = [1, 2, 7]
    real(real32), target :: x(20000, 8), y(20000, 4), first(20000, 4)
    type(torch_tensor) :: input(1), output(1)
    type(torch_model) :: model
    type(torch_session) :: session
    integer :: i, before

    before = host_threads()
!$  call omp_set_num_threads(3)
    x = 0.5
    call torch_tensor_from_array(input(1), x, torch_kCPU)
    call torch_tensor_from_array(output(1), y, torch_kCPU)
    call torch_model_load(model, model_file('mlp_float32.pt'), torch_kCPU)
    do i = 1, size(numbers)
      call torch_session_create(session, model, input, output, numbers(i))
      call check_equal(host_threads(), 3, 'after the binding')
      call session%run()
      if (i == 1) first = y
      call check_close(y, first, 1.0e-6, 'the same numbers')
      call check_all([host_threads(), region_threads(), torch_get_num_threads()], [3, 3, 3], 'after a run')
    end do
    call torch_set_num_threads(2)
    call session%run()
    call check_all([host_threads(), torch_get_num_threads()], [3, 2], 'beside that of the library')
    call torch_set_num_threads(0)
    call check(before > 0, 'OpenMP')
  end subroutine of_a_session

  !> A procedure that a graph calls finds the program's number, and may change it.
  subroutine during_a_callback()
    type(torch_tensor) :: input(1), output(1)
    type(watcher) :: function
    integer :: before

    before = host_threads()
!$  call omp_set_num_threads(3)
    call torch_set_num_threads(2)
    call torch_tensor_ones(input(1), 1, [4_int64], torch_kFloat32, torch_kCPU, requires_grad=.true.)
    call torch_apply(output, function, input)
    call check_all([seen(1), host_threads()], [3, 5], 'forward')
    call torch_tensor_backward(output(1))
    call check_all([seen(2), host_threads()], [5, 6], 'backward')
    call torch_set_num_threads(0)
    call check(before > 0, 'OpenMP')
  end subroutine during_a_callback

  subroutine watch(self, outputs, inputs, status)
    class(watcher), intent(inout) :: self
    type(torch_tensor), intent(inout) :: outputs(:)
    type(torch_tensor), intent(in) :: inputs(:)
    type(torch_status), intent(out) :: status

    seen(1) = host_threads()
    call work()
!$  call omp_set_num_threads(5)
    self%calls = self%calls + 1
    outputs(1) = inputs(1)*2
  end subroutine watch

  subroutine watch_backward(self, input_gradients, output_gradients, inputs, outputs, status)
    class(watcher), intent(inout) :: self
    type(torch_tensor), intent(inout) :: input_gradients(:)
    type(torch_tensor), intent(in) :: output_gradients(:), inputs(:), outputs(:)
    type(torch_status), intent(out) :: status

    seen(2) = host_threads()
!$  call omp_set_num_threads(6)
    self%calls = self%calls + 1
    input_gradients(1) = output_gradients(1)*(size(inputs) + size(outputs))
  end subroutine watch_backward

  !> The number of the library is that of each thread; the program's stays in each.
  subroutine on_other_threads()
    integer :: i, hosts(4), counts(4), before

    before = host_threads()
    call torch_set_num_threads(2)
    hosts = 0
    counts = 0
!$omp parallel do num_threads(4) schedule(static, 1)
    do i = 1, 4
!$    call omp_set_num_threads(4 + i)
      call work()
      hosts(i) = host_threads()
      counts(i) = torch_get_num_threads()
    end do
!$omp end parallel do
    call check_all(hosts, [5, 6, 7, 8], 'of the program')
    call check_all(counts, [2, 2, 2, 2], 'of the library')
    call check_equal(host_threads(), before, 'outside')
    call torch_set_num_threads(0)
  end subroutine on_other_threads

  subroutine refused()
    type(torch_status) :: status
    integer :: before

    before = torch_get_num_threads()
    call torch_set_num_threads(-1, status)
    call check_status(status, torch_invalid_argument, '-1; it must be from 0 to 1024')
    call torch_set_num_threads(100000, status)
    call check_status(status, torch_invalid_argument, '100000')
    call check_equal(torch_get_num_threads(), before, 'nothing changed')
  end subroutine refused

  subroutine versions()
    call check(index(torch_version(), '.') > 1, 'version ' // torch_version())
    call check(verify(torch_libtorch_version(), '0123456789.') == 0, 'digits and dots')
    call check(scan(torch_libtorch_version(), '23') == 1, 'version of LibTorch ' // torch_libtorch_version())
  end subroutine versions

end module thread_counts_cases

program test_thread_counts
  use thread_counts_cases
  use testing, only: add_case, run_cases
  implicit none

  call add_case('of_the_library', of_the_library)
  call add_case('of_a_session', of_a_session, 'models')
  call add_case('during_a_callback', during_a_callback)
  call add_case('on_other_threads', on_other_threads)
  call add_case('refused', refused)
  call add_case('versions', versions)
  call run_cases()
end program test_thread_counts
