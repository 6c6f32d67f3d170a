! SPDX-License-Identifier: MIT
!> Errors: status, messages, handlers, what is left after a failure.
module status_cases
  use, intrinsic :: iso_c_binding, only: c_associated
  use, intrinsic :: iso_fortran_env, only: int64, real32
  use child_process, only: run_child
  use ftorch
  use recorder, only: last_error, record_errors
  use testing, only: check, check_close, check_equal, check_status
  implicit none
  private
  public :: codes, success, own_handler, failure_then_success, messages, handler, handler_returns
  public :: chain_of_errors
  public :: status_spares_handler, default_handler, default_child, operator_child, restored
  public :: restored_child, long_message

  integer :: errors

contains

  subroutine codes()
    integer, parameter :: all_codes(10) = [torch_ok, torch_invalid_argument, torch_shape_mismatch, &
      torch_dtype_mismatch, torch_device_unavailable, torch_io_error, torch_model_error, &
      torch_autograd_error, torch_out_of_memory, torch_internal_error]
    type(torch_status) :: status
    integer :: i

    do i = 1, size(all_codes)
      call check_equal(count(all_codes == all_codes(i)), 1, 'codes are distinct')
      status%code = all_codes(i)
      call check(status%ok() .eqv. i == 1, 'ok')
    end do
  end subroutine codes

  subroutine success()
    type(torch_tensor) :: tensor
    type(torch_status) :: status

    call torch_tensor_ones(tensor, 1, [2_int64], torch_kFloat32, torch_kCPU, status=status)
    call check(status%ok(), 'ok')
    call check_equal(status%code, torch_ok, 'code')
    if (allocated(status%message)) call check(len_trim(status%message) == 0, 'no message')
  end subroutine success

  subroutine failure_then_success()
    type(torch_tensor) :: tensor
    type(torch_status) :: status

    call torch_tensor_ones(tensor, 2, [2_int64], torch_kFloat32, torch_kCPU, status=status)
    call check(.not. status%ok(), 'failure')
    call check(.not. c_associated(tensor%p), 'nothing made')
    call torch_tensor_ones(tensor, 1, [2_int64], torch_kFloat32, torch_kCPU, status=status)
    call check(status%ok(), 'the same status again')
    if (allocated(status%message)) call check(len_trim(status%message) == 0, 'no message')
    call check(c_associated(tensor%p), 'the same tensor again')
  end subroutine failure_then_success

  !> Procedure, what was got, what was expected.
  subroutine messages()
    type(torch_tensor) :: tensor, other, empty
    type(torch_model) :: model
    type(torch_status) :: status

    call torch_tensor_ones(tensor, 2, [2_int64, 3_int64], torch_kFloat32, torch_kCPU)
    call torch_tensor_ones(other, 1, [7_int64], torch_kFloat32, torch_kCPU)
    call torch_tensor_add(empty, tensor, other, status)
    call check_status(status, torch_shape_mismatch, 'torch_tensor_add')
    call check(index(status%message, '[2, 3]') > 0, 'left shape in: ' // status%message)
    call check(index(status%message, '[7]') > 0, 'right shape in: ' // status%message)
    call torch_tensor_sum(tensor, empty, status)
    call check_status(status, torch_invalid_argument, 'torch_tensor_sum')
    call torch_tensor_ones(empty, 1, [-3_int64], torch_kFloat32, torch_kCPU, status=status)
    call check_status(status, torch_invalid_argument, '-3')
    call torch_model_load(model, 'no_such_file.pt', torch_kCPU, status=status)
    call check_status(status, torch_io_error, 'no_such_file.pt')
    call check(index(status%message, 'torch_model_load') == 1, 'procedure in: ' // status%message)
    call check(index(status%message, 'Exception raised from') == 0, 'no C++ backtrace')
  end subroutine messages

  subroutine handler()
    type(torch_tensor) :: tensor
    integer :: rank

    call record_errors()
    rank = tensor%get_rank()
    call check_status(last_error, torch_invalid_argument, 'torch_tensor_get_rank')
    call record_errors()
    call torch_tensor_ones(tensor, 2, [2_int64], torch_kFloat32, torch_kCPU)
    call check_status(last_error, torch_invalid_argument, 'torch_tensor_ones')
    call check(rank /= 0, 'no plausible rank of nothing')
  end subroutine handler

  !> A procedure of the program, through a pointer of the interface that the library gives.
  subroutine own_handler()
    procedure(torch_error_handler), pointer :: pointer_to_handler
    type(torch_tensor) :: tensor

    pointer_to_handler => count_errors
    call torch_set_error_handler(pointer_to_handler)
    errors = 0
    call tensor%zero()
    call tensor%zero()
    call check_equal(errors, 2, 'calls of the handler')
  end subroutine own_handler

  subroutine count_errors(status)
    type(torch_status), intent(in) :: status

    if (.not. status%ok()) errors = errors + 1
  end subroutine count_errors

  !> A handler that returns leaves an empty result.
  subroutine handler_returns()
    type(torch_tensor) :: a, b, c
    integer(int64) :: live

    call torch_tensor_ones(a, 2, [2_int64, 3_int64], torch_kFloat32, torch_kCPU)
    call torch_tensor_ones(b, 1, [7_int64], torch_kFloat32, torch_kCPU)
    call record_errors()
    live = torch_live_tensors()
    call torch_tensor_mul(c, a, b)
    call check_status(last_error, torch_shape_mismatch, 'torch_tensor_mul')
    call check(.not. c_associated(c%p), 'subroutine')
    call record_errors()
    call torch_tensor_zeros(c, 1, [2_int64], 999, torch_kCPU)
    call check(.not. last_error%ok(), 'constructor reports')
    call check(.not. c_associated(c%p), 'constructor')
    call check_equal([torch_live_tensors()], [live], 'live tensors')
  end subroutine handler_returns

  !> The empty result of an operator is an error for whoever uses it.
  subroutine chain_of_errors()
    type(torch_tensor) :: a, b, c, d
    real(real32) :: values(3)

    call torch_tensor_ones(a, 1, [3_int64], torch_kFloat32, torch_kCPU)
    call torch_tensor_ones(b, 1, [7_int64], torch_kFloat32, torch_kCPU)
    call record_errors()
    c = a + b
    call check(.not. last_error%ok(), 'an operator')
    call check(.not. c_associated(c%p), 'its result')
    call record_errors()
    d = c * a
    call check_equal(last_error%code, torch_invalid_argument, 'use of the empty result')
    call record_errors()
    values = -1
    values = c
    call check_equal(last_error%code, torch_invalid_argument, 'array = tensor')
    call check_close(values, -1.0, 0.0, 'nothing written')
    call record_errors()
    c = a + a
    call check(last_error%ok(), 'a good operand')
    values = c
    call check_close(values, 2.0, 0.0, 'the variable can be used again')
  end subroutine chain_of_errors

  subroutine status_spares_handler()
    type(torch_tensor) :: tensor
    type(torch_status) :: status

    call record_errors()
    call torch_tensor_ones(tensor, 2, [2_int64], torch_kFloat32, torch_kCPU, status=status)
    call check(.not. status%ok(), 'status')
    call check(last_error%ok(), 'the handler is not called')
  end subroutine status_spares_handler

  !> Message on standard error, exit status 1.
  subroutine default_handler()
    character(len=:), allocatable :: text
    integer :: exit_status

    call run_child('default_child', exit_status, text)
    call check_equal(exit_status, 1, 'exit status of a subroutine')
    call check(index(text, 'torch_tensor_ones') > 0, 'message in: ' // text)
    call check(index(text, 'still running') == 0, 'ended at the error: ' // text)
    call run_child('operator_child', exit_status, text)
    call check_equal(exit_status, 1, 'exit status of an operator')
    call check(index(text, 'operator(+)') > 0, 'message in: ' // text)
  end subroutine default_handler

  subroutine default_child()
    type(torch_tensor) :: tensor

    call torch_tensor_ones(tensor, 2, [2_int64], torch_kFloat32, torch_kCPU)
    call check(.true., 'still running')
    print '(a)', 'still running'
  end subroutine default_child

  subroutine operator_child()
    type(torch_tensor) :: a, b

    call torch_tensor_ones(a, 1, [2_int64], torch_kFloat32, torch_kCPU)
    a = a + b
    call check(.true., 'still running')
  end subroutine operator_child

  subroutine restored()
    character(len=:), allocatable :: text
    integer :: exit_status

    call run_child('restored_child', exit_status, text)
    call check_equal(exit_status, 1, 'exit status')
    call check(index(text, 'torch_tensor_ones') > 0, 'message in: ' // text)
  end subroutine restored

  subroutine restored_child()
    call record_errors()
    call torch_set_error_handler()
    call default_child()
  end subroutine restored_child

  !> Messages are bounded, whatever the caller hands in.
  subroutine long_message()
    type(torch_model) :: model
    type(torch_status) :: status

    call torch_model_load(model, repeat('x', 20000), torch_kCPU, status=status)
    call check_equal(status%code, torch_io_error, 'code')
    call check(len(status%message) <= 4200, 'length of the message')
  end subroutine long_message

end module status_cases

program test_status
  use status_cases
  use testing, only: add_case, run_cases
  implicit none

  call add_case('codes', codes)
  call add_case('success', success)
  call add_case('own_handler', own_handler)
  call add_case('failure_then_success', failure_then_success)
  call add_case('messages', messages)
  call add_case('handler', handler)
  call add_case('handler_returns', handler_returns)
  call add_case('chain_of_errors', chain_of_errors)
  call add_case('status_spares_handler', status_spares_handler)
  call add_case('default_handler', default_handler)
  call add_case('default_child', default_child, 'child')
  call add_case('operator_child', operator_child, 'child')
  call add_case('restored', restored)
  call add_case('restored_child', restored_child, 'child')
  call add_case('long_message', long_message)
  call run_cases()
end program test_status
