! SPDX-License-Identifier: MIT
!> Trainers: steps against the loop written out, and what they do when something fails.
module trainer_cases
  use, intrinsic :: iso_fortran_env, only: int64, real32, real64
  use ftorch
  use model_files, only: model_file
  use testing, only: check, check_close, check_equal, check_status
  use training_problem, only: free, make, number_count, numbers, problem
  implicit none
  private
  public :: step_is_the_loop, batches_make_a_step, loss_models, losses_by_name, wrong_arguments, failing_steps
  public :: validation_of_loss_models, no_samples
  public :: skipped_steps, schedules, single_precision, copies

  real(real64), parameter :: exact = 0

contains

  !> What a step is, written out.
  subroutine loop_step(self, scheduler, loss)
    type(problem), intent(in) :: self
    type(torch_scheduler), intent(in) :: scheduler
    real(real64), intent(out) :: loss
    type(torch_tensor) :: loss_tensor

    call self%optim%zero_grad()
    call torch_model_forward(self%model, self%inputs, self%outputs, requires_grad=.true.)
    call torch_loss_smooth_l1(loss_tensor, self%outputs(1), self%target)
    call torch_tensor_backward(loss_tensor)
    call torch_clip_grad_norm(self%parameters, 0.05_real64)
    call self%optim%step()
    call scheduler%step()
    call torch_tensor_to_array(loss_tensor, loss)
  end subroutine loop_step

  subroutine step_is_the_loop()
    type(problem) :: mine, its
    type(torch_scheduler) :: my_scheduler, its_scheduler
    type(torch_trainer) :: trainer
    real(real64) :: my_loss, its_loss
    integer :: i

    call make(mine)
    call make(its)
    call torch_scheduler_StepLR(my_scheduler, mine%optim, step_size=4, gamma=0.5_real64)
    call torch_scheduler_StepLR(its_scheduler, its%optim, step_size=4, gamma=0.5_real64)
    call torch_trainer_create(trainer, mine%model, mine%optim, 'smooth_l1', scheduler=my_scheduler, max_norm=0.05_real64)
    do i = 1, 20
      call trainer%step(mine%inputs, mine%outputs, mine%target, my_loss)
      call loop_step(its, its_scheduler, its_loss)
      call check_close(my_loss, its_loss, exact, 'loss')
      call check_close(mine%output, its%output, exact, 'outputs')
    end do
    call check_close(numbers(mine), numbers(its), exact, 'parameters')
    call check_close(mine%optim%get_learning_rate(), 0.01_real64 / 32, 1e-16_real64, 'learning rate')
    call check_equal([trainer%steps()], [20_int64], 'steps')
    call free(mine)
    call free(its)
  end subroutine step_is_the_loop

  !> Three batches of four samples make the step of one of twelve.
  subroutine batches_make_a_step()
    type(problem) :: whole, parts
    type(torch_trainer) :: one, three
    type(torch_tensor) :: inputs(1), outputs(1), target
    real(real64) :: loss, part_loss, sum_of_losses
    integer :: i, j

    call make(whole)
    call make(parts)
    call torch_trainer_create(one, whole%model, whole%optim, max_norm=0.1)
    call torch_trainer_create(three, parts%model, parts%optim, max_norm=0.1, accumulate=3)
    do i = 1, 5
      call one%step(whole%inputs, whole%outputs, whole%target, loss)
      sum_of_losses = 0
      do j = 1, 9, 4
        call torch_tensor_from_array(inputs(1), parts%x(j:j+3,:), torch_kCPU)
        call torch_tensor_from_array(outputs(1), parts%output(j:j+3,:), torch_kCPU)
        call torch_tensor_from_array(target, parts%y(j:j+3,:), torch_kCPU)
        call check_equal([three%steps()], [i - 1_int64], 'the step waits for its batches')
        call three%step(inputs, outputs, target, part_loss)
        sum_of_losses = sum_of_losses + part_loss
      end do
      call check_close(sum_of_losses / 3, loss, 1e-14_real64, 'loss')
    end do
    call check_close(numbers(parts), numbers(whole), 1e-12_real64, 'parameters')
    call torch_delete(inputs)
    call torch_delete(outputs)
    call torch_delete(target)
    call free(whole)
    call free(parts)
  end subroutine batches_make_a_step

  !> A model as a loss is the loss of the catalog that it computes.
  subroutine loss_models()
    type(problem) :: mine, its
    type(torch_trainer) :: trainer, other
    type(torch_model) :: loss_model
    real(real64) :: loss, expected
    integer :: i

    call make(mine)
    call make(its)
    call torch_model_load(loss_model, model_file('squared_error.pt'), torch_kCPU)
    call torch_trainer_create(trainer, mine%model, mine%optim, loss_model=loss_model)
    call torch_trainer_create(other, its%model, its%optim, 'mse')
    do i = 1, 3
      call trainer%step(mine%inputs, mine%outputs, mine%target, loss)
      call other%step(its%inputs, its%outputs, its%target, expected)
      call check_close(loss, expected, 1e-14_real64, 'loss')
    end do
    call check_close(numbers(mine), numbers(its), 1e-12_real64, 'parameters')
    call free(mine)
    call free(its)
  end subroutine loss_models

  !> A loss that is a model is in evaluation mode as well.
  subroutine validation_of_loss_models()
    type(problem) :: mine
    type(torch_trainer) :: trainer
    type(torch_model) :: loss_model
    type(torch_status) :: status
    real(real64) :: loss

    call make(mine)
    call torch_model_load(loss_model, model_file('dropped_error.pt'), torch_kCPU, is_training=.true.)
    call torch_trainer_create(trainer, mine%model, mine%optim, loss_model=loss_model)
    call trainer%validate(mine%inputs, mine%outputs, mine%target, loss)
    call check_close(loss, sum((mine%output - mine%y)**2) / size(mine%y), 1e-14_real64, 'nothing is left out')
    call check(loss_model%is_training(), 'its mode is put back')
    call trainer%step(mine%inputs, mine%outputs, mine%target, loss)
    call check(abs(loss - sum((mine%output - mine%y)**2) / size(mine%y)) > 1e-6_real64, 'steps are in training mode')
    call trainer%validate(mine%inputs, mine%outputs, mine%inputs(1), status=status)
    call check_status(status, torch_shape_mismatch, 'loss_model')
    call check(loss_model%is_training(), 'its mode is put back after a failure')
    call free(mine)
  end subroutine validation_of_loss_models

  !> Data without samples say nothing, rather than that nothing was gained.
  subroutine no_samples()
    type(problem) :: mine
    type(torch_trainer) :: trainer
    type(torch_status) :: status

    call make(mine, samples=0)
    call torch_trainer_create(trainer, mine%model, mine%optim, patience=1)
    call trainer%validate(mine%inputs, mine%outputs, mine%target, status=status)
    call check_status(status, torch_invalid_argument, 'there are no elements to validate with')
    call check(.not. trainer%should_stop(), 'the run goes on')
    call free(mine)
  end subroutine no_samples

  !> Each name is its procedure.
  subroutine losses_by_name()
    type(problem) :: mine
    type(torch_trainer) :: trainer
    type(torch_tensor) :: loss_tensor
    real(real64) :: loss, expected

    call make(mine)
    call torch_trainer_create(trainer, mine%model, mine%optim, 'l1')
    call trainer%validate(mine%inputs, mine%outputs, mine%target, loss)
    call torch_loss_l1(loss_tensor, mine%outputs(1), mine%target)
    call torch_tensor_to_array(loss_tensor, expected)
    call check_close(loss, expected, exact, 'l1')
    call torch_trainer_create(trainer, mine%model, mine%optim, 'kl_div')
    mine%y = abs(mine%y)
    call trainer%validate(mine%inputs, mine%outputs, mine%target, loss)
    call torch_loss_kl_div(loss_tensor, mine%outputs(1), mine%target)
    call torch_tensor_to_array(loss_tensor, expected)
    call check_close(loss, expected, exact, 'kl_div')
    call free(mine)
  end subroutine losses_by_name

  subroutine wrong_arguments()
    type(problem) :: mine
    type(torch_trainer) :: trainer
    type(torch_model) :: no_model
    type(torch_optim) :: no_optim
    type(torch_scheduler) :: no_scheduler
    type(torch_status) :: status

    call make(mine)
    call torch_trainer_create(trainer, no_model, mine%optim, status=status)
    call check_status(status, torch_invalid_argument, 'the model holds nothing')
    call torch_trainer_create(trainer, mine%model, no_optim, status=status)
    call check_status(status, torch_invalid_argument, 'the optimizer holds nothing')
    call torch_trainer_create(trainer, mine%model, mine%optim, 'rmse', status=status)
    call check_status(status, torch_invalid_argument, "loss is 'rmse'; it must be one of: mse l1")
    call torch_trainer_create(trainer, mine%model, mine%optim, 'mse', mine%model, status=status)
    call check_status(status, torch_invalid_argument, 'loss and loss_model')
    call torch_trainer_create(trainer, mine%model, mine%optim, loss_model=no_model, status=status)
    call check_status(status, torch_invalid_argument, 'loss_model holds nothing')
    call torch_trainer_create(trainer, mine%model, mine%optim, scheduler=no_scheduler, status=status)
    call check_status(status, torch_invalid_argument, 'scheduler')
    call torch_trainer_create(trainer, mine%model, mine%optim, max_norm=-1, status=status)
    call check_status(status, torch_invalid_argument, 'max_norm must be above 0')
    call torch_trainer_create(trainer, mine%model, mine%optim, max_norm='1', status=status)
    call check(index(status%message, 'must be above 0') == 0, 'a text is no number')
    call torch_trainer_create(trainer, mine%model, mine%optim, accumulate=0, status=status)
    call check_status(status, torch_invalid_argument, 'accumulate must be at least 1')
    call torch_trainer_create(trainer, mine%model, mine%optim, schedule_every=-1, status=status)
    call check_status(status, torch_invalid_argument, 'schedule_every must be at least 1')
    call torch_trainer_create(trainer, mine%model, mine%optim, min_delta=-0.1, status=status)
    call check_status(status, torch_invalid_argument, 'min_delta must not be below 0')
    call trainer%step(mine%inputs, mine%outputs, mine%target, status=status)
    call check_status(status, torch_invalid_argument, 'torch_trainer%step')
    call trainer%validate(mine%inputs, mine%outputs, mine%target, status=status)
    call check_status(status, torch_invalid_argument, 'torch_trainer%validate')
    call torch_trainer_create(trainer, mine%model, mine%optim, metrics_file='/nowhere/metrics.csv', status=status)
    call check_status(status, torch_io_error, '/nowhere/metrics.csv')
    call free(mine)
  end subroutine wrong_arguments

  !> A target of another shape, and an output of another shape: nothing has changed, and the next step is as ever.
  subroutine failing_steps()
    type(problem) :: mine, its
    type(torch_trainer) :: trainer, other
    type(torch_status) :: status
    type(torch_tensor) :: wrong
    real(real64), target :: numbers_of_wrong(3,4)
    real(real64) :: before(size(numbers_of_wrong))
    real(real64) :: parameters(number_count)

    call make(mine)
    call make(its)
    numbers_of_wrong = 7
    before = 7
    call torch_tensor_from_array(wrong, numbers_of_wrong, torch_kCPU)
    call torch_trainer_create(trainer, mine%model, mine%optim)
    call torch_trainer_create(other, its%model, its%optim)
    call trainer%step(mine%inputs, mine%outputs, mine%target)
    call other%step(its%inputs, its%outputs, its%target)
    parameters = numbers(mine)
    call trainer%step(mine%inputs, [wrong], mine%target, status=status)
    call check_status(status, torch_shape_mismatch, 'torch_trainer%step')
    call check_close(reshape(numbers_of_wrong, [12]), before, exact, 'the output')
    call trainer%step(mine%inputs, mine%outputs, wrong, status=status)
    call check_status(status, torch_shape_mismatch, 'torch_trainer%step')
    call trainer%step(mine%inputs, [mine%outputs, mine%outputs], mine%target, status=status)
    call check(.not. status%ok(), 'two outputs')
    call check_close(numbers(mine), parameters, exact, 'parameters after failures')
    call check_equal([trainer%steps()], [1_int64], 'steps')
    call trainer%step(mine%inputs, mine%outputs, mine%target)
    call other%step(its%inputs, its%outputs, its%target)
    call check_close(numbers(mine), numbers(its), exact, 'the next step')
    call torch_delete(wrong)
    call free(mine)
    call free(its)
  end subroutine failing_steps

  !> A NaN in the input: the optimizer leaves the step out, which counts for the schedule as in a loop written out.
  subroutine skipped_steps()
    type(problem) :: mine
    type(torch_trainer) :: trainer
    type(torch_scheduler) :: scheduler
    real(real64) :: parameters(number_count)
    real(real64) :: loss, kept, zero

    call make(mine)
    call mine%optim%skip_nonfinite(.true.)
    call torch_scheduler_ExponentialLR(scheduler, mine%optim, 0.5_real64)
    call torch_trainer_create(trainer, mine%model, mine%optim, scheduler=scheduler, max_norm=1)
    call trainer%step(mine%inputs, mine%outputs, mine%target)
    parameters = numbers(mine)
    kept = mine%x(3,3)
    zero = 0
    mine%x(3,3) = sqrt(zero - kept**2)
    call trainer%step(mine%inputs, mine%outputs, mine%target, loss)
    call check(.not. loss < huge(loss), 'the loss is told')
    call check_close(numbers(mine), parameters, exact, 'parameters')
    call check_close(mine%optim%get_learning_rate(), 0.0025_real64, exact, 'learning rate')
    call check_equal([mine%optim%skipped(), trainer%steps()], [1_int64, 2_int64], 'skipped, and steps')
    mine%x(3,3) = kept
    call trainer%step(mine%inputs, mine%outputs, mine%target)
    call check(any(abs(numbers(mine) - parameters) > 0), 'it goes on')
    call free(mine)
  end subroutine skipped_steps

  !> A schedule by epochs of three steps, each of two batches.
  subroutine schedules()
    type(problem) :: mine
    type(torch_trainer) :: trainer
    type(torch_scheduler) :: scheduler
    integer :: batch

    call make(mine)
    call torch_scheduler_ExponentialLR(scheduler, mine%optim, 0.5_real64)
    call torch_trainer_create(trainer, mine%model, mine%optim, scheduler=scheduler, schedule_every=3, accumulate=2)
    do batch = 1, 13
      call trainer%step(mine%inputs, mine%outputs, mine%target)
      call check_close(mine%optim%get_learning_rate(), 0.01_real64 * 0.5_real64**(batch / 6), exact, 'learning rate')
    end do
    call check_equal([trainer%steps()], [6_int64], 'steps')
    call free(mine)
  end subroutine schedules

  !> Losses of real32 come as real64, by name and as a model.
  subroutine single_precision()
    type(torch_model) :: model, loss_model
    type(torch_optim) :: optim
    type(torch_trainer) :: trainer
    type(torch_tensor) :: parameters(2), inputs(1), outputs(1), target
    real(real32), target :: x(6,4), y(6,4)
    real(real64) :: loss, expected

    call torch_model_load(model, model_file('normalised.pt'), torch_kCPU, is_training=.true.)
    call torch_model_parameters(model, parameters)
    call torch_optim_SGD(optim, parameters, learning_rate=0.1)
    x = 1
    call torch_tensor_from_array(inputs(1), x, torch_kCPU)
    call torch_tensor_from_array(outputs(1), y, torch_kCPU)
    call torch_tensor_zeros(target, 2, [6_int64, 4_int64], torch_kFloat32, torch_kCPU)
    call torch_trainer_create(trainer, model, optim, max_norm=1.0_real32, accumulate=2)
    call trainer%validate(inputs, outputs, target, loss)
    call check_close(loss, sum(real(y, real64)**2) / size(y), 1e-6_real64, 'mse')
    call trainer%step(inputs, outputs, target)
    call trainer%step(inputs, outputs, target)
    call check_equal([trainer%steps()], [1_int64], 'steps')
    call torch_model_load(loss_model, model_file('squared_error.pt'), torch_kCPU)
    call torch_trainer_create(trainer, model, optim)
    call trainer%validate(inputs, outputs, target, expected)
    call torch_trainer_create(trainer, model, optim, loss_model=loss_model)
    call trainer%validate(inputs, outputs, target, loss)
    call check_close(loss, expected, 1e-6_real64, 'a model')
    call trainer%step(inputs, outputs, target)
    call check_equal([trainer%steps()], [1_int64], 'steps with a model as the loss')
  end subroutine single_precision

  !> A copy shares the model and goes on by itself.
  subroutine copies()
    type(problem) :: mine
    type(torch_trainer) :: trainer, copy

    call make(mine)
    call torch_trainer_create(trainer, mine%model, mine%optim)
    call trainer%step(mine%inputs, mine%outputs, mine%target)
    copy = trainer
    call torch_trainer_delete(trainer)
    call copy%step(mine%inputs, mine%outputs, mine%target)
    call check_equal([copy%steps()], [2_int64], 'steps')
    call free(mine)
  end subroutine copies

end module trainer_cases

program test_trainer
  use testing, only: add_case, run_cases
  use trainer_cases
  implicit none

  call add_case('step_is_the_loop', step_is_the_loop, 'models')
  call add_case('batches_make_a_step', batches_make_a_step, 'models')
  call add_case('loss_models', loss_models, 'models')
  call add_case('validation_of_loss_models', validation_of_loss_models, 'models')
  call add_case('no_samples', no_samples, 'models')
  call add_case('losses_by_name', losses_by_name, 'models')
  call add_case('wrong_arguments', wrong_arguments, 'models')
  call add_case('failing_steps', failing_steps, 'models')
  call add_case('skipped_steps', skipped_steps, 'models')
  call add_case('schedules', schedules, 'models')
  call add_case('single_precision', single_precision, 'models')
  call add_case('copies', copies, 'models')
  call run_cases()
end program test_trainer
