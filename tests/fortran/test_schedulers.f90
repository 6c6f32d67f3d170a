! SPDX-License-Identifier: MIT
!> Learning rates, groups, schedulers, clipped and skipped gradients from Fortran. PyTorch is compared with elsewhere.
module scheduler_cases
  use, intrinsic :: ieee_arithmetic, only: ieee_positive_inf, ieee_quiet_nan, ieee_value
  use, intrinsic :: iso_c_binding, only: c_associated
  use, intrinsic :: iso_fortran_env, only: int8, int64, real32, real64
  use ftorch
  use testing, only: check, check_close, check_equal, check_status
  implicit none
  private
  public :: rates, groups, step_lr, multi_step, sequence, plateau, one_cycle, kinds_of_numbers
  public :: copies, several_in_an_array, delete, clip_norm, clip_value, skips, faults

  real(real64), parameter :: tight = 1.0e-15_real64

contains

  subroutine rates()
    real(real64), target :: w(2)
    type(torch_tensor) :: weight
    type(torch_optim) :: optim
    type(torch_status) :: status

    call make(weight, w)
    call torch_optim_Adam(optim, [weight])
    call check_close(optim%get_learning_rate(), 1.0e-3_real64, 0.0_real64, 'default')
    call optim%set_learning_rate(0.5_real32)
    call check_close(optim%get_learning_rate(1), 0.5_real64, 0.0_real64, 'real32')
    call optim%set_learning_rate(2_int8, group=1, status=status)
    call check(status%ok(), 'int8')
    call check_close(optim%get_learning_rate(), 2.0_real64, 0.0_real64, 'int8')
    call optim%set_learning_rate(-1, status=status)
    call check_status(status, torch_invalid_argument, 'learning_rate is -1')
    call optim%set_learning_rate('fast', status=status)
    call check_status(status, torch_invalid_argument, 'value is no integer')
    call optim%set_learning_rate(1, 0, status)
    call check_status(status, torch_invalid_argument, 'group is 0')
    call optim%set_learning_rate(1, 2, status)
    call check_status(status, torch_invalid_argument, 'group is 2')
    call check_close(optim%get_learning_rate(), 2.0_real64, 0.0_real64, 'unchanged')
  end subroutine rates

  !> Weight decay for one group alone.
  subroutine groups()
    real(real64), target :: w(2), b(1)
    type(torch_tensor) :: weight, bias
    type(torch_optim) :: optim
    type(torch_status) :: status

    call make(weight, w)
    call make(bias, b)
    call torch_optim_SGD(optim, [weight], 0.1_real64, weight_decay=0.5)
    call optim%add_parameters([bias], weight_decay=0, learning_rate=0.2_real64)
    call torch_tensor_backward(weight)
    call torch_tensor_backward(bias)
    call optim%step()
    call check_close(w, 1 - 0.1_real64 * (1 + 0.5_real64) * [1, 1], tight, 'weight')
    call check_close(b, [1 - 0.2_real64], tight, 'bias')
    call check_close(optim%get_learning_rate(2), 0.2_real64, 0.0_real64, 'rate')
    call optim%add_parameters([bias], status=status)
    call check_status(status, torch_invalid_argument, 'was given before')
    call optim%add_parameters([bias], beta_1=0.5, status=status)
    call check_status(status, torch_invalid_argument, 'SGD has no argument beta_1')
  end subroutine groups

  subroutine step_lr()
    real(real64), target :: w(2)
    type(torch_tensor) :: weight
    type(torch_optim) :: optim
    type(torch_scheduler) :: scheduler
    integer :: epoch

    call make(weight, w)
    call torch_optim_SGD(optim, [weight], 1)
    call torch_scheduler_StepLR(scheduler, optim, 2, gamma=0.5)
    do epoch = 0, 7
      call check_close([optim%get_learning_rate()], [0.5_real64**(epoch / 2)], tight, 'rate')
      call scheduler%step()
    end do
  end subroutine step_lr

  subroutine multi_step()
    real(real64), target :: w(2)
    type(torch_tensor) :: weight
    type(torch_optim) :: optim
    type(torch_scheduler) :: scheduler
    integer :: epoch

    call make(weight, w)
    call torch_optim_SGD(optim, [weight], 1)
    call torch_scheduler_MultiStepLR(scheduler, optim, [5, 2], gamma=0.5_real64)
    do epoch = 0, 7
      call check_close([optim%get_learning_rate()], [0.5_real64**count(epoch >= [2, 5])], tight, 'rate')
      call torch_scheduler_step(scheduler)
    end do
  end subroutine multi_step

  subroutine sequence()
    real(real64), target :: w(2)
    type(torch_tensor) :: weight
    type(torch_optim) :: optim
    type(torch_scheduler) :: parts(2), scheduler
    type(torch_status) :: status
    integer :: epoch

    call make(weight, w)
    call torch_optim_SGD(optim, [weight], 1)
    call torch_scheduler_ConstantLR(parts(1), optim, factor=0.25_real64, total_iters=100)
    call torch_scheduler_ExponentialLR(parts(2), optim, 0.5_real64)
    call torch_scheduler_SequentialLR(scheduler, optim, parts, [3])
    do epoch = 0, 6
      call check_close([optim%get_learning_rate()], &
                       [merge(0.25_real64, 0.5_real64**(epoch - 3), epoch < 3)], tight, 'rate')
      call scheduler%step()
    end do
    call torch_scheduler_SequentialLR(scheduler, optim, parts, [3, 4], status)
    call check_status(status, torch_invalid_argument, 'need 1 milestones')
  end subroutine sequence

  subroutine plateau()
    real(real64), target :: w(2)
    type(torch_tensor) :: weight
    type(torch_optim) :: optim
    type(torch_scheduler) :: scheduler
    type(torch_status) :: status

    call make(weight, w)
    call torch_optim_SGD(optim, [weight], 1)
    call torch_scheduler_ReduceLROnPlateau(scheduler, optim, mode='max', factor=0.5, patience=1)
    call scheduler%step(1.0_real32)
    call scheduler%step(2)
    call scheduler%step(1.5_real64)
    call check_close(optim%get_learning_rate(), 1.0_real64, 0.0_real64, 'one bad epoch')
    call scheduler%step(1)
    call check_close(optim%get_learning_rate(), 0.5_real64, 0.0_real64, 'two bad epochs')
    call scheduler%step(status=status)
    call check_status(status, torch_invalid_argument, 'needs a metric')
    call torch_scheduler_ReduceLROnPlateau(scheduler, optim, mode='least', status=status)
    call check_status(status, torch_invalid_argument, "mode is 'least'; it must be one of: min max")
    call check(.not. c_associated(scheduler%p), 'empty')
  end subroutine plateau

  subroutine one_cycle()
    real(real64), target :: w(2)
    type(torch_tensor) :: weight
    type(torch_optim) :: optim
    type(torch_scheduler) :: scheduler
    type(torch_status) :: status
    integer :: epoch

    call make(weight, w)
    call torch_optim_Adam(optim, [weight])
    call torch_scheduler_OneCycleLR(scheduler, optim, max_lr=1, total_steps=5, pct_start=0.5, anneal_strategy='linear', &
                                    div_factor=4, final_div_factor=2)
    call check_close([optim%get_learning_rate()], [0.25_real64], tight, 'first')
    do epoch = 1, 4
      call scheduler%step()
    end do
    call check_close([optim%get_learning_rate()], [0.125_real64], tight, 'last')
    call torch_scheduler_OneCycleLR(scheduler, optim, max_lr=1, status=status)
    call check_status(status, torch_invalid_argument, 'total_steps')
  end subroutine one_cycle

  subroutine kinds_of_numbers()
    real(real64), target :: w(2)
    type(torch_tensor) :: weight
    type(torch_optim) :: optim
    type(torch_scheduler) :: scheduler
    type(torch_status) :: status

    call make(weight, w)
    call torch_optim_NAdam(optim, [weight], learning_rate=1_int8, momentum_decay=0.5_real32)
    call torch_scheduler_CosineAnnealingLR(scheduler, optim, 10_int64, eta_min=0.1_real32)
    call torch_scheduler_CosineAnnealingWarmRestarts(scheduler, optim, 10_int8, T_mult=2)
    call torch_scheduler_PolynomialLR(scheduler, optim, 10, 2)
    call torch_scheduler_LinearLR(scheduler, optim, 0.5, 1.0, 10)
    call torch_scheduler_StepLR(scheduler, optim, 'two', status=status)
    call check_status(status, torch_invalid_argument, 'step_size is no integer')
  end subroutine kinds_of_numbers

  !> Assignment shares a scheduler, which outlives the variable of its optimizer.
  subroutine copies()
    real(real64), target :: w(2)
    type(torch_tensor) :: weight
    type(torch_optim) :: optim, second
    type(torch_scheduler) :: scheduler, copy

    call make(weight, w)
    call torch_optim_SGD(optim, [weight], 1)
    call torch_scheduler_ExponentialLR(scheduler, optim, 0.5)
    second = optim
    copy = scheduler
    call torch_delete(optim)
    call torch_delete(scheduler)
    call check(.not. c_associated(scheduler%p), 'deleted')
    call copy%step()
    copy = copy
    call copy%step()
    call check_close(second%get_learning_rate(), 0.25_real64, 0.0_real64, 'rate')
  end subroutine copies

  subroutine several_in_an_array()
    real(real64), target :: w(2)
    type(torch_tensor) :: weight
    type(torch_optim) :: optim
    type(torch_scheduler), allocatable :: schedulers(:)
    integer :: i

    call make(weight, w)
    call torch_optim_SGD(optim, [weight], 1)
    allocate (schedulers(3))
    do i = 1, 3
      call torch_scheduler_ExponentialLR(schedulers(i), optim, 0.5)
    end do
    do i = 1, 3
      call schedulers(i)%step()
    end do
    call check_close(optim%get_learning_rate(), 0.125_real64, 0.0_real64, 'chained')
    deallocate (schedulers)
  end subroutine several_in_an_array

  subroutine delete()
    type(torch_scheduler) :: scheduler
    type(torch_status) :: status

    call torch_delete(scheduler)
    call torch_scheduler_delete(scheduler)
    call scheduler%step(status=status)
    call check_status(status, torch_invalid_argument, 'the scheduler holds nothing')
  end subroutine delete

  subroutine clip_norm()
    real(real64), target :: w(2)
    real(real64) :: norm
    type(torch_tensor) :: weight, gradient
    type(torch_status) :: status

    call make(weight, w)
    call torch_tensor_backward(weight * 3.0_real64)
    call torch_clip_grad_norm([weight], 1, norm)
    call check_close([norm], [3 * sqrt(2.0_real64)], tight, 'norm')
    call torch_tensor_get_gradient(gradient, weight)
    norm = 0
    call torch_clip_grad_norm([weight], 100, norm, norm_type=ieee_value(1.0_real64, ieee_positive_inf))
    call check_close([norm], [sqrt(0.5_real64)], 1.0e-6_real64, 'largest')
    call torch_clip_grad_norm([weight], -1, status=status)
    call check_status(status, torch_invalid_argument, 'max_norm is -1')
  end subroutine clip_norm

  subroutine clip_value()
    real(real64), target :: w(2), g(2)
    type(torch_tensor) :: weight, gradient
    type(torch_status) :: status

    call make(weight, w)
    call torch_tensor_from_array(gradient, g, torch_kCPU)
    call torch_tensor_backward(weight * (-3.0_real64))
    call torch_clip_grad_value([weight], 0.5_real32)
    call torch_tensor_get_gradient(gradient, weight)
    call check_close(g, [-0.5_real64, -0.5_real64], tight, 'gradient')
    call torch_clip_grad_value([weight], 'half', status)
    call check_status(status, torch_invalid_argument, 'max_value is no integer')
  end subroutine clip_value

  subroutine skips()
    real(real64), target :: w(2), s(2)
    type(torch_tensor) :: weight, seed
    type(torch_optim) :: optim

    call make(weight, w)
    s = [1.0_real64, ieee_value(1.0_real64, ieee_quiet_nan)]
    call torch_tensor_from_array(seed, s, torch_kCPU)
    call torch_optim_SGD(optim, [weight], 1)
    call optim%skip_nonfinite(.true.)
    call torch_tensor_backward(weight, seed)
    call optim%step()
    call check_close(w, [1.0_real64, 1.0_real64], 0.0_real64, 'weight')
    call check_equal(int(optim%skipped()), 1, 'skipped')
    s = 1
    call optim%zero_grad()
    call torch_tensor_backward(weight, seed)
    call optim%step()
    call check_close(w, [0.0_real64, 0.0_real64], 0.0_real64, 'weight')
    call check_equal(int(optim%skipped()), 1, 'skipped')
  end subroutine skips

  !> An optimizer that is not there.
  subroutine faults()
    type(torch_optim) :: optim
    type(torch_scheduler) :: scheduler
    type(torch_status) :: status

    call torch_scheduler_StepLR(scheduler, optim, 2, status=status)
    call check_status(status, torch_invalid_argument, 'the optimizer holds nothing')
    call optim%set_learning_rate(1, status=status)
    call check_status(status, torch_invalid_argument, 'the optimizer holds nothing')
    call optim%skip_nonfinite(.true., status)
    call check_status(status, torch_invalid_argument, 'the optimizer holds nothing')
  end subroutine faults

  !> A leaf of ones over an array.
  subroutine make(weight, w)
    type(torch_tensor), intent(inout) :: weight
    real(real64), intent(inout), target :: w(:)

    w = 1
    call torch_tensor_from_array(weight, w, torch_kCPU, requires_grad=.true.)
  end subroutine make

end module scheduler_cases

program test_schedulers
  use scheduler_cases
  use testing, only: add_case, run_cases
  implicit none

  call add_case('rates', rates)
  call add_case('groups', groups)
  call add_case('step_lr', step_lr)
  call add_case('multi_step', multi_step)
  call add_case('sequence', sequence)
  call add_case('plateau', plateau)
  call add_case('one_cycle', one_cycle)
  call add_case('kinds_of_numbers', kinds_of_numbers)
  call add_case('copies', copies)
  call add_case('several_in_an_array', several_in_an_array)
  call add_case('delete', delete)
  call add_case('clip_norm', clip_norm)
  call add_case('clip_value', clip_value)
  call add_case('skips', skips)
  call add_case('faults', faults)
  call run_cases()
end program test_schedulers
