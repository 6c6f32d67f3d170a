! SPDX-License-Identifier: MIT
!> Trainers: validations and what follows from them, records, and resuming.
module trainer_validation_cases
  use, intrinsic :: iso_fortran_env, only: int64, real64
  use ftorch
  use model_files, only: model_file
  use testing, only: check, check_close, check_equal, check_status
  use training_problem, only: free, make, number_count, numbers, problem
  implicit none
  private
  public :: validation, many_batches, early_stopping, small_gains, no_finite_loss, plateau, metrics_file
  public :: full_disk, counters, memory

  real(real64), parameter :: exact = 0

contains

  !> In evaluation mode, without a graph; the mode is put back, after a failure too.
  subroutine validation()
    type(problem) :: mine
    type(torch_trainer) :: trainer
    type(torch_status) :: status
    type(torch_model) :: model
    type(torch_optim) :: optim
    type(torch_tensor) :: parameters(2), x(1), out(1), target
    real(real64) :: loss, again

    call make(mine)
    call torch_trainer_create(trainer, mine%model, mine%optim)
    call trainer%validate(mine%inputs, mine%outputs, mine%target, loss)
    call check(mine%model%is_training(), 'training mode')
    call check(.not. mine%outputs(1)%requires_grad(), 'no graph')
    call trainer%validate(mine%inputs, mine%inputs, mine%target, status=status)
    call check_status(status, torch_shape_mismatch, 'torch_trainer%validate')
    call check(mine%model%is_training(), 'training mode after a failure')
    call mine%model%eval()
    call trainer%validate(mine%inputs, mine%outputs, mine%target, again)
    call check(.not. mine%model%is_training(), 'evaluation mode')
    call check_close(again, loss, exact, 'loss')
    call free(mine)
    ! With dropout the loss of training mode is another each time.
    call torch_model_load(model, model_file('normalised.pt'), torch_kCPU, is_training=.true.)
    call torch_model_parameters(model, parameters)
    call torch_optim_SGD(optim, parameters)
    call torch_tensor_ones(x(1), 2, [6_int64, 4_int64], torch_kFloat32, torch_kCPU)
    call torch_tensor_zeros(out(1), 2, [6_int64, 4_int64], torch_kFloat32, torch_kCPU)
    call torch_tensor_zeros(target, 2, [6_int64, 4_int64], torch_kFloat32, torch_kCPU)
    call torch_trainer_create(trainer, model, optim)
    call trainer%validate(x, out, target, loss)
    call trainer%validate(x, out, target, again)
    call check_close(again, loss, exact, 'no dropout, no statistics')
  end subroutine validation

  !> The mean over batches is that of all samples.
  subroutine many_batches()
    type(problem) :: mine
    type(torch_trainer) :: trainer
    type(torch_tensor) :: inputs(1), outputs(1), target
    type(torch_status) :: status
    real(real64) :: loss, whole
    integer :: i, ends(3), first

    call make(mine)
    call torch_trainer_create(trainer, mine%model, mine%optim, patience=1)
    call trainer%validate(mine%inputs, mine%outputs, mine%target, whole)
    ends = [5, 6, 12]
    first = 1
    do i = 1, 3
      call torch_tensor_from_array(inputs(1), mine%x(first:ends(i),:), torch_kCPU)
      call torch_tensor_from_array(outputs(1), mine%output(first:ends(i),:), torch_kCPU)
      call torch_tensor_from_array(target, mine%y(first:ends(i),:), torch_kCPU)
      call check(.not. trainer%should_stop(), 'the validation goes on')
      call trainer%validate(inputs, outputs, target, loss, more=i < 3)
      first = ends(i) + 1
    end do
    call check_close(loss, whole, 1e-15_real64, 'the mean')
    call trainer%validate(inputs, outputs, target, more=.true.)
    call trainer%validate(inputs, outputs, mine%target, loss, status=status)
    call check_status(status, torch_shape_mismatch, 'torch_trainer%validate')
    call trainer%validate(mine%inputs, mine%outputs, mine%target, loss)
    call check_close(loss, whole, 1e-15_real64, 'the validation after one that failed')
    call torch_delete(inputs)
    call torch_delete(outputs)
    call torch_delete(target)
    call free(mine)
  end subroutine many_batches

  subroutine early_stopping()
    type(problem) :: mine
    type(torch_trainer) :: trainer
    type(torch_status) :: status
    real(real64) :: best(number_count)
    real(real64) :: loss
    integer :: i

    call make(mine)
    call torch_trainer_create(trainer, mine%model, mine%optim, patience=2)
    call trainer%restore_best(status)
    call check_status(status, torch_invalid_argument, 'torch_trainer%restore_best')
    call trainer%step(mine%inputs, mine%outputs, mine%target)
    call trainer%validate(mine%inputs, mine%outputs, mine%target, loss)
    best = numbers(mine)
    call mine%optim%set_learning_rate(10)
    do i = 1, 2
      call check(.not. trainer%should_stop(), 'patience')
      call trainer%step(mine%inputs, mine%outputs, mine%target)
      call trainer%validate(mine%inputs, mine%outputs, mine%target)
    end do
    call check(trainer%should_stop(), 'it is over')
    call check_close(trainer%best_loss(), loss, exact, 'the lowest loss')
    call trainer%restore_best()
    call check_close(numbers(mine), best, exact, 'the best state')
    call free(mine)
  end subroutine early_stopping

  !> What is lower by no more than `min_delta` counts as no gain; several such steps together are one.
  subroutine small_gains()
    real(real64), parameter :: shifts(*) = [8, 7, 5, 5, 4, 4] * 0.5_real64
    logical, parameter :: stops(*) = [.false., .false., .false., .false., .false., .true.]
    type(problem) :: mine
    type(torch_trainer) :: trainer
    real(real64) :: loss
    integer :: i

    call make(mine)
    call torch_trainer_create(trainer, mine%model, mine%optim, 'l1', patience=3, min_delta=1)
    do i = 1, size(shifts)
      ! Loss |output - target| is the shift.
      call torch_model_forward(mine%model, mine%inputs, mine%outputs)
      mine%y = mine%output + shifts(i)
      call trainer%validate(mine%inputs, mine%outputs, mine%target, loss)
      call check_close(loss, shifts(i), 1e-14_real64, 'loss')
      call check(trainer%should_stop() .eqv. stops(i), 'stop')
    end do
    call check_close(trainer%best_loss(), 2.5_real64, 1e-14_real64, 'the lowest by more than min_delta')
    call free(mine)
  end subroutine small_gains

  !> NaN is never lower, so patience ends, and there is no best state.
  subroutine no_finite_loss()
    type(problem) :: mine
    type(torch_trainer) :: trainer
    type(torch_status) :: status
    type(torch_checkpoint) :: checkpoint
    real(real64) :: loss, zero

    call make(mine)
    zero = 0
    mine%x(2,2) = sqrt(zero - 1)
    call torch_trainer_create(trainer, mine%model, mine%optim, patience=2)
    call trainer%validate(mine%inputs, mine%outputs, mine%target, loss)
    call check(.not. loss < huge(loss) .and. .not. trainer%should_stop(), 'one')
    call trainer%validate(mine%inputs, mine%outputs, mine%target)
    call check(trainer%should_stop(), 'patience ends')
    call trainer%restore_best(status)
    call check_status(status, torch_invalid_argument, 'no validation has had a finite loss')
    call trainer%put_into(checkpoint, 'trainer')
    call torch_trainer_create(trainer, mine%model, mine%optim, patience=2)
    call trainer%get_from(checkpoint, 'trainer')
    call check(trainer%should_stop(), 'resumed')
    call check(trainer%best_loss() >= huge(loss), 'no lowest loss')
    call free(mine)
  end subroutine no_finite_loss

  !> ReduceLROnPlateau is stepped by validations.
  subroutine plateau()
    type(problem) :: mine
    type(torch_trainer) :: trainer
    type(torch_scheduler) :: scheduler
    integer :: i

    call make(mine)
    call torch_scheduler_ReduceLROnPlateau(scheduler, mine%optim, factor=0.5_real64, patience=1)
    call torch_trainer_create(trainer, mine%model, mine%optim, scheduler=scheduler)
    call trainer%step(mine%inputs, mine%outputs, mine%target)
    do i = 1, 4
      call trainer%validate(mine%inputs, mine%outputs, mine%target)
      call check_close(mine%optim%get_learning_rate(), merge(0.01_real64, 0.005_real64, i < 3), exact, 'learning rate')
    end do
    call free(mine)
  end subroutine plateau

  subroutine metrics_file()
    character(len=*), parameter :: file = 'trainer_metrics.csv'
    type(problem) :: mine
    type(torch_trainer) :: trainer
    character(len=200) :: line
    integer :: unit, step, i
    real(real64) :: loss(4), validation_loss, numbers_of_line(3)

    call make(mine)
    open (newunit=unit, file=file, status='replace')
    close (unit)
    call torch_trainer_create(trainer, mine%model, mine%optim, metrics_file=file, metrics_every=2)
    do i = 1, 4
      call trainer%step(mine%inputs, mine%outputs, mine%target, loss(i))
    end do
    call trainer%validate(mine%inputs, mine%outputs, mine%target, validation_loss)
    open (newunit=unit, file=file, action='read', status='old')
    read (unit, '(a)') line
    call check(line == 'step,time,loss,learning_rate,validation_loss', 'header: ' // trim(line))
    do i = 2, 4, 2
      read (unit, '(a)') line
      call check(line(len_trim(line):) == ',', 'no validation: ' // trim(line))
      read (line, *) step, numbers_of_line
      call check_equal(step, i, 'step')
      call check_close(numbers_of_line(2), loss(i), exact, 'loss')
      call check_close(numbers_of_line(3), 0.01_real64, exact, 'learning rate')
    end do
    read (unit, '(a)') line
    call check(line(:2) == '4,', 'a record of the step anew: ' // trim(line))
    read (line(index(line, ',', back=.true.) + 1:), *) numbers_of_line(1)
    call check_close(numbers_of_line(1), validation_loss, exact, 'validation loss')
    close (unit, status='delete')
    call free(mine)
  end subroutine metrics_file

  !> A limit on the size of files is like a full disk: the steps are made and count, and the file has whole records.
  subroutine full_disk()
    character(len=*), parameter :: file = 'trainer_full_disk.csv'
    type(problem) :: mine, its
    type(torch_trainer) :: trainer, other
    type(torch_status) :: status
    real(real64) :: loss
    integer :: i, failures, records, unit, outcome
    character(len=200) :: line

    call make(mine)
    call make(its)
    call torch_trainer_create(trainer, mine%model, mine%optim, metrics_file=file)
    call torch_trainer_create(other, its%model, its%optim)
    call limit_file_size(200)
    failures = 0
    do i = 1, 5
      call trainer%step(mine%inputs, mine%outputs, mine%target, status=status)
      if (.not. status%ok()) then
        call check_status(status, torch_io_error, file // "': it cannot be written: File too large")
        failures = failures + 1
      end if
      call other%step(its%inputs, its%outputs, its%target)
    end do
    call trainer%validate(mine%inputs, mine%outputs, mine%target, loss, status=status)
    call check_status(status, torch_io_error, 'torch_trainer%validate')
    call check(failures > 0 .and. failures < 5, 'some records are there')
    call check_equal([trainer%steps()], [5_int64], 'steps')
    call check_close(numbers(mine), numbers(its), exact, 'parameters')
    call check_close(trainer%best_loss(), loss, exact, 'the validation counts')
    call limit_file_size(100000)
    call trainer%step(mine%inputs, mine%outputs, mine%target)
    call torch_delete(trainer)
    open (newunit=unit, file=file, action='read', status='old')
    records = -1
    do
      read (unit, '(a)', iostat=outcome) line
      if (outcome /= 0) exit
      records = records + 1
      call check(count([(line(i:i) == ',', i = 1, len(line))]) == 4, trim(line))
    end do
    close (unit, status='delete')
    call check_equal(records, 6 - failures, 'records')
    call free(mine)
    call free(its)
  end subroutine full_disk

  !> POSIX: bytes that a file of this process may have; a higher limit may come back.
  subroutine limit_file_size(bytes)
    use, intrinsic :: iso_c_binding, only: c_int, c_long
    integer, intent(in) :: bytes
    integer(c_int), parameter :: rlimit_fsize = 1
    integer(c_long) :: limits(2)
    interface
      integer(c_int) function getrlimit(resource, limits) bind(C)
        import :: c_int, c_long
        implicit none
        integer(c_int), value :: resource
        integer(c_long), intent(out) :: limits(2)
      end function getrlimit
      integer(c_int) function setrlimit(resource, limits) bind(C)
        import :: c_int, c_long
        implicit none
        integer(c_int), value :: resource
        integer(c_long), intent(in) :: limits(2)
      end function setrlimit
    end interface

    call check(getrlimit(rlimit_fsize, limits) == 0, 'getrlimit')
    limits(1) = bytes
    call check(setrlimit(rlimit_fsize, limits) == 0, 'setrlimit')
  end subroutine limit_file_size

  !> Counters and the best state go through a checkpoint; what does not fit changes nothing.
  subroutine counters()
    type(problem) :: mine, its
    type(torch_trainer) :: trainer, resumed, copy
    type(torch_checkpoint) :: checkpoint, empty
    type(torch_status) :: status
    real(real64) :: best(number_count), last(number_count)

    call make(mine)
    call torch_trainer_create(trainer, mine%model, mine%optim, patience=2)
    call trainer%step(mine%inputs, mine%outputs, mine%target)
    call trainer%validate(mine%inputs, mine%outputs, mine%target)
    best = numbers(mine)
    call mine%optim%set_learning_rate(10)
    call trainer%step(mine%inputs, mine%outputs, mine%target)
    call trainer%validate(mine%inputs, mine%outputs, mine%target)
    last = numbers(mine)
    call trainer%put_into(checkpoint, 'trainer')
    call check_close(numbers(mine), last, exact, 'the model stays as it is')
    call make(its)
    call torch_trainer_create(resumed, its%model, its%optim, patience=2)
    call resumed%get_from(checkpoint, 'trainer')
    call check_equal([resumed%steps()], [2_int64], 'steps')
    call check_close(resumed%best_loss(), trainer%best_loss(), exact, 'the lowest loss')
    call check(.not. resumed%should_stop(), 'one bad validation')
    call resumed%get_from(empty, 'trainer', status)
    call check_status(status, torch_invalid_argument, 'torch_trainer%get_from')
    call check_equal([resumed%steps()], [2_int64], 'steps after a failure')
    copy = resumed
    call torch_model_forward(its%model, its%inputs, its%outputs)
    its%y = its%output
    call copy%validate(its%inputs, its%outputs, its%target)
    call check(copy%best_loss() < resumed%best_loss(), 'a copy counts by itself')
    call resumed%restore_best()
    call check_close(numbers(its), best, exact, 'the best state')
    call free(mine)
    call free(its)
  end subroutine counters

  !> Nothing is left of a trainer that ended, nor of one that took the place of another.
  subroutine memory()
    integer(int64) :: before(7)

    call train_once()
    before = live()
    call train_once()
    call check_equal(live(), before, 'live objects')
  end subroutine memory

  subroutine train_once()
    type(problem) :: mine
    type(torch_trainer) :: trainer, copy
    type(torch_scheduler) :: scheduler
    type(torch_checkpoint) :: checkpoint
    type(torch_model) :: loss_model
    integer :: i

    call make(mine)
    call torch_scheduler_StepLR(scheduler, mine%optim, 10)
    call torch_model_load(loss_model, model_file('squared_error.pt'), torch_kCPU)
    do i = 1, 2
      call torch_trainer_create(trainer, mine%model, mine%optim, loss_model=loss_model, scheduler=scheduler, accumulate=2, &
                                metrics_file='trainer_memory.csv')
      call trainer%step(mine%inputs, mine%outputs, mine%target)
      call trainer%step(mine%inputs, mine%outputs, mine%target)
      call trainer%validate(mine%inputs, mine%outputs, mine%target)
      copy = trainer
      call copy%put_into(checkpoint, 'trainer')
      call copy%get_from(checkpoint, 'trainer')
      call copy%restore_best()
    end do
    call free(mine)
    open (newunit=i, file='trainer_memory.csv')
    close (i, status='delete')
  end subroutine train_once

  function live()
    integer(int64) :: live(7)

    live = [torch_live_tensors(), torch_live_models(), torch_live_optims(), torch_live_schedulers(), &
            torch_live_checkpoints(), torch_live_replay_buffers(), torch_live_metrics()]
  end function live

end module trainer_validation_cases

program test_trainer_validation
  use testing, only: add_case, run_cases
  use trainer_validation_cases
  implicit none

  call add_case('validation', validation, 'models')
  call add_case('many_batches', many_batches, 'models')
  call add_case('early_stopping', early_stopping, 'models')
  call add_case('small_gains', small_gains, 'models')
  call add_case('no_finite_loss', no_finite_loss, 'models')
  call add_case('plateau', plateau, 'models')
  call add_case('metrics_file', metrics_file, 'models')
  call add_case('full_disk', full_disk, 'models')
  call add_case('counters', counters, 'models')
  call add_case('memory', memory, 'models')
  call run_cases()
end program test_trainer_validation
