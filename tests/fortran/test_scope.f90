! SPDX-License-Identifier: MIT
!> Scopes of temporaries, and the counts of live objects.
module scope_cases
  use, intrinsic :: iso_c_binding, only: c_associated
  use, intrinsic :: iso_fortran_env, only: int64, real64
  use ftorch
  use testing, only: check, check_close, check_equal
  implicit none
  private
  public :: variables_survive, nested, graph_survives, counts
  public :: variables_end, private_tensors

contains

  subroutine variables_survive()
    type(torch_tensor) :: a, b, before
    real(real64), target :: x(2)
    real(real64) :: values(2)
    integer(int64) :: live
    integer :: i

    x = [2, 3]
    call torch_tensor_from_array(a, x, torch_kCPU)
    before = a * a
    live = torch_live_tensors()
    do i = 1, 3
      call torch_scope_begin()
      b = -(a * before) + a * 2
      call torch_scope_end()
      call check_equal([torch_live_tensors()], [live + 1], 'live tensors')
    end do
    values = b
    call check_close(values, -x**3 + 2 * x, 0.0_real64, 'assigned in the scope')
    values = before
    call check_close(values, x**2, 0.0_real64, 'assigned before the scope')
  end subroutine variables_survive

  subroutine nested()
    type(torch_tensor) :: a, outer, inner
    type(torch_status) :: status
    real(real64) :: values(1)

    call torch_tensor_ones(a, 1, [1_int64], torch_kFloat64, torch_kCPU)
    call torch_scope_begin(status)
    outer = a + a
    call torch_scope_begin()
    inner = outer + a * a
    call torch_scope_end(status)
    call check(status%ok(), 'the inner one')
    outer = outer + inner
    call torch_scope_end()
    values = outer
    call check_close(values, 5.0_real64, 0.0_real64, 'values')
    call torch_scope_end(status)
    call check_equal(status%code, torch_invalid_argument, 'one end too many')
  end subroutine nested

  !> What the graph holds is not freed with the temporaries.
  subroutine graph_survives()
    type(torch_tensor) :: a, y, g
    real(real64), target :: x(2)
    real(real64) :: values(2)

    x = [2, 3]
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    call torch_scope_begin()
    y = a * a * a + 1
    call torch_scope_end()
    call torch_tensor_backward(y)
    call torch_tensor_get_gradient(g, a)
    values = g
    call check_close(values, 3 * x**2, 1.0e-14_real64, 'gradient')
  end subroutine graph_survives

  !> All that was made in the scope ends, what was there before stays.
  subroutine variables_end()
    type(torch_tensor) :: a, b, c, before
    real(real64), target :: x(2)
    real(real64) :: values(2)
    type(torch_status) :: status

    call torch_tensor_ones(before, 1, [2_int64], torch_kFloat64, torch_kCPU)
    call torch_scope_begin(variables=.true.)
    call torch_tensor_from_array(a, x, torch_kCPU)
    b = a
    b = b + a * a
    call torch_tensor_add(c, before, before)
    before = before + c
    call torch_scope_end()
    call check_equal([torch_live_tensors()], [1_int64], 'live tensors')
    values = before
    call check_close(values, [3.0_real64, 3.0_real64], 0.0_real64, 'assigned in the scope')
    call torch_tensor_to_array(b, values, status)
    call check_equal(status%code, torch_invalid_argument, 'a variable that ended')
    b = before
    values = b
    call check_close(values, [3.0_real64, 3.0_real64], 0.0_real64, 'assigned anew')
    call torch_scope_begin(variables=.false.)
    c = b
    call torch_scope_end(status)
    values = c
    call check_close(values, [3.0_real64, 3.0_real64], 0.0_real64, 'in a scope of temporaries')
  end subroutine variables_end

  !> Copies that the compiler makes for each thread: their values, and nothing left where a scope or torch_delete ends them.
  subroutine private_tensors()
    type(torch_tensor) :: x(1), y, given, last
    real(real64) :: values(1)
    integer :: i, wrong

    call torch_tensor_ones(given, 1, [1_int64], torch_kFloat64, torch_kCPU)
    wrong = 0
!$omp parallel num_threads(4) private(x, y, values) firstprivate(given) reduction(+:wrong)
    call torch_scope_begin(variables=.true.)
    do i = 1, 3
      x(1) = given * real(i, real64)
      y = x(1) + given
      values = y
      if (abs(values(1) - (i + 1)) > 0) wrong = wrong + 1
    end do
    given = y
    call torch_scope_end()
!$omp end parallel
    call check_equal(wrong, 0, 'wrong values')
!$omp parallel do num_threads(4) private(x, values) lastprivate(last)
    do i = 1, 8
      call torch_tensor_ones(x(1), 1, [1_int64], torch_kFloat64, torch_kCPU)
      last = x(1) * real(i, real64)
      call torch_delete(x(1))
    end do
!$omp end parallel do
    values = last
    call check_close(values, 8.0_real64, 0.0_real64, 'lastprivate')
  end subroutine private_tensors

  subroutine counts()
    type(torch_tensor) :: a
    type(torch_optim) :: optim

    call check_equal([torch_live_tensors(), torch_live_models(), torch_live_optims()], &
      [0_int64, 0_int64, 0_int64], 'at the start')
    call torch_tensor_ones(a, 1, [1_int64], torch_kFloat64, torch_kCPU, requires_grad=.true.)
    call torch_optim_SGD(optim, [a])
    call check_equal([torch_live_tensors(), torch_live_models(), torch_live_optims()], &
      [1_int64, 0_int64, 1_int64], 'a tensor and an optimizer')
    call torch_delete(a)
    call torch_delete(optim)
    call check_equal([torch_live_tensors(), torch_live_models(), torch_live_optims()], &
      [0_int64, 0_int64, 0_int64], 'at the end')
    call check(.not. c_associated(a%p), 'p')
  end subroutine counts

end module scope_cases

program test_scope
  use scope_cases
  use testing, only: add_case, run_cases
  implicit none

  call add_case('variables_survive', variables_survive)
  call add_case('nested', nested)
  call add_case('graph_survives', graph_survives)
  call add_case('variables_end', variables_end)
  call add_case('private_tensors', private_tensors)
  call add_case('counts', counts)
  call run_cases()
end program test_scope
