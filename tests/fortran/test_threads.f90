! SPDX-License-Identifier: MIT
!> The host program's OpenMP settings and floating-point traps are its own.
module threads_cases
!$ use omp_lib, only: omp_get_max_threads, omp_set_num_threads
  use, intrinsic :: ieee_exceptions, only: ieee_divide_by_zero, ieee_get_halting_mode, &
    ieee_set_flag, ieee_set_halting_mode, ieee_support_halting
  use, intrinsic :: iso_fortran_env, only: int64, real32
  use ftorch
  use model_files, only: model_file
  use testing, only: check, check_close, check_equal, skip
  implicit none
  private
  public :: host_setting, in_parallel_region, halting_mode

contains

  !> omp_get_max_threads is what the program set, after large operations, too.
  subroutine host_setting()
    type(torch_tensor) :: a, b, input(1), output(1)
    type(torch_model) :: model
    integer :: before, after

    before = 0
    after = 0
!$  call omp_set_num_threads(3)
!$  before = omp_get_max_threads()
    if (before == 0) call skip('compiled without OpenMP')
    call torch_tensor_ones(a, 1, [2000000_int64], torch_kFloat32, torch_kCPU)
    b = a * a + a
    call torch_tensor_sum(b, b)
!$  after = omp_get_max_threads()
    call check_equal(after, 3, 'after large operators')
    call torch_tensor_ones(input(1), 2, [20000_int64, 8_int64], torch_kFloat32, torch_kCPU)
    call torch_tensor_zeros(output(1), 2, [20000_int64, 4_int64], torch_kFloat32, torch_kCPU)
    call torch_model_load(model, model_file('mlp_float32.pt'), torch_kCPU)
    call torch_model_forward(model, input, output)
!$  after = omp_get_max_threads()
    call check_equal(after, 3, 'after a large forward pass')
!$  call omp_set_num_threads(1)
    b = a * a
!$  after = omp_get_max_threads()
    call check_equal(after, 1, 'a setting made later')
  end subroutine host_setting

  !> Each thread works on tensors of its own.
  subroutine in_parallel_region()
    real(real32) :: totals(4)
    integer :: i, threads

    threads = 0
!$  threads = omp_get_max_threads()
    if (threads == 0) call skip('compiled without OpenMP')
    totals = 0
!$omp parallel do num_threads(4)
    do i = 1, 4
      totals(i) = total_of(i)
    end do
!$omp end parallel do
    call check_close(totals, [100.0, 200.0, 300.0, 400.0], 0.0, 'totals')
    call check_equal([torch_live_tensors()], [0_int64], 'live tensors')
  end subroutine in_parallel_region

  function total_of(i) result(total)
    integer, intent(in) :: i
    real(real32) :: total
    type(torch_tensor) :: a, b
    integer :: j

    do j = 1, 50
      call torch_tensor_ones(a, 1, [100_int64], torch_kFloat32, torch_kCPU)
      b = a * i
      call torch_tensor_sum(b, b * a)
    end do
    total = b
    call torch_delete(a)
    call torch_delete(b)
  end function total_of

  !> A program that traps division by zero may still compute infinities in the library.
  subroutine halting_mode()
    real(real32), target :: x(3)
    real(real32) :: values(3)
    type(torch_tensor) :: a, b
    logical :: halts

    if (.not. ieee_support_halting(ieee_divide_by_zero)) call skip('traps cannot be set here')
    x = [1.0, 0.0, 2.0]
    call torch_tensor_from_array(a, x, torch_kCPU)
    call ieee_set_halting_mode(ieee_divide_by_zero, .true.)
    b = 1 / a
    call ieee_get_halting_mode(ieee_divide_by_zero, halts)
    call ieee_set_halting_mode(ieee_divide_by_zero, .false.)
    call ieee_set_flag(ieee_divide_by_zero, .false.)
    call check(halts, 'the trap is set again')
    values = b
    call check(values(2) > huge(1.0), 'infinity')
    call check_close(values(3), 0.5, 0.0, 'a number')
  end subroutine halting_mode

end module threads_cases

program test_threads
  use threads_cases
  use testing, only: add_case, run_cases
  implicit none

  call add_case('host_setting', host_setting, 'models')
  call add_case('in_parallel_region', in_parallel_region, 'models')
  call add_case('halting_mode', halting_mode, 'models')
  call run_cases()
end program test_threads
