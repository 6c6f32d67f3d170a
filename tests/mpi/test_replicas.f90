! SPDX-License-Identifier: MIT
!> The copies of a model on all ranks stay one, to the bit, or all ranks are told why not.
module replica_cases
  use, intrinsic :: iso_fortran_env, only: int64, real32, real64
  use ftorch
  use ftorch_mpi
  use model_files, only: model_file
  use parallel_problem, only: gradients, make_network, network, on_world, rows_of_rank, same_values
  use ranks, only: own_rank, world_size
  use testing, only: check, check_close, check_equal, check_status
  implicit none
  private
  public :: same_bits, frozen, frozen_models, mixed_dtypes, sparse, batches

contains

  integer function last_rank()
    last_rank = world_size() - 1
  end function last_rank

  !> After steps with rows of several sizes.
  subroutine same_bits()
    type(torch_communicator) :: communicator
    type(network) :: net
    type(torch_tensor) :: of_root
    type(torch_optim) :: optim
    real(real32), allocatable, target :: own(:)
    real(real32), allocatable :: first(:)
    integer :: step

    communicator = on_world()
    call make_network(net, torch_kFloat32)
    call torch_optim_Adam(optim, net%parameters, learning_rate=0.01)
    do step = 1, 50
      call optim%zero_grad()
      call gradients(net, step, of_all=.false.)
      call torch_mpi_average_gradients(communicator, net%parameters, rows_of_rank(int(own_rank())))
      call optim%step()
    end do
    allocate (own(26), first(26))
    call torch_parameters_to_array(own, net%parameters)
    if (own_rank() == 0) call torch_tensor_from_array(of_root, own, torch_kCPU)
    call torch_mpi_broadcast(communicator, of_root)
    call torch_tensor_to_array(of_root, first)
    call check(all(transfer(own, [0]) == transfer(first, [0])), 'the bits of rank 0')
    call torch_communicator_delete(communicator)
  end subroutine same_bits

  !> A parameter that does not learn on one rank.
  subroutine frozen()
    type(torch_communicator) :: communicator
    type(network) :: net
    type(torch_status) :: status
    character(len=:), allocatable :: refusal

    refusal = 'rank ' // achar(iachar('0') + last_rank()) // ': parameters(2): '
    communicator = on_world()
    call make_network(net, torch_kFloat64)
    if (own_rank() == last_rank()) call net%parameters(2)%set_requires_grad(.false.)
    call gradients(net, 1, of_all=.false.)
    call torch_mpi_average_gradients(communicator, net%parameters, status=status)
    call check_status(status, torch_invalid_argument, refusal)
    call torch_mpi_average_gradients_start(communicator, net%parameters, status=status)
    call check_status(status, torch_invalid_argument, refusal)
    call net%parameters(2)%set_requires_grad(.true.)
    call torch_mpi_average_gradients(communicator, net%parameters, status=status)
    call check(status%ok(), 'the next call')
    call torch_communicator_delete(communicator)
  end subroutine frozen

  !> The same in a model: frozen on one rank, and on all.
  subroutine frozen_models()
    type(torch_communicator) :: communicator
    type(torch_model) :: model
    type(torch_tensor) :: parameters(6), x, y, loss, gradient
    type(torch_status) :: status
    real(real32), target :: xa(2, 8), ya(2, 4)

    communicator = on_world()
    call torch_model_load(model, model_file('mlp_float32.pt'), torch_kCPU)
    call torch_model_parameters(model, parameters)
    call torch_tensor_from_array(x, xa, torch_kCPU)
    call torch_tensor_from_array(y, ya, torch_kCPU)
    if (own_rank() == last_rank()) call parameters(3)%set_requires_grad(.false.)
    call torch_mpi_average_gradients(communicator, model, status=status)
    call check_status(status, torch_invalid_argument, 'the parameters differ between the ranks')
    call parameters(3)%set_requires_grad(.false.)
    xa = 1 + own_rank()
    call torch_model_forward(model, x, y, requires_grad=.true.)
    call torch_tensor_sum(loss, y)
    call torch_tensor_backward(loss)
    call torch_mpi_average_gradients(communicator, model, status=status)
    call check(status%ok(), 'one that is frozen on all')
    call torch_tensor_get_gradient(gradient, parameters(3), status)
    call check(.not. status%ok(), 'it has no gradient')
    call torch_model_load(model, model_file('mlp_float32.pt'), torch_kCPU, requires_grad=own_rank() == 0)
    call torch_mpi_average_gradients(communicator, model, status=status)
    call check_status(status, torch_invalid_argument, 'rank 1: there is nothing to average')
    call torch_communicator_delete(communicator)
  end subroutine frozen_models

  !> Of an embedding, in which each rank has looked up a row of its own; rank 0 has a dense one in the second pass.
  !> Complex numbers behind an odd number of real ones, as kernels do not take them.
  subroutine mixed_dtypes()
    type(torch_communicator) :: communicator
    type(torch_tensor) :: weights(2), loss, gradient
    complex(real64), target :: values(5)

    communicator = on_world()
    call torch_tensor_ones(weights(1), 1, [5_int64], torch_kComplexDouble, torch_kCPU, requires_grad=.true.)
    call torch_tensor_ones(weights(2), 1, [1_int64], torch_kFloat64, torch_kCPU, requires_grad=.true.)
    loss = torch_sum(torch_real(weights(1)) * real(own_rank() + 1, real64)) + torch_sum(weights(2))
    call torch_tensor_backward(loss)
    call torch_mpi_average_gradients(communicator, weights)
    call torch_tensor_get_gradient(gradient, weights(1))
    call torch_tensor_to_array(gradient, values)
    call check(all(abs(values - (world_size() + 1) / 2.0_real64) <= 1e-15), 'the mean')
    call torch_communicator_delete(communicator)
  end subroutine mixed_dtypes

  subroutine sparse()
    type(torch_communicator) :: communicator
    type(torch_tensor) :: weights(1), indices, found, loss, gradient
    integer(int64), target :: row(1)
    real(real64), target :: values(4, 3)
    real(real64) :: expected(4, 3)
    logical :: is_sparse
    integer :: pass

    communicator = on_world()
    do pass = 1, 2
      is_sparse = .true.
      if (pass == 2) is_sparse = own_rank() > 0
      call torch_tensor_ones(weights(1), 2, [4_int64, 3_int64], torch_kFloat64, torch_kCPU, requires_grad=.true.)
      row = own_rank()
      call torch_tensor_from_array(indices, row, torch_kCPU)
      call torch_call(found, 'aten::embedding', [torch_argument(weights(1)), torch_argument(indices), torch_argument(-1), &
                                                 torch_argument(.false.), torch_argument(is_sparse)])
      loss = torch_sum(found) * (own_rank() + 1)
      call torch_tensor_backward(loss)
      call torch_mpi_average_gradients(communicator, weights, own_rank() + 1)
      call torch_tensor_get_gradient(gradient, weights(1))
      call torch_tensor_to_array(gradient, values)
      expected = 0
      expected(1:world_size(), :) = spread(squares(), 2, 3)
      call check_close(values, expected, 1e-15_real64, 'the mean')
    end do
    call torch_communicator_delete(communicator)
  end subroutine sparse

  !> (r + 1)**2 over the rows of all, for each rank r.
  function squares()
    real(real64), allocatable :: squares(:)
    integer :: r

    squares = [(real(r, real64)**2, r = 1, int(world_size()))] / sum([(r, r = 1, int(world_size()))])
  end function squares

  !> Replay buffers of the ranks: with the same seed and rows they draw the same, without a message.
  subroutine batches()
    type(torch_communicator) :: communicator
    type(torch_replay_buffer) :: same, other
    type(torch_tensor) :: of_root
    real(real32), target :: own(1, 6), other_own(1, 6)
    real(real32) :: first(1, 6)

    communicator = on_world()
    call fill(same, seed=5)
    call fill(other, seed=5 + int(own_rank()))
    call draw(same, own)
    call draw(other, other_own)
    if (own_rank() == 0) call torch_tensor_from_array(of_root, own, torch_kCPU)
    call torch_mpi_broadcast(communicator, of_root)
    call torch_tensor_to_array(of_root, first)
    call check_close(own, first, 0.0, 'the batch of rank 0')
    if (own_rank() == 0) call check_close(other_own, first, 0.0, 'the seed of rank 0')
    if (own_rank() > 0) call check(any(abs(other_own - first) > 0), 'another seed')
    call torch_communicator_delete(communicator)
  end subroutine batches

  subroutine fill(buffer, seed)
    type(torch_replay_buffer), intent(inout) :: buffer
    integer, intent(in) :: seed
    real(real32), target :: x(1)
    integer :: i

    call torch_replay_buffer_create(buffer, 64, seed=seed)
    do i = 1, 64
      x = real(i)
      call buffer%put(x, x)
    end do
  end subroutine fill

  subroutine draw(buffer, batch)
    type(torch_replay_buffer), intent(inout) :: buffer
    real(real32), intent(inout), target :: batch(:, :)
    type(torch_tensor) :: x, y
    real(real32), target :: targets(1, size(batch, 2))

    call torch_tensor_from_array(x, batch, torch_kCPU, permute_dims=[2, 1])
    call torch_tensor_from_array(y, targets, torch_kCPU, permute_dims=[2, 1])
    call buffer%draw(x, y)
  end subroutine draw

end module replica_cases

program test_replicas
  use replica_cases
  use ranks, only: add_case, run_on_ranks
  implicit none

  call add_case('same_bits', same_bits)
  call add_case('frozen', frozen)
  call add_case('frozen_models', frozen_models, 'models')
  call add_case('mixed_dtypes', mixed_dtypes)
  call add_case('sparse', sparse)
  call add_case('batches', batches)
  call run_on_ranks()
end program test_replicas
