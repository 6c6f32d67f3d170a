! SPDX-License-Identifier: MIT
!> What one rank has, given to all.
module broadcast_cases
  use, intrinsic :: iso_fortran_env, only: int64, real32, real64
  use ftorch
  use ftorch_mpi
  use model_files, only: model_file
  use parallel_problem, only: gradients, make_network, network, on_world, same_values
  use ranks, only: own_rank, world_size
  use testing, only: check, check_close, check_equal, check_status
  implicit none
  private
  public :: tensors, pieces, models, optimizers, schedulers, checkpoints, replay_buffers, generators, refusals, statistics
  public :: early_statistics, refused_tensor

contains

  subroutine tensors()
    type(torch_communicator) :: communicator
    type(torch_tensor) :: leaf, attached, made, mask
    complex(real64), target :: numbers(2, 3)
    complex(real64) :: got(2, 3)

    communicator = on_world()
    call torch_tensor_full(leaf, 1, [3_int64], own_rank() + 1, torch_kFloat32, torch_kCPU, requires_grad=.true.)
    call torch_mpi_broadcast(communicator, leaf, root=1)
    call check(leaf%requires_grad(), 'a leaf stays one')
    call check_close(real(sum_of(leaf), real32), 6.0, 0.0, 'leaf')
    numbers = cmplx(own_rank(), 1, real64)
    call torch_tensor_from_array(attached, numbers, torch_kCPU)
    call torch_mpi_broadcast(communicator, attached)
    call check(all(abs(numbers - cmplx(0, 1, real64)) <= 0), 'the array follows')
    if (own_rank() == 0) call torch_tensor_from_array(made, numbers, torch_kCPU)
    call torch_mpi_broadcast(communicator, made)
    call torch_tensor_to_array(made, got)
    call check(all(abs(got - numbers) <= 0), 'one that was empty')
    call torch_tensor_full(mask, 1, [2_int64], merge(1, 0, own_rank() == 0), torch_kBool, torch_kCPU)
    call torch_mpi_broadcast(communicator, mask)
    call check(sum_of(torch_cast(mask, torch_kFloat64)) > 1.9_real64, 'logical')
    call torch_communicator_delete(communicator)
  end subroutine tensors

  !> More bytes than one message has.
  subroutine pieces()
    type(torch_communicator) :: communicator
    type(torch_tensor) :: tensor
    real(real32), allocatable, target :: numbers(:)
    integer :: i

    communicator = on_world()
    allocate (numbers(5 * 2**20 + 3), source=-1.0_real32)
    if (own_rank() == 1) numbers = [(real(i), i = 1, size(numbers))]
    call torch_tensor_from_array(tensor, numbers, torch_kCPU)
    call torch_mpi_broadcast(communicator, tensor, root=1)
    call check(all(abs(numbers - [(real(i), i = 1, size(numbers))]) <= 0), 'all numbers')
    call torch_communicator_delete(communicator)
  end subroutine pieces

  real(real64) function sum_of(tensor)
    type(torch_tensor), intent(in) :: tensor
    type(torch_tensor) :: total

    total = torch_sum(tensor)
    sum_of = total%item()
  end function sum_of

  !> Parameters and buffers, in the memory that they have.
  subroutine models()
    type(torch_communicator) :: communicator
    type(torch_model) :: model
    type(torch_tensor) :: mean, weight

    communicator = on_world()
    call torch_model_load(model, model_file('normalised.pt'), torch_kCPU)
    call torch_model_get_parameter(weight, model, 'norm.weight')
    call torch_model_get_buffer(mean, model, 'norm.running_mean')
    weight = torch_clone(weight) + own_rank()
    mean = torch_clone(mean) + 10 * own_rank()
    call torch_mpi_broadcast(communicator, model, root=1)
    call check_close(sum_of(weight), 8.0_real64, 0.0_real64, 'a parameter')
    call check_close(sum_of(mean), 40.0_real64, 0.0_real64, 'a buffer')
    call torch_communicator_delete(communicator)
  end subroutine models

  !> State of steps that one rank has made.
  subroutine optimizers()
    type(torch_communicator) :: communicator
    type(network) :: net, alone
    type(torch_optim) :: optim, alone_optim
    integer :: step

    communicator = on_world()
    call make_network(net, torch_kFloat64)
    call make_network(alone, torch_kFloat64)
    call torch_optim_Adam(optim, net%parameters)
    call torch_optim_Adam(alone_optim, alone%parameters)
    do step = 1, 3
      call gradients(alone, step, of_all=.true.)
      call alone_optim%step()
      if (own_rank() /= 0) cycle
      call gradients(net, step, of_all=.true.)
      call optim%step()
    end do
    do step = 1, 4
      call torch_mpi_broadcast(communicator, net%parameters(step))
    end do
    call torch_mpi_broadcast(communicator, optim)
    call optim%zero_grad()
    call alone_optim%zero_grad()
    call gradients(net, 4, of_all=.true.)
    call gradients(alone, 4, of_all=.true.)
    call optim%step()
    call alone_optim%step()
    call check_close(same_values(net, alone), 0.0_real64, 0.0_real64, 'the next step')
    call torch_communicator_delete(communicator)
  end subroutine optimizers

  !> Plans of one rank, one of which looks at a loss: all go on with them.
  subroutine schedulers()
    type(torch_communicator) :: communicator
    type(network) :: net
    type(torch_optim) :: optim
    type(torch_scheduler) :: plan, plateau, other
    type(torch_status) :: status
    integer :: epoch

    communicator = on_world()
    call make_network(net, torch_kFloat64)
    call torch_optim_SGD(optim, net%parameters, learning_rate=1)
    call torch_scheduler_StepLR(plan, optim, 3, gamma=0.5)
    if (own_rank() == 0) then
      call plan%step()
      call plan%step()
    end if
    call torch_mpi_broadcast(communicator, plan)
    do epoch = 3, 7
      call plan%step()
      call check_close(optim%get_learning_rate(), 0.5_real64**(epoch / 3), 0.0_real64, 'rate')
    end do
    call optim%set_learning_rate(1)
    call torch_scheduler_ReduceLROnPlateau(plateau, optim, factor=0.5, patience=1)
    if (own_rank() == 1) then
      call plateau%step(1.0)
      call plateau%step(2.0)
    end if
    call torch_mpi_broadcast(communicator, plateau, root=1)
    call plateau%step(2.0)
    call check_close(optim%get_learning_rate(), 0.5_real64, 0.0_real64, 'the second bad epoch')
    if (own_rank() == 1) then
      call torch_scheduler_ExponentialLR(other, optim, gamma=0.5)
    else
      call torch_scheduler_StepLR(other, optim, 3, gamma=0.5)
    end if
    call torch_mpi_broadcast(communicator, other, status=status)
    call check(.not. status%ok() .and. index(status%message, 'rank 1: ') > 0, 'another kind of scheduler')
    call torch_communicator_delete(communicator)
  end subroutine schedulers

  subroutine checkpoints()
    type(torch_communicator) :: communicator
    type(torch_checkpoint) :: saved
    type(torch_status) :: status
    character(len=:), allocatable :: text
    real(real64) :: numbers(3)
    integer :: step

    communicator = on_world()
    call torch_mpi_broadcast(communicator, saved, status=status)
    call check_status(status, torch_invalid_argument, 'rank 0: the checkpoint is empty')
    if (own_rank() == 0) then
      call saved%put('step', 12)
      call saved%put('name', 'first run')
      call saved%put('numbers', [1.0_real64, 2.0_real64, 3.0_real64])
    end if
    call torch_mpi_broadcast(communicator, saved)
    call saved%get('step', step)
    call saved%get('name', text)
    call saved%get('numbers', numbers)
    call check_equal(step, 12, 'number')
    call check(text == 'first run', 'text')
    call check_close(numbers, [1.0_real64, 2.0_real64, 3.0_real64], 0.0_real64, 'array')
    call torch_communicator_delete(communicator)
  end subroutine checkpoints

  !> A buffer of one rank, from which all draw the same batches.
  subroutine replay_buffers()
    type(torch_communicator) :: communicator
    type(torch_replay_buffer) :: buffer
    type(torch_tensor) :: x, y
    real(real32), target :: xa(2, 5), ya(1, 5)
    real(real32) :: of_root(2, 5)
    integer :: i

    communicator = on_world()
    call torch_replay_buffer_create(buffer, 16, seed=3 + int(own_rank()))
    do i = 1, 16
      xa(:, 1) = real(100 * own_rank() + i)
      call buffer%put(xa(:, 1), xa(1:1, 1))
    end do
    call torch_mpi_broadcast(communicator, buffer)
    call torch_tensor_from_array(x, xa, torch_kCPU, permute_dims=[2, 1])
    call torch_tensor_from_array(y, ya, torch_kCPU, permute_dims=[2, 1])
    call buffer%draw(x, y)
    of_root = xa
    call torch_mpi_broadcast(communicator, x)
    call check_close(xa, of_root, 0.0, 'the batch of the root')
    call check(maxval(of_root) < 17, 'rows of the root')
    call torch_communicator_delete(communicator)
  end subroutine replay_buffers

  !> Each rank has a seed of its own, and draws what it draws without a broadcast.
  subroutine generators()
    type(torch_communicator) :: communicator
    type(torch_checkpoint) :: saved
    type(torch_model) :: model
    type(torch_optim) :: optim
    type(network) :: net
    type(torch_tensor) :: of_root
    real(real64), target :: got(5)
    real(real64) :: before(5), expected(5), first(5)

    communicator = on_world()
    call make_network(net, torch_kFloat32)
    call torch_optim_Adam(optim, net%parameters)
    call torch_model_load(model, model_file('normalised.pt'), torch_kCPU)
    call torch_manual_seed(40 + communicator%rank())
    before = drawn()
    expected = drawn()
    call torch_manual_seed(40 + communicator%rank())
    ! With the state that the generator has here.
    if (own_rank() == 0) call saved%put('step', 1)
    got = drawn()
    call check_close(got, before, 0.0_real64, 'the seed')
    call torch_mpi_broadcast(communicator, net%parameters(1))
    call torch_mpi_broadcast(communicator, model)
    call torch_mpi_broadcast(communicator, optim)
    call torch_mpi_broadcast(communicator, saved)
    got = drawn()
    call check_close(got, expected, 0.0_real64, 'the numbers after a broadcast')
    if (own_rank() == 0) call torch_tensor_from_array(of_root, got, torch_kCPU)
    call torch_mpi_broadcast(communicator, of_root)
    call torch_tensor_to_array(of_root, first)
    if (own_rank() > 0) call check(minval(abs(got - first)) > 0, 'numbers of its own')
    call torch_communicator_delete(communicator)
  end subroutine generators

  function drawn() result(numbers)
    real(real64) :: numbers(5)
    type(torch_tensor) :: tensor

    call torch_tensor_randn(tensor, 1, [5_int64], torch_kFloat64, torch_kCPU)
    call torch_tensor_to_array(tensor, numbers)
  end function drawn

  subroutine refusals()
    type(torch_communicator) :: communicator
    type(torch_tensor) :: tensor, empty
    type(torch_model) :: model
    type(torch_status) :: status

    communicator = on_world()
    call torch_tensor_zeros(tensor, 1, [merge(3_int64, 2_int64, own_rank() == 1)], torch_kFloat32, torch_kCPU)
    call torch_mpi_broadcast(communicator, tensor, status=status)
    call check(.not. status%ok() .and. index(status%message, 'rank 1: ') > 0, 'another shape')
    call torch_mpi_broadcast(communicator, tensor, root=int(world_size()), status=status)
    call check_status(status, torch_invalid_argument, 'root is ')
    call torch_mpi_broadcast(communicator, tensor, root=merge(1, 0, own_rank() == 1), status=status)
    call check_status(status, torch_invalid_argument, 'root, or the kind of object, is not the same')
    if (own_rank() == 1) then
      call torch_mpi_broadcast(communicator, model, status=status)
    else
      call torch_mpi_broadcast(communicator, tensor, status=status)
    end if
    call check(.not. status%ok(), 'a model and a tensor')
    call torch_mpi_broadcast(communicator, empty, status=status)
    call check(.not. status%ok() .and. index(status%message, 'rank 0: ') > 0, 'an empty tensor of the root')
    call torch_mpi_broadcast(communicator, model, status=status)
    call check(.not. status%ok(), 'an empty model')
    call torch_mpi_agree(communicator, status)
    call torch_communicator_delete(communicator)
  end subroutine refusals

  !> A batch norm takes the rows of its rank, and its statistics are means over the ranks.
  !> Started before the forward pass, which writes the buffers that were the same on all ranks until then.
  subroutine early_statistics()
    type(torch_communicator) :: communicator
    type(torch_model) :: model
    type(torch_tensor) :: mean, x, y, loss
    real(real32), target :: xa(4, 4), ya(4, 4)

    communicator = on_world()
    call torch_model_load(model, model_file('normalised.pt'), torch_kCPU, is_training=.true.)
    call torch_tensor_from_array(x, xa, torch_kCPU)
    call torch_tensor_from_array(y, ya, torch_kCPU)
    xa = own_rank() + 1
    call torch_mpi_average_gradients_start(communicator, model, 4)
    call torch_model_forward(model, x, y, requires_grad=.true.)
    call torch_tensor_sum(loss, y)
    call torch_tensor_backward(loss)
    call torch_mpi_average_gradients_wait(communicator)
    call torch_model_get_buffer(mean, model, 'norm.running_mean')
    call check_close(sum_of(mean), 4 * 0.1_real64 * (world_size() + 1) / 2, 1e-6_real64, 'running mean')
    call torch_communicator_delete(communicator)
  end subroutine early_statistics

  !> One that does not fit on a rank is written on none.
  subroutine refused_tensor()
    type(torch_communicator) :: communicator
    type(torch_tensor) :: tensor
    type(torch_status) :: status
    integer(int64) :: shape(1)

    communicator = on_world()
    shape = 4
    if (own_rank() == 1) shape = 5
    call torch_tensor_full(tensor, 1, shape, real(own_rank(), real64), torch_kFloat64, torch_kCPU)
    call torch_mpi_broadcast(communicator, tensor, status=status)
    call check_status(status, torch_shape_mismatch, "rank 1: another shape: 'object' [4] instead of [5]")
    call check_close(sum_of(tensor), real(shape(1) * own_rank(), real64), 0.0_real64, 'it is as it was')
    call torch_communicator_delete(communicator)
  end subroutine refused_tensor

  subroutine statistics()
    type(torch_communicator) :: communicator
    type(torch_model) :: model
    type(torch_tensor) :: mean, variance, x, y, loss, constant
    real(real32), target :: xa(4, 4), ya(4, 4)
    real(real64) :: expected
    integer :: i

    communicator = on_world()
    call torch_model_load(model, model_file('normalised.pt'), torch_kCPU, is_training=.true.)
    call torch_tensor_from_array(x, xa, torch_kCPU)
    call torch_tensor_from_array(y, ya, torch_kCPU)
    do i = 1, 4
      xa(i, :) = (own_rank() + 1) * (1 + (-1)**i)
    end do
    call torch_model_forward(model, x, y, requires_grad=.true.)
    ! Zero or twice the number, by the dropout.
    call check(all(min(abs(ya), abs(abs(ya) - 2)) <= 1e-4), 'one deviation from the mean of the rank')
    call torch_tensor_sum(loss, y)
    call torch_tensor_backward(loss)
    call torch_mpi_average_gradients(communicator, model, 4)
    call torch_model_get_buffer(mean, model, 'norm.running_mean')
    ! What is the same on all ranks stays to the bit, whatever the rows.
    call torch_tensor_full(constant, 1, [1_int64], 0.1, torch_kFloat32, torch_kCPU)
    call torch_mpi_average(communicator, constant, 1 + 2 * int(own_rank()))
    call check_close(real(constant%item(), real32), 0.1, 0.0, 'a constant')
    ! A tenth of the mean of each batch.
    expected = 4 * 0.1_real64 * (world_size() + 1) / 2
    call check_close(sum_of(mean), expected, 1e-6_real64, 'running mean')
    ! A tenth of the mean of their variances, of which rank r has 4 (r + 1)**2 / 3, and nine of the first, 1.
    expected = 4 * (0.9_real64 + 0.1_real64 * sum([(4 * i**2 / 3.0_real64, i = 1, int(world_size()))]) / world_size())
    call torch_model_get_buffer(variance, model, 'norm.running_var')
    call check_close(sum_of(variance), expected, 1e-6_real64, 'running variance, without that between the ranks')
    call torch_communicator_delete(communicator)
  end subroutine statistics

end module broadcast_cases

program test_broadcast
  use broadcast_cases
  use ranks, only: add_case, run_on_ranks
  implicit none

  call add_case('tensors', tensors)
  call add_case('pieces', pieces)
  call add_case('models', models, 'models')
  call add_case('optimizers', optimizers)
  call add_case('schedulers', schedulers)
  call add_case('checkpoints', checkpoints)
  call add_case('replay_buffers', replay_buffers)
  call add_case('generators', generators, 'models')
  call add_case('refusals', refusals)
  call add_case('statistics', statistics, 'models')
  call add_case('early_statistics', early_statistics, 'models')
  call add_case('refused_tensor', refused_tensor)
  call run_on_ranks()
end program test_broadcast
