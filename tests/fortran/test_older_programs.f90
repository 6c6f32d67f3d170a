! SPDX-License-Identifier: MIT
!> What programs written for the established API take besides the core: keywords, imports from the parts, comparisons.
module from_tensor_part
  use, intrinsic :: iso_fortran_env, only: int64
  use ftorch_tensor, only: ftorch_int, torch_kCPU, torch_kFloat32, torch_kFloat64, torch_kInt64, torch_tensor, &
    torch_tensor_ones
  implicit none
  public
contains
  function sum_of_ranks() result(total)
    integer :: total
    type(torch_tensor) :: x
    integer(ftorch_int), parameter :: layout(1) = [1]

    call torch_tensor_ones(x, 1, [2_int64], torch_kFloat32, torch_kCPU)
    total = x%get_rank() + layout(1) + torch_kFloat64 + torch_kInt64
  end function sum_of_ranks
end module from_tensor_part

module from_model_part
  use ftorch_model, only: ftorch_int, torch_kCPU, torch_kCUDA, torch_kFloat32, torch_model, torch_model_forward, &
    torch_model_load, torch_tensor
  implicit none
  public
contains
  subroutine run(filename, input, output)
    character(len=*), intent(in) :: filename
    type(torch_tensor), intent(in) :: input(:), output(:)
    type(torch_model) :: model
    integer(ftorch_int) :: device

    device = merge(torch_kCPU, torch_kCUDA, torch_kFloat32 == 6)
    call torch_model_load(model, filename, device)
    call torch_model_forward(model, input, output)
  end subroutine run
end module from_model_part

module from_other_parts
  use ftorch_loss, only: torch_kMean, torch_loss_mse, loss_tensor => torch_tensor
  use ftorch_optim, only: torch_kCPU, torch_kFloat32, torch_optim, torch_optim_SGD, torch_optim_step, &
    torch_optim_zero_grad, torch_tensor
  implicit none
  public
contains
  subroutine zero_and_step(parameters, loss)
    type(torch_tensor), intent(inout) :: parameters(:)
    type(loss_tensor), intent(inout) :: loss
    type(torch_optim) :: sgd

    call torch_optim_SGD(sgd, parameters)
    call torch_optim_zero_grad(optim=sgd)
    call torch_loss_mse(loss, parameters(1), parameters(1), torch_kMean)
    call torch_optim_step(optim=sgd)
    call check_kinds(torch_kCPU, torch_kFloat32)
  end subroutine zero_and_step

  subroutine check_kinds(device, dtype)
    integer, intent(in) :: device, dtype

    if (device /= 0 .or. dtype /= 6) error stop 'constants'
  end subroutine check_kinds
end module from_other_parts

module older_programs_cases
  use, intrinsic :: ieee_arithmetic, only: ieee_negative_inf, ieee_positive_inf, ieee_quiet_nan, ieee_value
  use, intrinsic :: iso_fortran_env, only: int8, int16, int32, int64, real32, real64, real128
  use child_process, only: run_child
  use from_model_part, only: run
  use from_other_parts, only: zero_and_step
  use from_tensor_part, only: sum_of_ranks
  use ftorch
  use ftorch_test_utils, only: allclose, assert_allclose, assert_isclose, isclose, test_print
  use model_files, only: model_file
  use testing, only: check, check_close, check_equal, check_status
  implicit none
  private
  public :: keywords, parts, comparisons, infinities, printed, printed_child, kinds_of_numbers, other_kinds

contains

  subroutine keywords()
    real(real32), target :: x(2), scalar, matrix(2, 2)
    type(torch_tensor) :: a, b, c

    x = 1
    scalar = 2
    matrix = 3
    call torch_tensor_from_array(tensor=a, data_in=x, device_type=torch_kCPU)
    call torch_tensor_from_array(b, data_in=scalar, device_type=torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(c, data_in=matrix, layout=[2, 1], device_type=torch_kCPU)
    call torch_tensor_zero(tensor=a)
    call torch_tensor_zero_grad(tensor=b)
    call check_close(x, 0.0, 0.0, 'zero')
    call check(b%requires_grad(), 'requires_grad')
    call check_equal(c%get_rank(), 2, 'rank')
    call a%zero()
    call b%zero_grad()
  end subroutine keywords

  subroutine parts()
    type(torch_tensor) :: input(1), output(1), parameters(1), loss
    real(real32), target :: values(3)

    call check_equal(sum_of_ranks(), 1 + 1 + 7 + 4, 'from ftorch_tensor')
    call torch_tensor_ones(input(1), 1, [3_int64], torch_kFloat32, torch_kCPU)
    call torch_tensor_from_array(output(1), values, torch_kCPU)
    call run(model_file('scaling.pt'), input, output)
    call check_close(values, 2.0, 0.0, 'from ftorch_model')
    call torch_tensor_ones(parameters(1), 1, [3_int64], torch_kFloat32, torch_kCPU, requires_grad=.true.)
    call zero_and_step(parameters, loss)
    call check_equal(loss%get_rank(), 0, 'from ftorch_optim and ftorch_loss')
  end subroutine parts

  subroutine comparisons()
    real(real64) :: matrix(2, 2), cube(1, 2, 1)

    matrix = 1
    cube = 2
    call check(assert_isclose(1.0, 1.0, 'equal'), 'numbers')
    call check(assert_isclose(1.0_real64, 1.001_real64, test_name='near', rtol=1e-2_real64), 'near')
    call check(.not. assert_isclose(1.0, 1.1, 'far', print_result=.false.), 'far')
    call check(assert_allclose([1.0, 2.0], [1.0, 2.0], 'rank 1'), 'rank 1')
    call check(assert_allclose(matrix, matrix, test_name='rank 2', rtol=1e-7_real64), 'rank 2')
    call check(assert_allclose(cube, cube, 'rank 3'), 'rank 3')
    call check(.not. assert_allclose(matrix, 2 * matrix, 'far', print_result=.false.), 'all far')
    call check(.not. assert_allclose(matrix, matrix(:1, :), 'shapes', print_result=.false.), 'shapes differ')
  end subroutine comparisons

  subroutine infinities()
    real(real64) :: up, down, nan

    up = ieee_value(up, ieee_positive_inf)
    down = ieee_value(down, ieee_negative_inf)
    nan = ieee_value(nan, ieee_quiet_nan)
    call check(isclose(up, up, 'infinite'), 'equal infinities')
    call check(allclose([up, down, 1.0_real64], [up, down, 1.0_real64], 'infinite'), 'in arrays')
    call check(.not. isclose(up, down, 'signs', print_result=.false.), 'signs')
    call check(.not. isclose(1.0_real64, up, 'finite', print_result=.false.), 'one is finite')
    call check(.not. isclose(up, 1.0_real64, 'finite', print_result=.false.), 'the other is finite')
    call check(.not. isclose(nan, nan, 'nan', print_result=.false.), 'NaN')
    call check(.not. isclose(1.0_real64, 2.0_real64, 'no tolerance', nan, .false.), 'a tolerance that is NaN')
    call check(.not. isclose(1.0_real64, 2.0_real64, 'no tolerance', up, .false.), 'one that is infinite')
    call check(.not. isclose(1.0_real64, 1.0_real64, 'no tolerance', -1.0_real64, .false.), 'one that is negative')
  end subroutine infinities

  subroutine printed()
    character(len=:), allocatable :: text
    integer :: exit_status

    call run_child('printed_child', exit_status, text)
    call check_equal(exit_status, 0, 'exit status')
    call check(index(text, 'PASSED: [good] all is well' // new_line('a')) > 0, 'message of a success: ' // text)
    call check(index(text, 'PASSED: [short]' // new_line('a')) > 0, 'no message: ' // text)
    call check(index(text, 'FAILED: [bad] all is lost' // new_line('a')) > 0, 'message of a failure: ' // text)
    call check(index(text, 'FAILED: [far] largest difference') > 0, 'difference: ' // text)
    call check(index(text, 'silent') == 0, 'print_result: ' // text)
  end subroutine printed

  subroutine printed_child()
    logical :: close

    call test_print('good', 'all is well', .true.)
    call test_print('short', '', .true.)
    call test_print('bad', 'all is lost', .false.)
    close = isclose(1.0, 2.0, 'far')
    close = isclose(1.0, 2.0, 'silent', print_result=.false.)
    call check(.not. close, 'far')
  end subroutine printed_child

  !> A step of size 1 along the gradient 2, from 1, whatever the kind of the number.
  subroutine check_step(learning_rate)
    class(*), intent(in) :: learning_rate
    type(torch_tensor) :: x(1), y
    type(torch_optim) :: sgd
    real(real32) :: values(3)

    call torch_tensor_ones(x(1), 1, [3_int64], torch_kFloat32, torch_kCPU, requires_grad=.true.)
    call torch_optim_SGD(sgd, x, learning_rate=learning_rate)
    call torch_tensor_sum(y, x(1) * x(1))
    call torch_tensor_backward(y)
    call sgd%step()
    values = x(1)
    call check_close(values, -1.0, 0.0, 'after a step')
  end subroutine check_step

  subroutine kinds_of_numbers()
    call check_step(1_int8)
    call check_step(1_int16)
    call check_step(1_int32)
    call check_step(1_int64)
    call check_step(1.0_real32)
    call check_step(1.0_real64)
  end subroutine kinds_of_numbers

  !> What is no number of such a kind is named.
  subroutine other_kinds()
    integer, parameter :: widest = max(real128, real64)
    type(torch_tensor) :: x(1)
    type(torch_optim) :: optim
    type(torch_status) :: status

    call torch_tensor_ones(x(1), 1, [3_int64], torch_kFloat32, torch_kCPU, requires_grad=.true.)
    call torch_optim_SGD(optim, x, learning_rate=.true., status=status)
    call check_status(status, torch_invalid_argument, 'learning_rate is no integer and neither real32 nor real64')
    call torch_optim_Adam(optim, x, 1.0, beta_1='0.9', status=status)
    call check_status(status, torch_invalid_argument, 'beta_1 is no integer')
    call torch_optim_SGD(optim, x, learning_rate=1.0_widest, status=status)
    if (widest == real64) then
      call check(status%ok(), 'no wider kind')
    else
      call check_status(status, torch_invalid_argument, 'torch_optim_SGD: learning_rate is no integer')
    end if
  end subroutine other_kinds

end module older_programs_cases

program test_older_programs
  use older_programs_cases
  use testing, only: add_case, run_cases
  implicit none

  call add_case('keywords', keywords)
  call add_case('parts', parts, 'models')
  call add_case('comparisons', comparisons)
  call add_case('infinities', infinities)
  call add_case('kinds_of_numbers', kinds_of_numbers)
  call add_case('other_kinds', other_kinds)
  call add_case('printed', printed)
  call add_case('printed_child', printed_child, 'child')
  call run_cases()
end program test_older_programs
