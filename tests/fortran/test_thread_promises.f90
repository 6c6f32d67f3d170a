! SPDX-License-Identifier: MIT
!> What threads of the program may do at the same time: models, optimizers and scopes of their own.
module thread_promises_cases
!$ use omp_lib, only: omp_get_max_threads, omp_get_thread_num
  use, intrinsic :: iso_fortran_env, only: int64, real32
  use ftorch
  use model_files, only: model_file
  use testing, only: check, check_close, check_equal, skip
  implicit none
  private
  public :: models_and_optimizers, scopes

  integer, parameter :: threads = 4

contains

  subroutine need_openmp()
    integer :: available

    available = 0
!$  available = omp_get_max_threads()
    if (available == 0) call skip('compiled without OpenMP')
  end subroutine need_openmp

  !> Each thread trains a model of its own on data of its own, and learns what it learns alone.
  subroutine models_and_optimizers()
    real(real32) :: together(threads), alone(threads)
    integer :: i

    call need_openmp()
    do i = 1, threads
      alone(i) = trained_scale(i)
    end do
    together = 0
!$omp parallel do num_threads(threads) schedule(static, 1)
    do i = 1, threads
      together(i) = trained_scale(i)
    end do
!$omp end parallel do
    call check_close(together, alone, 0.0, 'the scale that each learned')
    call check(abs(alone(1) - alone(threads)) > 1, 'they learned different ones')
    call check_equal([torch_live_models(), torch_live_optims()], [0_int64, 0_int64], 'live objects')
  end subroutine models_and_optimizers

  !> The parameter of the model scale*x after 50 steps towards i*x; thread 1 uses another optimizer.
  function trained_scale(i) result(scale)
    integer, intent(in) :: i
    real(real32) :: scale
    real(real32), target :: x(8), y(8), guess(8)
    type(torch_model) :: model
    type(torch_optim) :: optimizer
    type(torch_tensor) :: input(1), output(1), truth, loss, parameters(1)
    real(real32) :: values(1)
    integer :: step

    x = 0.1 * i
    y = i * x
    call torch_tensor_from_array(input(1), x, torch_kCPU)
    call torch_tensor_from_array(output(1), guess, torch_kCPU)
    call torch_tensor_from_array(truth, y, torch_kCPU)
    call torch_model_load(model, model_file('scaling.pt'), torch_kCPU)
    call torch_model_parameters(model, parameters)
    if (i == 1) then
      call torch_optim_SGD(optimizer, parameters, learning_rate=1.0)
    else
      call torch_optim_Adam(optimizer, parameters, learning_rate=0.1)
    end if
    do step = 1, 50
      call optimizer%zero_grad()
      call torch_model_forward(model, input, output, requires_grad=.true.)
      call torch_loss_mse(loss, output(1), truth)
      call torch_tensor_backward(loss)
      call optimizer%step()
    end do
    values = parameters(1)
    scale = values(1)
    call torch_delete(input)
    call torch_delete(output)
    call torch_delete(parameters)
    call torch_delete(truth)
    call torch_delete(loss)
    call torch_delete(optimizer)
    call torch_delete(model)
  end function trained_scale

  !> A scope that one thread began is none for another.
  subroutine scopes()
    type(torch_status) :: began(2), ended(2), again(2)
    integer :: i

    call need_openmp()
!$omp parallel num_threads(2) private(i)
    i = 1
!$  i = omp_get_thread_num() + 1
    if (i == 1) call torch_scope_begin(began(i))
!$omp barrier
    call torch_scope_end(ended(i))
!$omp barrier
    call torch_scope_end(again(i))
!$omp end parallel
    call check(began(1)%ok() .and. ended(1)%ok(), 'the thread that began it')
    call check_equal(ended(2)%code, torch_invalid_argument, 'the other thread')
    call check_equal(again(1)%code, torch_invalid_argument, 'ended once')
  end subroutine scopes

end module thread_promises_cases

program test_thread_promises
  use testing, only: add_case, run_cases
  use thread_promises_cases
  implicit none

  call add_case('models_and_optimizers', models_and_optimizers, 'models')
  call add_case('scopes', scopes)
  call run_cases()
end program test_thread_promises
