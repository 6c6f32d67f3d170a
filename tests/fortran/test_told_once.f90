! SPDX-License-Identifier: MIT
!> The handler is told once of a statement in which an operator failed, and again when its result is used.
module told_once_cases
  use, intrinsic :: iso_c_binding, only: c_associated
  use, intrinsic :: iso_fortran_env, only: real32
  use ftorch
  use model_files, only: model_file
  use recorder, only: error_count, last_error, record_errors
  use testing, only: check, check_close, check_equal, check_status
  implicit none
  private
  public :: array_target, loose_target, chain, plain_array, elements, parameter_of_model, two_failures
  public :: procedures, procedures_with_models, status_of_procedure, statement_after

  real(real32), target :: x(2) = [1.0, 2.0], y(3) = [1.0, 2.0, 3.0]

contains

  !> Tensors of two and of three numbers, which do not go together.
  subroutine make(a, b)
    type(torch_tensor), intent(inout) :: a, b

    call torch_tensor_from_array(a, x, torch_kCPU)
    call torch_tensor_from_array(b, y, torch_kCPU)
    call record_errors()
  end subroutine make

  subroutine check_once(message)
    character(len=*), intent(in) :: message

    call check_equal(error_count, 1, message)
    call check_status(last_error, torch_shape_mismatch, 'operator')
  end subroutine check_once

  subroutine array_target()
    real(real32), target :: z(2)
    type(torch_tensor) :: a, b, c

    z = 7
    call make(a, b)
    call torch_tensor_from_array(c, z, torch_kCPU)
    c = a + b
    call check_once('a sum')
    call check_close(z, 7.0, 0.0, 'the array keeps its numbers')
    c = a + a
    call check_equal(error_count, 1, 'the tensor can be used')
    call check_close(z, 2 * x, 0.0, 'the array follows')
  end subroutine array_target

  subroutine loose_target()
    type(torch_tensor) :: a, b, c, d

    call make(a, b)
    c = a * b
    call check_once('a product')
    call check(.not. c_associated(c%p), 'empty')
    d = c + a
    call check_equal(error_count, 2, 'the use of the result is the next error')
    call check_status(last_error, torch_invalid_argument, 'holds nothing')
    d = c
    call check(.not. c_associated(d%p), 'a copy is empty too')
  end subroutine loose_target

  subroutine chain()
    type(torch_tensor) :: a, b, c

    call make(a, b)
    c = 2.0 * (-((a - b) / a + 1)**2) - a
    call check_once('a chain')
    call check(.not. c_associated(c%p), 'empty')
  end subroutine chain

  subroutine plain_array()
    real(real32) :: z(2)
    type(torch_tensor) :: a, b

    z = 7
    call make(a, b)
    z = a + b
    call check_once('into an array')
    call check_close(z, 7.0, 0.0, 'the array keeps its numbers')
  end subroutine plain_array

  !> Each element fails for itself.
  subroutine elements()
    type(torch_tensor) :: a(2), b(2), c(2)
    integer :: i

    do i = 1, 2
      call make(a(i), b(i))
    end do
    call torch_tensor_from_array(b(2), x, torch_kCPU)
    call record_errors()
    do i = 1, 2
      c(i) = a(i) + b(i)
    end do
    call check_once('one of two')
    call check(c_associated(c(2)%p) .and. .not. c_associated(c(1)%p), 'the other has its result')
  end subroutine elements

  subroutine parameter_of_model()
    real(real32) :: z(1)
    type(torch_tensor) :: a, b, p(1)
    type(torch_model) :: model

    call make(a, b)
    call torch_model_load(model, model_file('scaling.pt'), torch_kCPU)
    call torch_model_parameters(model, p)
    p(1) = a + b
    call check_once('into a parameter')
    z = p(1)
    call check_close(z, 2.0, 0.0, 'the parameter keeps its number')
  end subroutine parameter_of_model

  !> Of several operators that fail in a statement, the first is told.
  subroutine two_failures()
    type(torch_tensor) :: a, b, c, empty, list(2)

    call make(a, b)
    c = (a + b) * (b - a)
    call check_once('two sums')
    c = ((a + b) * a + b) / a - (b - a)
    call check_equal(error_count, 2, 'each statement is told of')
    c = a * empty + empty * a
    call check_equal(error_count, 3, 'an empty tensor twice')
    list = [a + b, a + b]
    call check_equal(error_count, 4, 'an array constructor')
    call check(.not. c_associated(c%p) .and. .not. c_associated(list(1)%p), 'empty')
  end subroutine two_failures

  !> The result of an operator that failed, given to a procedure, is part of the statement.
  subroutine procedures()
    type(torch_tensor) :: a, b, d, weight
    type(torch_optim) :: optim
    real(real32) :: z(2)

    call make(a, b)
    call torch_tensor_from_array(weight, x, torch_kCPU, requires_grad=.true.)
    call torch_tensor_sum(d, a + b)
    call check_once('sum')
    call torch_tensor_add(d, a + b, a * b)
    call check_equal(error_count, 2, 'add')
    call torch_loss_mse(d, a + b, b)
    call check_equal(error_count, 3, 'loss')
    call torch_tensor_backward(a + b)
    call check_equal(error_count, 4, 'backward')
    call torch_tensor_to(a + b, a)
    call check_equal(error_count, 5, 'to')
    call torch_optim_SGD(optim, [weight, a + b])
    call check_equal(error_count, 6, 'optimizer')
    z = 7
    call torch_tensor_to_array(a + b, z)
    call check_equal(error_count, 7, 'array')
    call check_close(z, 7.0, 0.0, 'the array keeps its numbers')
    call check_status(last_error, torch_shape_mismatch, 'operator')
    call check(.not. c_associated(d%p), 'empty')
    call check_close(x, [1.0, 2.0], 0.0, 'nothing is written')
  end subroutine procedures

  subroutine procedures_with_models()
    type(torch_tensor) :: a, b, out(1)
    type(torch_model) :: model

    call make(a, b)
    call torch_model_load(model, model_file('scaling.pt'), torch_kCPU)
    call torch_tensor_from_array(out(1), y, torch_kCPU)
    call torch_model_forward(model, [a + b], out)
    call check_once('forward')
    call check_close(y, [1.0, 2.0, 3.0], 0.0, 'nothing is written')
  end subroutine procedures_with_models

  !> A procedure with a status says what the operator said.
  subroutine status_of_procedure()
    type(torch_tensor) :: a, b, d
    type(torch_status) :: status

    call make(a, b)
    call torch_loss_mse(d, a + b, a + b, status=status)
    call check_once('the handler')
    call check_status(status, torch_shape_mismatch, 'torch_loss_mse')
    call check_status(status, torch_shape_mismatch, 'do not broadcast')
    call torch_loss_mse(d, a, b, status=status)
    call check_status(status, torch_shape_mismatch, 'input_tensor has shape')
    call check_equal(error_count, 1, 'a status alone')
  end subroutine status_of_procedure

  !> What a statement left out is not left out in the next.
  subroutine statement_after()
    type(torch_tensor) :: a, b, d
    integer :: i

    call make(a, b)
    do i = 1, 3
      call torch_tensor_sum(d, a + b)
    end do
    call check_equal(error_count, 3, 'three calls')
    do i = 1, 3
      d = a + b
    end do
    call check_equal(error_count, 6, 'three assignments')
    call torch_tensor_sum(d, d)
    call check_equal(error_count, 7, 'a variable')
    call check_status(last_error, torch_invalid_argument, 'holds nothing')
  end subroutine statement_after

end module told_once_cases

program test_told_once
  use told_once_cases
  use testing, only: add_case, run_cases
  implicit none

  call add_case('array_target', array_target)
  call add_case('loose_target', loose_target)
  call add_case('chain', chain)
  call add_case('plain_array', plain_array)
  call add_case('elements', elements)
  call add_case('parameter_of_model', parameter_of_model, 'models')
  call add_case('two_failures', two_failures)
  call add_case('procedures', procedures)
  call add_case('procedures_with_models', procedures_with_models, 'models')
  call add_case('status_of_procedure', status_of_procedure)
  call add_case('statement_after', statement_after)
  call run_cases()
end program test_told_once
