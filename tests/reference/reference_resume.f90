! SPDX-License-Identifier: MIT
!> A run that saves at its start and every seven steps, and goes on from what is saved, in the working directory:
!> `reference_resume MODEL STEPS MOST` makes STEPS steps in all and at most MOST in this process, and writes the numbers of the best
!> network to `result`.
program reference_resume
  use, intrinsic :: iso_fortran_env, only: int64, real64
  use ftorch
  implicit none
  character(len=*), parameter :: saved = 'run.safetensors'
  integer, parameter :: samples = 16
  real(real64), target :: x(samples,8), y(samples,4), output(samples,4)
  type(torch_model) :: model
  type(torch_tensor) :: inputs(1), outputs(1), target
  type(torch_tensor), allocatable :: parameters(:)
  type(torch_optim) :: optim
  type(torch_scheduler) :: scheduler
  type(torch_trainer) :: trainer
  type(torch_checkpoint) :: checkpoint
  real(real64), allocatable :: numbers(:)
  integer(int64) :: last
  integer :: step, batch, unit
  logical :: is_resumed

  call torch_model_load(model, text(1), torch_kCPU, is_training=.true.)
  allocate (parameters(torch_model_num_parameters(model)))
  call torch_model_parameters(model, parameters)
  call torch_optim_Adam(optim, parameters, learning_rate=0.005_real64)
  call torch_scheduler_ReduceLROnPlateau(scheduler, optim, factor=0.5_real64, patience=1)
  call torch_tensor_from_array(inputs(1), x, torch_kCPU)
  call torch_tensor_from_array(outputs(1), output, torch_kCPU)
  call torch_tensor_from_array(target, y, torch_kCPU)
  call torch_trainer_create(trainer, model, optim, 'smooth_l1', scheduler=scheduler, max_norm=0.5, accumulate=2, &
                            metrics_file='metrics.csv', patience=8, min_delta=0.02, total_steps=number(2))
  inquire (file=saved, exist=is_resumed)
  if (is_resumed) then
    call torch_checkpoint_load(checkpoint, saved)
    call checkpoint%get('model', model)
    call checkpoint%get('optimizer', optim)
    call checkpoint%get('scheduler', scheduler)
    call trainer%get_from(checkpoint, 'trainer')
  else
    call save()
  end if

  last = trainer%steps() + number(3)
  do step = int(trainer%steps()) + 1, number(2)
    if (trainer%should_stop()) exit
    if (step > last) stop
    do batch = 1, 2
      call fill(2 * step + batch)
      call trainer%step(inputs, outputs, target)
    end do
    if (mod(step, 3) == 0) then
      call fill(0)
      call trainer%validate(inputs, outputs, target)
    end if
    if (mod(step, 7) == 0) call save()
  end do

  call trainer%restore_best()
  allocate (numbers(sum([(product(parameters(step)%get_shape()), step=1, size(parameters))])))
  call torch_parameters_to_array(numbers, parameters)
  open (newunit=unit, file='result', access='stream', action='write', status='replace')
  write (unit) trainer%steps(), trainer%best_loss(), optim%get_learning_rate(), numbers
  close (unit)

contains

  subroutine save()
    call checkpoint%put('model', model)
    call checkpoint%put('optimizer', optim)
    call checkpoint%put('scheduler', scheduler)
    call trainer%put_into(checkpoint, 'trainer')
    call torch_checkpoint_save(checkpoint, saved)
  end subroutine save

  !> Numbers that depend on the batch alone.
  subroutine fill(batch)
    integer, intent(in) :: batch
    integer :: i, j

    do j = 1, 8
      x(:,j) = [(sin(real(i * j + 5 * batch, real64)), i=1, samples)]
    end do
    y = x(:,:4) * x(:,5:)
  end subroutine fill

  function text(place)
    integer, intent(in) :: place
    character(len=1024) :: text

    call get_command_argument(place, text)
  end function text

  integer function number(place)
    integer, intent(in) :: place
    character(len=1024) :: argument

    argument = text(place)
    read (argument, *) number
  end function number

end program reference_resume
