! SPDX-License-Identifier: MIT
!> Empty tensors, models and optimizers: every procedure says so.
module empty_cases
  use, intrinsic :: iso_c_binding, only: c_associated
  use, intrinsic :: iso_fortran_env, only: int64, real32
  use ftorch
  use model_files, only: model_file
  use recorder, only: last_error, record_errors
  use testing, only: check, check_close, check_equal, check_status
  implicit none
  private
  public :: queries, operators, operator_subroutines, assignment, array, in_place, to, autograd
  public :: losses, optimizers, optimizer_itself, model, forward, deletes, stale

contains

  !> The last call failed with torch_invalid_argument and named its procedure.
  subroutine expect(name)
    character(len=*), intent(in) :: name

    call check_status(last_error, torch_invalid_argument, name)
    call record_errors()
  end subroutine expect

  subroutine queries()
    type(torch_tensor) :: empty
    integer :: number
    logical :: answer

    call record_errors()
    number = empty%get_rank()
    call expect('torch_tensor_get_rank')
    number = empty%get_dtype()
    call expect('torch_tensor_get_dtype')
    number = empty%get_device_type()
    call expect('torch_tensor_get_device_type')
    number = empty%get_device_index()
    call expect('torch_tensor_get_device_index')
    call check_equal(size(empty%get_shape()), 0, 'no extents')
    call expect('torch_tensor_get_shape')
    call check_equal(size(empty%get_stride()), 0, 'no strides')
    call expect('torch_tensor_get_stride')
    answer = empty%requires_grad()
    call expect('torch_tensor_requires_grad')
    call check(.not. answer .and. number < 0, 'answers that cannot be taken for good ones')
    call empty%print()
    call expect('torch_tensor_print')
  end subroutine queries

  subroutine operators()
    type(torch_tensor) :: empty, full, result

    call torch_tensor_ones(full, 1, [2_int64], torch_kFloat32, torch_kCPU)
    call record_errors()
    result = empty + full
    call expect('operator(+)')
    result = full - empty
    call expect('operator(-)')
    result = 2.0 * empty
    call expect('operator(*)')
    result = empty / 3
    call expect('operator(/)')
    result = empty**2
    call expect('operator(**)')
    result = -empty
    call expect('operator(-)')
    call check(.not. c_associated(result%p), 'empty result')
  end subroutine operators

  subroutine operator_subroutines()
    type(torch_tensor) :: empty, full, result
    type(torch_status) :: status

    call torch_tensor_ones(full, 1, [2_int64], torch_kFloat32, torch_kCPU)
    call torch_tensor_add(result, empty, full, status)
    call check_status(status, torch_invalid_argument, 'torch_tensor_add')
    call torch_tensor_pow(result, full, empty, status)
    call check_status(status, torch_invalid_argument, 'torch_tensor_pow')
    call torch_tensor_mul(result, empty, 2.0, status)
    call check_status(status, torch_invalid_argument, 'torch_tensor_mul')
    call torch_tensor_div(result, 2, empty, status)
    call check_status(status, torch_invalid_argument, 'torch_tensor_div')
    call torch_tensor_neg(result, empty, status)
    call check_status(status, torch_invalid_argument, 'torch_tensor_neg')
    call torch_tensor_sum(result, empty, status)
    call check_status(status, torch_invalid_argument, 'torch_tensor_sum')
    call torch_tensor_mean(result, empty, status)
    call check_status(status, torch_invalid_argument, 'torch_tensor_mean')
    call check(.not. c_associated(result%p), 'empty result')
  end subroutine operator_subroutines

  !> An empty tensor empties a variable; an array cannot be emptied.
  subroutine assignment()
    type(torch_tensor) :: empty, full, other, attached
    real(real32), target :: x(2)

    x = 1
    call torch_tensor_ones(full, 1, [2_int64], torch_kFloat32, torch_kCPU)
    call torch_tensor_from_array(attached, x, torch_kCPU)
    call record_errors()
    full = empty
    other = empty
    call check(last_error%ok(), 'no error')
    call check(.not. c_associated(full%p), 'emptied')
    call check(.not. c_associated(other%p), 'empty as before')
    call check_equal([torch_live_tensors()], [1_int64], 'live tensors')
    attached = empty
    call expect('assignment(=)')
    call check(c_associated(attached%p), 'still attached')
    call check_close(x, 1.0, 0.0, 'array')
  end subroutine assignment

  subroutine array()
    type(torch_tensor) :: empty
    type(torch_status) :: status
    real(real32) :: values(2)

    values = -1
    call torch_tensor_to_array(empty, values, status)
    call check_status(status, torch_invalid_argument, 'torch_tensor_to_array')
    call record_errors()
    values = empty
    call expect('assignment(=)')
    call check_close(values, -1.0, 0.0, 'nothing written')
  end subroutine array

  subroutine in_place()
    type(torch_tensor) :: empty
    type(torch_status) :: status

    call torch_tensor_zero(empty, status)
    call check_status(status, torch_invalid_argument, 'torch_tensor_zero')
    call torch_tensor_zero_grad(empty, status)
    call check_status(status, torch_invalid_argument, 'torch_tensor_zero_grad')
    call torch_tensor_print(empty, status)
    call check_status(status, torch_invalid_argument, 'torch_tensor_print')
  end subroutine in_place

  subroutine to()
    type(torch_tensor) :: empty, full
    type(torch_status) :: status

    call torch_tensor_ones(full, 1, [2_int64], torch_kFloat32, torch_kCPU)
    call torch_tensor_to(empty, full, status=status)
    call check_status(status, torch_invalid_argument, 'torch_tensor_to')
    call torch_tensor_to(full, empty, status=status)
    call check_status(status, torch_invalid_argument, 'torch_tensor_to')
    call check(.not. c_associated(empty%p), 'empty target')
  end subroutine to

  subroutine autograd()
    type(torch_tensor) :: empty, full, result
    type(torch_status) :: status

    call torch_tensor_ones(full, 1, [2_int64], torch_kFloat32, torch_kCPU, requires_grad=.true.)
    result = full * 2
    call torch_tensor_backward(empty, status=status)
    call check_status(status, torch_invalid_argument, 'torch_tensor_backward')
    call torch_tensor_backward(result, empty, status=status)
    call check_status(status, torch_invalid_argument, 'external_gradient')
    call torch_tensor_get_gradient(result, empty, status)
    call check_status(status, torch_invalid_argument, 'torch_tensor_get_gradient')
  end subroutine autograd

  subroutine losses()
    type(torch_tensor) :: empty, full, loss
    type(torch_status) :: status

    call torch_tensor_ones(full, 1, [2_int64], torch_kFloat32, torch_kCPU)
    call torch_loss_mse(loss, empty, full, status=status)
    call check_status(status, torch_invalid_argument, 'torch_loss_mse')
    call torch_loss_l1(loss, full, empty, status=status)
    call check_status(status, torch_invalid_argument, 'torch_loss_l1')
    call torch_loss_cross_entropy(loss, empty, empty, status=status)
    call check_status(status, torch_invalid_argument, 'torch_loss_cross_entropy')
    call check(.not. c_associated(loss%p), 'empty loss')
  end subroutine losses

  subroutine optimizers()
    type(torch_tensor) :: weights(2)
    type(torch_optim) :: optim
    type(torch_status) :: status

    call torch_tensor_ones(weights(1), 1, [2_int64], torch_kFloat32, torch_kCPU, -1, .true.)
    call torch_optim_SGD(optim, weights, status=status)
    call check_status(status, torch_invalid_argument, 'torch_optim_SGD')
    call check(index(status%message, '2') > 0, 'which one, in: ' // status%message)
    call torch_optim_Adam(optim, weights, status=status)
    call check_status(status, torch_invalid_argument, 'torch_optim_Adam')
    call torch_optim_AdamW(optim, weights, status=status)
    call check_status(status, torch_invalid_argument, 'torch_optim_AdamW')
    call check(.not. c_associated(optim%p), 'empty optimizer')
  end subroutine optimizers

  subroutine optimizer_itself()
    type(torch_optim) :: empty
    type(torch_status) :: status

    call torch_optim_step(empty, status)
    call check_status(status, torch_invalid_argument, 'torch_optim_step')
    call torch_optim_zero_grad(empty, status)
    call check_status(status, torch_invalid_argument, 'torch_optim_zero_grad')
  end subroutine optimizer_itself

  subroutine model()
    type(torch_model) :: empty
    type(torch_tensor) :: weights(1)
    type(torch_status) :: status

    call torch_model_save(empty, 'empty_model.pt', status)
    call check_status(status, torch_invalid_argument, 'torch_model_save')
    call torch_model_parameters(empty, weights, status)
    call check_status(status, torch_invalid_argument, 'torch_model_parameters')
    call torch_model_print_parameters(empty, status)
    call check_status(status, torch_invalid_argument, 'torch_model_print_parameters')
    call torch_model_train(empty, status)
    call check_status(status, torch_invalid_argument, 'torch_model_train')
    call torch_model_eval(empty, status)
    call check_status(status, torch_invalid_argument, 'torch_model_eval')
    call record_errors()
    call check(.not. empty%is_training(), 'answer')
    call expect('torch_model_is_training')
  end subroutine model

  subroutine forward()
    type(torch_model) :: empty, scaling
    type(torch_tensor) :: full(1), none(1)
    type(torch_status) :: status
    integer(int64) :: live

    call torch_tensor_ones(full(1), 1, [2_int64], torch_kFloat32, torch_kCPU)
    call torch_model_forward(empty, full, full, status=status)
    call check_status(status, torch_invalid_argument, 'torch_model_forward')
    call torch_model_load(scaling, model_file('scaling.pt'), torch_kCPU)
    live = torch_live_tensors()
    call torch_model_forward(scaling, none, full, status=status)
    call check_status(status, torch_invalid_argument, 'torch_model_forward')
    call torch_model_forward(scaling, full, none, status=status)
    call check_status(status, torch_invalid_argument, 'torch_model_forward')
    call check(.not. c_associated(none(1)%p), 'empty output')
    call check_equal([torch_live_tensors()], [live], 'live tensors')
  end subroutine forward

  subroutine deletes()
    type(torch_tensor) :: tensor
    type(torch_model) :: no_model
    type(torch_optim) :: optim

    call record_errors()
    call torch_delete(tensor)
    call torch_delete(no_model)
    call torch_delete(optim)
    call check(last_error%ok(), 'deleting nothing is no error')
  end subroutine deletes

  !> A handle that was copied by hand and released is an error, not a crash.
  subroutine stale()
    type(torch_tensor) :: tensor, other
    type(torch_status) :: status
    integer :: i

    call torch_tensor_ones(tensor, 1, [2_int64], torch_kFloat32, torch_kCPU)
    other%p = tensor%p
    call torch_delete(tensor)
    do i = 1, 2
      call torch_tensor_zero(other, status)
      call check_status(status, torch_invalid_argument, 'torch_tensor_zero')
      call torch_tensor_ones(tensor, 1, [2_int64], torch_kFloat32, torch_kCPU)
    end do
    call torch_tensor_zero(tensor, status)
    call check(status%ok(), 'a new tensor in the same place')
  end subroutine stale

end module empty_cases

program test_empty
  use empty_cases
  use testing, only: add_case, run_cases
  implicit none

  call add_case('queries', queries, 'models')
  call add_case('operators', operators, 'models')
  call add_case('operator_subroutines', operator_subroutines, 'models')
  call add_case('assignment', assignment, 'models')
  call add_case('array', array, 'models')
  call add_case('in_place', in_place, 'models')
  call add_case('to', to, 'models')
  call add_case('autograd', autograd, 'models')
  call add_case('losses', losses, 'models')
  call add_case('optimizers', optimizers, 'models')
  call add_case('optimizer_itself', optimizer_itself, 'models')
  call add_case('model', model, 'models')
  call add_case('forward', forward, 'models')
  call add_case('deletes', deletes, 'models')
  call add_case('stale', stale, 'models')
  call run_cases()
end program test_empty
