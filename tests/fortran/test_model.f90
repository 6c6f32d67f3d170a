! SPDX-License-Identifier: MIT
!> Models: load, parameters, train and eval, save, copies.
module model_cases
  use, intrinsic :: iso_c_binding, only: c_associated
  use, intrinsic :: iso_fortran_env, only: int64, real32, real64
  use child_process, only: run_child
  use ftorch
  use model_files, only: model_file
  use testing, only: check, check_close, check_equal
  implicit none
  private
  public :: load, file_names, load_options, parameters, parameters_are_the_model, train_eval
  public :: save_reload, save_replaces, copies, delete, print_parameters, print_child, failing_model

contains

  subroutine load()
    type(torch_model) :: model
    type(torch_status) :: status

    call check(.not. c_associated(model%p), 'declared')
    call torch_model_load(model, model_file('scaling.pt'), torch_kCPU, status=status)
    call check(status%ok(), 'status')
    call check(c_associated(model%p), 'p')
    call check_equal([torch_live_models()], [1_int64], 'live models')
    call check(.not. model%is_training(), 'evaluation mode by default')
    call check_close(scaled(model), 6.0_real32, 0.0_real32, 'result')
    call torch_model_load(model, model_file('scaling.pt'), torch_kCPU, 0)
    call check_equal([torch_live_models()], [1_int64], 'live models after a second load')
  end subroutine load

  subroutine file_names()
    type(torch_model) :: model
    character(len=512) :: padded

    padded = model_file('mlp_float32.pt')
    call torch_model_load(model, padded, torch_kCPU)
    call check(c_associated(model%p), 'trailing blanks')
    call torch_model_load(model, model_file('with space.pt'), torch_kCPU)
    call check(c_associated(model%p), 'a blank inside')
  end subroutine file_names

  subroutine load_options()
    type(torch_model) :: model
    type(torch_tensor) :: weights(1)

    call torch_model_load(model, model_file('scaling.pt'), torch_kCPU)
    call torch_model_parameters(model, weights)
    call check(weights(1)%requires_grad(), 'as stored')
    call torch_model_load(model, model_file('scaling.pt'), torch_kCPU, -1, .false., .true.)
    call torch_model_parameters(model, weights)
    call check(.not. weights(1)%requires_grad(), 'requires_grad')
    call check(model%is_training(), 'is_training')
    call torch_model_load(model, model_file('scaling.pt'), torch_kCPU, requires_grad=.true., &
      is_training=.false.)
    call torch_model_parameters(model, weights)
    call check(weights(1)%requires_grad(), 'requires_grad by keyword')
    call check(.not. torch_model_is_training(model), 'is_training by keyword')
  end subroutine load_options

  subroutine parameters()
    type(torch_model) :: model
    type(torch_tensor) :: weights(6), few(2)
    type(torch_status) :: status
    integer :: i

    call torch_model_load(model, model_file('mlp_float32.pt'), torch_kCPU)
    call torch_model_parameters(model, weights)
    call check_equal(weights(1)%get_shape(), [32_int64, 8_int64], 'first weight')
    call check_equal(weights(2)%get_shape(), [32_int64], 'first bias')
    call check_equal(weights(5)%get_shape(), [4_int64, 32_int64], 'last weight')
    call check_equal(weights(6)%get_shape(), [4_int64], 'last bias')
    do i = 1, 6
      call check_equal(weights(i)%get_dtype(), torch_kFloat32, 'dtype')
      call check(weights(i)%requires_grad(), 'requires_grad')
    end do
    call torch_model_parameters(model, few, status)
    call check_equal(status%code, torch_invalid_argument, 'too few places')
    call check(index(status%message, '6') > 0, 'the number wanted: ' // status%message)
    call check(.not. c_associated(few(1)%p), 'nothing handed out')
  end subroutine parameters

  !> What is done to a parameter is done to the model, and outlives the model.
  subroutine parameters_are_the_model()
    type(torch_model) :: model
    type(torch_tensor) :: weights(1), input, output(1)
    type(torch_optim) :: optim
    real(real32), target :: x(1)
    real(real32) :: value(1)

    x = 3
    call torch_model_load(model, model_file('scaling.pt'), torch_kCPU)
    call torch_model_parameters(model, weights)
    call torch_optim_SGD(optim, weights, learning_rate=0.5)
    call torch_tensor_from_array(input, x, torch_kCPU)
    call torch_tensor_zeros(output(1), 1, [1_int64], torch_kFloat32, torch_kCPU)
    call torch_model_forward(model, [input], output, requires_grad=.true.)
    call torch_tensor_backward(output(1))
    call optim%step()
    value = weights(1)
    call check_close(value, 0.5_real32, 1.0e-6_real32, '2 - 0.5*3')
    call check_close(scaled(model), 1.5_real32, 1.0e-6_real32, 'the model learned')
    call torch_delete(model)
    value = weights(1)
    call check_close(value, 0.5_real32, 1.0e-6_real32, 'without the model')
  end subroutine parameters_are_the_model

  subroutine train_eval()
    type(torch_model) :: model
    type(torch_tensor) :: input(1), output(1)
    real(real32), target :: x(64, 4), y(64, 4)
    integer :: i

    x = reshape([(real(mod(7 * i, 11)), i=1, size(x))], shape(x))
    call torch_tensor_from_array(input(1), x, torch_kCPU)
    call torch_tensor_from_array(output(1), y, torch_kCPU)
    call torch_model_load(model, model_file('normalised.pt'), torch_kCPU)
    call torch_model_forward(model, input, output)
    call check_close(y, x / sqrt(1 + 1.0e-5), 1.0e-5, 'initial statistics')
    call model%train()
    call check(model%is_training(), 'train')
    call torch_model_forward(model, input, output)
    call check(count(abs(y) < 1.0e-6) > 64, 'dropout is active')
    call check(abs(sum(y) / size(y)) < 0.5, 'normalised')
    call torch_model_eval(model)
    call check(.not. model%is_training(), 'eval')
    call torch_model_forward(model, input, output)
    call check(count(abs(y) < 1.0e-6) <= count(x < 0.5), 'no dropout')
    call check(any(abs(y - x) > 0.1), 'statistics were updated')
    call torch_model_train(model)
    call check(torch_model_is_training(model), 'train, not type-bound')
    call model%eval()
    call check(.not. model%is_training(), 'eval, type-bound')
  end subroutine train_eval

  subroutine save_reload()
    type(torch_model) :: model, other
    type(torch_tensor) :: weights(1)
    type(torch_status) :: status

    call torch_model_load(model, model_file('scaling.pt'), torch_kCPU)
    call torch_model_parameters(model, weights)
    call train_once(weights)
    call torch_model_save(model, 'save_reload.pt', status)
    call check(status%ok(), 'status')
    call torch_model_load(other, 'save_reload.pt', torch_kCPU)
    call check_close(scaled(other), scaled(model), 0.0_real32, 'the same numbers')
    call check(abs(scaled(model) - 6) > 0.1, 'numbers that were learned')
    call torch_model_parameters(other, weights)
    call train_once(weights)
    call check(abs(scaled(other) - scaled(model)) > 0.1, 'two models')
    call remove('save_reload.pt')
  end subroutine save_reload

  subroutine save_replaces()
    type(torch_model) :: model
    integer :: unit
    logical :: exists

    open (newunit=unit, file='save_replaces.pt')
    write (unit, '(a)') 'something else'
    close (unit)
    call torch_model_load(model, model_file('scaling.pt'), torch_kCPU)
    call torch_model_save(model, 'save_replaces.pt  ')
    call torch_model_load(model, 'save_replaces.pt', torch_kCPU)
    call check_close(scaled(model), 6.0_real32, 0.0_real32, 'result')
    call remove('save_replaces.pt')
    inquire (file='save_replaces.pt', exist=exists)
    call check(.not. exists, 'one file, without trailing blanks')
  end subroutine save_replaces

  !> Assignment shares the model.
  subroutine copies()
    type :: closure
      type(torch_model) :: model
      integer :: calls = 0
    end type closure
    type(torch_model) :: model, other
    type(torch_tensor) :: weights(1)
    type(closure) :: c

    call torch_model_load(model, model_file('scaling.pt'), torch_kCPU)
    other = model
    other = other
    c%model = other
    call torch_model_parameters(other, weights)
    call train_once(weights)
    call check_close(scaled(model), scaled(c%model), 0.0_real32, 'one set of parameters')
    call torch_delete(model)
    call check(.not. c_associated(model%p), 'deleted')
    call check(c_associated(other%p), 'the other stays')
    call check(abs(scaled(other) - 6) > 0.1, 'and works')
    call torch_delete(c%model)
    call torch_model_delete(other)
    call check_equal([torch_live_models()], [0_int64], 'live models')
  end subroutine copies

  subroutine delete()
    type(torch_model) :: model

    call torch_model_load(model, model_file('scaling.pt'), torch_kCPU)
    call torch_delete(model)
    call check(.not. c_associated(model%p), 'p')
    call torch_delete(model)
    call check_equal([torch_live_models()], [0_int64], 'live models')
    call local()
    call check_equal([torch_live_models()], [0_int64], 'live models after a scope')

  contains

    subroutine local()
      type(torch_model) :: inner

      call torch_model_load(inner, model_file('scaling.pt'), torch_kCPU)
      call check_equal([torch_live_models()], [1_int64], 'live models in a scope')
    end subroutine local
  end subroutine delete

  subroutine print_parameters()
    character(len=:), allocatable :: text
    integer :: exit_status

    call run_child('print_child', exit_status, text)
    call check_equal(exit_status, 0, 'exit status')
    call check(index(text, 'scale') > 0, 'name in: ' // text)
    call check(index(text, '2') > 0, 'value in: ' // text)
    call check(index(text, '4.weight') > 0 .and. index(text, '0.bias') > 0, 'names in: ' // text)
  end subroutine print_parameters

  subroutine print_child()
    type(torch_model) :: model

    call torch_model_load(model, model_file('scaling.pt'), torch_kCPU)
    call model%print_parameters()
    call torch_model_load(model, model_file('mlp_float32.pt'), torch_kCPU)
    call torch_model_print_parameters(model)
    call check(.true., 'printed')
  end subroutine print_child

  !> An error raised by the model is a status with its text, and the model goes on.
  subroutine failing_model()
    type(torch_model) :: model
    type(torch_tensor) :: input(1), output(1)
    type(torch_status) :: status
    real(real32), target :: x(2), y(2)

    x = [1, -1]
    y = 7
    call torch_tensor_from_array(input(1), x, torch_kCPU)
    call torch_tensor_from_array(output(1), y, torch_kCPU)
    call torch_model_load(model, model_file('failing.pt'), torch_kCPU)
    call torch_model_forward(model, input, output, status=status)
    call check_equal(status%code, torch_model_error, 'code')
    call check(index(status%message, 'negative concentration in the input') > 0, status%message)
    call check(len(status%message) < 1000, 'a short message: ' // status%message)
    call check_close(y, 7.0_real32, 0.0_real32, 'nothing written')
    x = 1
    call torch_model_forward(model, input, output, status=status)
    call check(status%ok(), 'the model goes on')
    call check_close(y, 1.0_real32, 0.0_real32, 'result')
  end subroutine failing_model

  !> Result of a model for the input 3.
  function scaled(model) result(value)
    type(torch_model), intent(in) :: model
    real(real32) :: value
    real(real32), target :: x(1), y(1)
    type(torch_tensor) :: input(1), output(1)

    x = 3
    y = 0
    call torch_tensor_from_array(input(1), x, torch_kCPU)
    call torch_tensor_from_array(output(1), y, torch_kCPU)
    call torch_model_forward(model, input, output)
    value = y(1)
    call torch_delete(input)
    call torch_delete(output)
  end function scaled

  !> One step that changes the parameters.
  subroutine train_once(weights)
    type(torch_tensor), intent(in) :: weights(:)
    type(torch_optim) :: optim
    type(torch_tensor) :: loss

    call torch_optim_SGD(optim, weights, learning_rate=0.25)
    call torch_tensor_sum(loss, weights(1) * weights(1))
    call torch_tensor_backward(loss)
    call optim%step()
    call optim%zero_grad()
  end subroutine train_once

  subroutine remove(file)
    character(len=*), intent(in) :: file
    integer :: unit

    open (newunit=unit, file=file, status='old')
    close (unit, status='delete')
  end subroutine remove

end module model_cases

program test_model
  use model_cases
  use testing, only: add_case, run_cases
  implicit none

  call add_case('load', load, 'models')
  call add_case('file_names', file_names, 'models')
  call add_case('load_options', load_options, 'models')
  call add_case('parameters', parameters, 'models')
  call add_case('parameters_are_the_model', parameters_are_the_model, 'models')
  call add_case('train_eval', train_eval, 'models')
  call add_case('save_reload', save_reload, 'models')
  call add_case('save_replaces', save_replaces, 'models')
  call add_case('copies', copies, 'models')
  call add_case('delete', delete, 'models')
  call add_case('print_parameters', print_parameters, 'models')
  call add_case('print_child', print_child, 'child')
  call add_case('failing_model', failing_model, 'models')
  call run_cases()
end program test_model
