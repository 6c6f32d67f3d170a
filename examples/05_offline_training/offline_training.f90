! SPDX-License-Identifier: MIT
!> Trains a convolutional network over epochs on pairs of fields, and keeps the best one.
!>
!> Usage: offline_training MODEL_FILE OUTPUT_FOLDER; exit status 1: the check failed, 2: wrong usage.
program offline_training
  use, intrinsic :: iso_fortran_env, only: error_unit, real32, real64
  use allen_cahn, only: make_pairs, points, random_numbers
  use ftorch
  implicit none

  integer, parameter :: training_pairs = 512, validation_pairs = 128
  integer, parameter :: batch_size = 32
  integer, parameter :: epochs = 20
  integer, parameter :: parameter_count = 6  !! weight and bias of three layers
  real(real64), parameter :: learning_rate = 5e-3_real64

  ! The last dimension is the pair, so that the numbers of one lie side by side, as PyTorch has them.
  real(real32), target :: now(points, points, 1, training_pairs), later(points, points, 1, training_pairs)
  real(real32), target, dimension(points, points, 1, validation_pairs) :: now_held_out, later_held_out, guess_held_out
  real(real32), target, dimension(points, points, 1, batch_size) :: now_batch, later_batch, guess_batch
  real(real32), target :: loss
  integer, parameter :: network_order(4) = [4, 3, 2, 1]  !! pair, channel, y, x
  type(torch_tensor) :: input(1), output(1), goal, input_held_out(1), output_held_out(1), goal_held_out
  type(torch_tensor) :: loss_tensor, parameters(parameter_count)
  type(torch_model) :: network
  type(torch_optim) :: optimizer
  type(torch_scheduler) :: scheduler
  type(random_numbers) :: random
  character(len=:), allocatable :: folder
  real(real64) :: training_loss, validation_loss, best, unlearned
  integer :: epoch, batch, losses, order(training_pairs)

  folder = argument(2)
  call torch_model_load(network, argument(1), torch_kCPU, requires_grad=.true.)
  call make_pairs(random, now, later)
  call make_pairs(random, now_held_out, later_held_out)

  call torch_tensor_from_array(input(1), now_batch, torch_kCPU, permute_dims=network_order)
  call torch_tensor_from_array(output(1), guess_batch, torch_kCPU, permute_dims=network_order)
  call torch_tensor_from_array(goal, later_batch, torch_kCPU, permute_dims=network_order)
  call torch_tensor_from_array(input_held_out(1), now_held_out, torch_kCPU, permute_dims=network_order)
  call torch_tensor_from_array(output_held_out(1), guess_held_out, torch_kCPU, permute_dims=network_order)
  call torch_tensor_from_array(goal_held_out, later_held_out, torch_kCPU, permute_dims=network_order)
  call torch_tensor_from_array(loss_tensor, loss, torch_kCPU)
  call torch_model_parameters(network, parameters)
  call torch_optim_Adam(optimizer, parameters, learning_rate=learning_rate)
  call torch_scheduler_CosineAnnealingLR(scheduler, optimizer, T_max=epochs)

  ! What is there to learn: the error of saying that nothing changes.
  unlearned = sum((real(now_held_out, real64) - later_held_out)**2)/size(now_held_out)
  open (newunit=losses, file=folder//'/fortran.csv', status='replace', action='write')
  write (losses, '(a)') 'epoch,training_loss,validation_loss'
  print '(a)', 'epoch  learning rate  training loss  validation loss'
  best = huge(best)
  do epoch = 1, epochs
    call shuffle(order)
    call network%train()
    training_loss = 0
    do batch = 1, training_pairs/batch_size
      call take_batch(order((batch - 1)*batch_size + 1:batch*batch_size))
      call optimizer%zero_grad()
      call torch_model_forward(network, input, output, requires_grad=.true.)
      call torch_loss_mse(loss_tensor, output(1), goal)
      call torch_tensor_backward(loss_tensor)
      call optimizer%step()
      training_loss = training_loss + real(loss, real64)/(training_pairs/batch_size)
    end do

    call network%eval()
    call torch_model_forward(network, input_held_out, output_held_out)
    call torch_loss_mse(loss_tensor, output_held_out(1), goal_held_out)
    validation_loss = loss
    write (losses, '(i0, 2(",", es22.14))') epoch, training_loss, validation_loss
    print '(i5, f15.5, es15.4, es17.4)', epoch, optimizer%get_learning_rate(), training_loss, validation_loss
    if (validation_loss < best) then
      best = validation_loss
      call torch_model_save(network, folder//'/best.pt2')
    end if
    call scheduler%step()
  end do
  close (losses)

  print '(a, es10.3, a, es10.3, a)', 'best:', best, '; where nothing is learned:', unlearned
  if (.not. best < 0.05_real64*unlearned) stop 1

contains

  function argument(number) result(text)
    integer, intent(in) :: number
    character(len=:), allocatable :: text
    integer :: length

    call get_command_argument(number, length=length)
    if (length == 0) then
      write (error_unit, '(a)') 'Usage: offline_training MODEL_FILE OUTPUT_FOLDER'
      stop 2
    end if
    allocate (character(len=length) :: text)
    call get_command_argument(number, text)
  end function argument

  !> Puts the pairs of one batch before the tensors, which stay attached to its arrays.
  subroutine take_batch(chosen)
    integer, intent(in) :: chosen(:)

    now_batch = now(:, :, :, chosen)
    later_batch = later(:, :, :, chosen)
  end subroutine take_batch

  !> All pairs in random order (Durstenfeld 1964).
  subroutine shuffle(order)
    integer, intent(out) :: order(:)
    integer :: i, other, kept

    order = [(i, i=1, size(order))]
    do i = size(order), 2, -1
      other = int(modulo(random%next(), int(i, kind(random%state)))) + 1
      kept = order(i)
      order(i) = order(other)
      order(other) = kept
    end do
  end subroutine shuffle
end program offline_training
