! SPDX-License-Identifier: MIT
!> Models of files train on all ranks as on one, whatever their format.
module format_cases
  use, intrinsic :: iso_fortran_env, only: int64, real32, real64
  use ftorch
  use ftorch_mpi
  use model_files, only: model_file
  use parallel_problem, only: on_world
  use ranks, only: half, own_rank, world_size
  use testing, only: check, check_close, check_equal, check_status
  implicit none
  private
  public :: torchscript, exported, compiled, package, restored, grown

  integer, parameter :: rows = 6, steps = 20

contains

  !> Rows of a rank, or of all.
  subroutine fill(x, y, step, first)
    real(real32), intent(out) :: x(:, :), y(:, :)
    integer, intent(in) :: step, first
    integer :: i, j

    do i = 1, size(x, 1)
      x(i, :) = [(sin(real(3 * (first + i) + 5 * j + step)), j=1, size(x, 2))]
      y(i, :) = [(cos(real(first + i + 7 * j + step)), j=1, size(y, 2))]
    end do
  end subroutine fill

  subroutine make(model, optim, file)
    type(torch_model), intent(inout) :: model
    type(torch_optim), intent(inout) :: optim
    character(len=*), intent(in) :: file
    type(torch_tensor) :: parameters(6)

    call torch_model_load(model, model_file(file), torch_kCPU)
    call torch_model_parameters(model, parameters)
    call torch_optim_SGD(optim, parameters, learning_rate=0.05, momentum=0.5)
  end subroutine make

  !> Forward and backward pass over rows.
  subroutine pass(model, optim, step, first, count)
    type(torch_model), intent(in) :: model
    type(torch_optim), intent(inout) :: optim
    integer, intent(in) :: step, first, count
    type(torch_tensor) :: x, y, output, loss
    real(real32), target :: xa(count, 8), ya(count, 4), oa(count, 4)

    call fill(xa, ya, step, first)
    call torch_tensor_from_array(x, xa, torch_kCPU)
    call torch_tensor_from_array(y, ya, torch_kCPU)
    call torch_tensor_from_array(output, oa, torch_kCPU)
    call optim%zero_grad()
    call torch_model_forward(model, x, output, requires_grad=.true.)
    call torch_loss_mse(loss, output, y)
    call torch_tensor_backward(loss)
  end subroutine pass

  subroutine compare(model, other)
    type(torch_model), intent(in) :: model, other
    type(torch_tensor) :: parameters(6)
    real(real32), allocatable :: got(:), expected(:)

    allocate (got(8 * 32 + 32 + 32 * 32 + 32 + 32 * 4 + 4), source=0.0_real32)
    allocate (expected, source=got)
    call torch_model_parameters(model, parameters)
    call torch_parameters_to_array(got, parameters)
    call torch_model_parameters(other, parameters)
    call torch_parameters_to_array(expected, parameters)
    call check_close(got, expected, 1.0e-6, 'weights')
  end subroutine compare

  subroutine train(file)
    character(len=*), intent(in) :: file
    type(torch_communicator) :: communicator
    type(torch_model) :: model, other
    type(torch_optim) :: optim, other_optim
    integer :: step

    communicator = on_world()
    call make(model, optim, file)
    call make(other, other_optim, file)
    do step = 1, steps
      call torch_mpi_average_gradients_start(communicator, model, rows)
      call pass(model, optim, step, rows * int(own_rank()), rows)
      call torch_mpi_average_gradients_wait(communicator)
      call optim%step()
      call pass(other, other_optim, step, 0, rows * int(world_size()))
      call other_optim%step()
    end do
    call compare(model, other)
    call torch_communicator_delete(communicator)
  end subroutine train

  subroutine torchscript()
    call train('mlp_float32.pt')
  end subroutine torchscript

  subroutine exported()
    call train('mlp_float32.pt2')
  end subroutine exported

  !> Gradients of a compiled training step.
  subroutine compiled()
    type(torch_communicator) :: communicator
    type(torch_model) :: model, other
    type(torch_optim) :: optim, other_optim
    type(torch_train_step) :: train_step
    type(torch_tensor) :: x(1), y(1)
    real(real32), target :: xa(rows, 8), ya(rows, 4)
    real(real32) :: loss
    logical :: is_there
    integer :: step

    inquire (file=model_file('mlp_float32_step.pt2'), exist=is_there)
    if (.not. is_there) return
    communicator = on_world()
    call make(model, optim, 'mlp_float32.pt2')
    call make(other, other_optim, 'mlp_float32.pt2')
    call torch_train_step_load(train_step, model_file('mlp_float32_step.pt2'), model, optim)
    call torch_tensor_from_array(x(1), xa, torch_kCPU)
    call torch_tensor_from_array(y(1), ya, torch_kCPU)
    do step = 1, steps
      call fill(xa, ya, step, rows * int(own_rank()))
      call train_step%gradients(x, y, loss)
      call torch_mpi_average_gradients(communicator, model, rows)
      call optim%step()
      call pass(other, other_optim, step, 0, rows * int(world_size()))
      call other_optim%step()
    end do
    call compare(model, other)
    call torch_communicator_delete(communicator)
  end subroutine compiled

  !> A package of AOTInductor that one rank reads.
  subroutine package()
    type(torch_communicator) :: communicator
    type(torch_model) :: model, other
    type(torch_tensor) :: x, output, expected
    real(real32), target :: xa(rows, 8), ya(rows, 4), oa(rows, 4), ea(rows, 4)
    character(len=:), allocatable :: name
    logical :: is_there

    inquire (file=model_file('mlp_float32_compiled.pt2'), exist=is_there)
    if (.not. is_there) return
    communicator = on_world()
    name = 'only rank 0 reads it'
    if (own_rank() == 0) name = model_file('mlp_float32_compiled.pt2')
    call torch_mpi_load(model, name, torch_kCPU, communicator)
    call torch_model_load(other, model_file('mlp_float32.pt2'), torch_kCPU)
    call fill(xa, ya, 1, int(own_rank()))
    call torch_tensor_from_array(x, xa, torch_kCPU)
    call torch_tensor_from_array(output, oa, torch_kCPU)
    call torch_tensor_from_array(expected, ea, torch_kCPU)
    call torch_mpi_forward(communicator, model, x, output)
    call torch_model_forward(other, x, expected)
    call check_close(oa, ea, 1.0e-6, 'results')
    call torch_communicator_delete(communicator)
  end subroutine package

  !> A checkpoint of one rank, from which all go on.
  subroutine restored()
    type(torch_communicator) :: communicator
    type(torch_model) :: model, other
    type(torch_optim) :: optim, other_optim
    type(torch_checkpoint) :: saved, loaded
    type(torch_status) :: status

    communicator = on_world()
    call make(other, other_optim, 'mlp_float32.pt')
    call pass(other, other_optim, 1, 0, rows)
    call other_optim%step()
    if (own_rank() == 0) then
      call saved%put('model', other)
      call saved%put('optimizer', other_optim)
      call torch_checkpoint_save(saved, 'restored.safetensors', status)
    end if
    call torch_mpi_agree(communicator, status)
    call check(status%ok(), 'written')
    if (own_rank() == 0) call torch_checkpoint_load(loaded, 'restored.safetensors', status)
    call torch_mpi_agree(communicator, status)
    call check(status%ok(), 'read')
    call torch_mpi_broadcast(communicator, loaded)
    call make(model, optim, 'mlp_float32.pt')
    call loaded%get('model', model)
    call loaded%get('optimizer', optim)
    call compare(model, other)
    call torch_communicator_delete(communicator)
  end subroutine restored

  !> A run of half of the ranks, whose checkpoint all of them go on with.
  subroutine grown()
    type(torch_communicator) :: communicator, of_half
    type(torch_model) :: model, other
    type(torch_optim) :: optim, other_optim
    type(torch_checkpoint) :: saved
    type(torch_status) :: status
    integer :: step

    communicator = on_world()
    call torch_communicator_create(of_half, half())
    call make(model, optim, 'mlp_float32.pt')
    call make(other, other_optim, 'mlp_float32.pt')
    do step = 1, 5
      call pass(model, optim, step, 2 * rows * of_half%rank(), 2 * rows)
      call torch_mpi_average_gradients(of_half, model, 2 * rows)
      call optim%step()
    end do
    if (own_rank() == 0) then
      call saved%put('model', model)
      call saved%put('optimizer', optim)
      call torch_checkpoint_save(saved, 'grown.safetensors', status)
      if (status%ok()) call torch_checkpoint_load(saved, 'grown.safetensors', status)
    end if
    call torch_mpi_agree(communicator, status)
    call check(status%ok(), 'written and read')
    call torch_mpi_broadcast(communicator, saved)
    call make(model, optim, 'mlp_float32.pt')
    call saved%get('model', model)
    call saved%get('optimizer', optim)
    do step = 6, 10
      call pass(model, optim, step, rows * int(own_rank()), rows)
      call torch_mpi_average_gradients(communicator, model, rows)
      call optim%step()
    end do
    do step = 1, 10
      call pass(other, other_optim, step, 0, rows * int(world_size()))
      call other_optim%step()
    end do
    call compare(model, other)
    call torch_communicator_delete(of_half)
    call torch_communicator_delete(communicator)
  end subroutine grown

end module format_cases

program test_formats
  use format_cases
  use ranks, only: add_case, run_on_ranks
  implicit none

  call add_case('torchscript', torchscript, 'models')
  call add_case('exported', exported, 'models')
  call add_case('compiled', compiled, 'models')
  call add_case('package', package, 'models')
  call add_case('restored', restored, 'models')
  call add_case('grown', grown, 'models')
  call run_on_ranks()
end program test_formats
