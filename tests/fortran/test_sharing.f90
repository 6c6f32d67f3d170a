! SPDX-License-Identifier: MIT
!> Models and optimizers are shared: each variable names the one that Fortran's rules give, whatever the compiler copies.
module sharing_cases
  use, intrinsic :: iso_fortran_env, only: int64, real32
  use ftorch
  use model_files, only: model_file
  use recorder, only: last_error, record_errors
  use testing, only: check, check_close, check_equal
  implicit none
  private
  public :: optimizers_move, copies_of_optimizers, models_move, value_dummies, extended_types

  type :: trainer
    type(torch_optim) :: first, second
  end type trainer

  type, extends(torch_optim) :: my_optim
    integer :: number = 0
  end type my_optim

  type, extends(torch_model) :: my_model
    integer :: number = 0
  end type my_model

contains

  !> Optimizers over `weight` with learning rates 1, 2, ….
  subroutine make(optims, weight)
    type(torch_optim), intent(inout) :: optims(:)
    type(torch_tensor), intent(in) :: weight
    integer :: i

    do i = 1, size(optims)
      call torch_optim_SGD(optims(i), [weight], learning_rate=i)
    end do
  end subroutine make

  !> The learning rate: how far a step goes.
  function rate(optim, weight) result(distance)
    type(torch_optim), intent(in) :: optim
    type(torch_tensor), intent(in) :: weight
    real(real32) :: distance, before(1), after(1)
    type(torch_tensor) :: loss

    before = weight
    call optim%zero_grad()
    call torch_tensor_sum(loss, weight)
    call torch_tensor_backward(loss)
    call optim%step()
    after = weight
    distance = before(1) - after(1)
  end function rate

  subroutine prepare(weight)
    type(torch_tensor), intent(inout) :: weight

    call record_errors()
    call torch_tensor_ones(weight, 1, [1_int64], torch_kFloat32, torch_kCPU, requires_grad=.true.)
  end subroutine prepare

  subroutine optimizers_move()
    type(torch_tensor) :: weight
    type(torch_optim) :: q(3)
    type(trainer) :: pair
    integer :: i

    call prepare(weight)
    call make(q, weight)
    q = cshift(q, 1)
    call check_close([(rate(q(i), weight), i=1, 3)], [2.0, 3.0, 1.0], 0.0, 'cshift')
    q = q([2, 3, 1])
    call check_close([(rate(q(i), weight), i=1, 3)], [3.0, 1.0, 2.0], 0.0, 'vector subscript')
    q(2:3) = q(1:2)
    call check_close([(rate(q(i), weight), i=1, 3)], [3.0, 3.0, 1.0], 0.0, 'sections')
    pair%first = q(1)
    pair%second = q(3)
    pair = trainer(pair%second, pair%first)
    call check_close([rate(pair%first, weight), rate(pair%second, weight)], [1.0, 3.0], 0.0, 'pair')
    call check(last_error%ok(), 'no error')
    call torch_delete(q(1))
    call torch_delete(q(2))
    call torch_delete(q(3))
    call check_equal(int(torch_live_optims()), 2, 'optimizers alive')
  end subroutine optimizers_move

  subroutine copies_of_optimizers()
    type(torch_tensor) :: weight
    type(torch_optim) :: q(2)
    type(torch_optim), allocatable :: copy

    call prepare(weight)
    call make(q, weight)
    allocate (copy, source=q(1))
    call check_close(rate(copy, weight), 1.0, 0.0, 'the copy')
    copy = q(2)
    call check_close(rate(copy, weight), 2.0, 0.0, 'the copy assigned to')
    call check_close(rate(q(1), weight), 1.0, 0.0, 'the original')
    deallocate (copy)
    call check_close(rate(q(2), weight), 2.0, 0.0, 'the other')
    call check(last_error%ok(), 'no error')
  end subroutine copies_of_optimizers

  subroutine models_move()
    type(torch_model) :: m(2)
    type(torch_model), allocatable :: copy

    call record_errors()
    call torch_model_load(m(1), model_file('scaling.pt'), torch_kCPU)
    call torch_model_load(m(2), model_file('scaling.pt'), torch_kCPU, is_training=.true.)
    m = m([2, 1])
    call expect_training(m, [.true., .false.], 'vector subscript')
    m = cshift(m, 1)
    call expect_training(m, [.false., .true.], 'cshift')
    allocate (copy, source=m(2))
    call check(copy%is_training(), 'source')
    deallocate (copy)
    call check(m(2)%is_training(), 'the original')
    call check(last_error%ok(), 'no error')
    call check_equal(int(torch_live_models()), 2, 'models alive')
  end subroutine models_move

  subroutine expect_training(models, expected, message)
    type(torch_model), intent(in) :: models(:)
    logical, intent(in) :: expected(:)
    character(len=*), intent(in) :: message
    logical :: got
    integer :: i

    do i = 1, size(models)
      got = models(i)%is_training()
      call check(got .eqv. expected(i), message)
    end do
  end subroutine expect_training

  subroutine value_dummies()
    type(torch_tensor) :: weight
    type(torch_optim) :: q(2)

    call prepare(weight)
    call make(q, weight)
    call use_value(q(1))
    call check_close(rate(q(1), weight), 1.0, 0.0, 'read')
    call check(last_error%ok(), 'no error')
    call write_value(q(1))
    call q(1)%zero_grad()
    call check(last_error%ok() .or. index(last_error%message, 'was released') > 0, 'written')
    q(1) = q(2)
    call check_close(rate(q(1), weight), 2.0, 0.0, 'assigned to')

  contains

    subroutine use_value(optim)
      type(torch_optim), value :: optim

      call check_close(rate(optim, weight), 1.0, 0.0, 'the dummy')
    end subroutine use_value

    subroutine write_value(optim)
      type(torch_optim), value :: optim

      optim = q(2)
      call check_close(rate(optim, weight), 2.0, 0.0, 'the dummy assigned to')
    end subroutine write_value
  end subroutine value_dummies

  subroutine extended_types()
    type(my_optim) :: a, b
    type(my_model) :: c, d

    call record_errors()
    b = a
    call check(index(last_error%message, 'extends torch_optim') > 0, 'optimizer')
    d = c
    call check(index(last_error%message, 'extends torch_model') > 0, 'model')
    call check_equal(last_error%code, torch_invalid_argument, 'code')
  end subroutine extended_types

end module sharing_cases

program test_sharing
  use sharing_cases
  use testing, only: add_case, run_cases
  implicit none

  call add_case('optimizers_move', optimizers_move)
  call add_case('copies_of_optimizers', copies_of_optimizers)
  call add_case('models_move', models_move)
  call add_case('value_dummies', value_dummies)
  call add_case('extended_types', extended_types)
  call run_cases()
end program test_sharing
