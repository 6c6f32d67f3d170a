! SPDX-License-Identifier: MIT
!> What one rank gets wrong, all are told; nobody waits for ever.
module fault_cases
  use, intrinsic :: ieee_arithmetic, only: ieee_quiet_nan, ieee_value
  use, intrinsic :: iso_fortran_env, only: int64, real32, real64
  use ftorch
  use ftorch_mpi
  use parallel_problem, only: gradients, make_network, network, on_world, same_values
  use ranks, only: freed, own_rank, world_size, world
  use testing, only: check, check_close, check_equal, check_status
  implicit none
  private
  public :: agreement, failing_rank, other_shapes, other_calls, rows, missing_gradients, nonfinite, clipping
  public :: communicators, silent_rank, others, deleted_parameter, second_pass

contains

  integer function last_rank()
    last_rank = world_size() - 1
  end function last_rank

  subroutine agreement()
    type(torch_communicator) :: communicator
    type(torch_status) :: status

    communicator = on_world()
    call torch_mpi_agree(communicator, status)
    call check(status%ok(), 'no rank failed')
    if (own_rank() == last_rank()) then
      status%code = torch_shape_mismatch
      status%message = 'too wide'
    end if
    call torch_mpi_agree(communicator, status)
    call check_status(status, torch_shape_mismatch, 'rank ' // digit(last_rank()) // ': too wide')
    status%code = torch_io_error
    status%message = 'mine is ' // digit(int(own_rank()))
    call torch_mpi_agree(communicator, status)
    call check_status(status, torch_io_error, 'rank 0: mine is 0')
    call torch_communicator_delete(communicator)
  end subroutine agreement

  character(len=1) function digit(number)
    integer, intent(in) :: number

    write (digit, '(i1)') number
  end function digit

  !> A tensor that holds nothing, on one rank.
  subroutine failing_rank()
    type(network) :: net
    type(torch_communicator) :: communicator
    type(torch_status) :: status
    type(torch_tensor) :: given(4), empty

    communicator = on_world()
    call make_network(net, torch_kFloat32)
    call gradients(net, 1, of_all=.false.)
    call torch_mpi_average_gradients(communicator, [net%parameters(1:1), empty, net%parameters(3:4)], status=status)
    call check_status(status, torch_invalid_argument, 'rank 0: parameters(2): ')
    if (own_rank() == last_rank()) then
      call torch_mpi_average_gradients(communicator, [net%parameters(1:1), empty], status=status)
    else
      call torch_mpi_average_gradients(communicator, net%parameters, status=status)
    end if
    call check_status(status, torch_invalid_argument, 'rank ' // digit(last_rank()) // ': parameters(2): ')
    call torch_mpi_average_gradients(communicator, net%parameters, status=status)
    call check(status%ok(), 'the next call succeeds')
    call torch_mpi_average_gradients(communicator, given(1:0), status=status)
    call check_status(status, torch_invalid_argument, 'there is nothing to average')
    call torch_communicator_delete(communicator)
  end subroutine failing_rank

  subroutine other_shapes()
    type(network) :: net
    type(torch_communicator) :: communicator
    type(torch_status) :: status

    communicator = on_world()
    call make_network(net, merge(torch_kFloat64, torch_kFloat32, own_rank() == last_rank()))
    call torch_mpi_average_gradients(communicator, net%parameters, status=status)
    call check_status(status, torch_invalid_argument, 'the parameters differ between the ranks')
    call make_network(net, torch_kFloat32)
    call torch_mpi_average_gradients(communicator, net%parameters(1:merge(3, 4, own_rank() == last_rank())), status=status)
    call check_status(status, torch_invalid_argument, 'the parameters differ between the ranks')
    call torch_communicator_delete(communicator)
  end subroutine other_shapes

  !> Ranks that make their calls in another order.
  subroutine other_calls()
    type(network) :: net
    type(torch_communicator) :: communicator
    type(torch_status) :: status

    communicator = on_world()
    call make_network(net, torch_kFloat32)
    call gradients(net, 1, of_all=.false.)
    if (own_rank() == last_rank()) then
      call torch_mpi_broadcast(communicator, net%parameters(1), status=status)
    else
      call torch_mpi_average_gradients(communicator, net%parameters, status=status)
    end if
    call check_status(status, torch_invalid_argument, 'the ranks make different calls: ')
    call check(index(status%message, 'torch_mpi_broadcast') > 0, 'the one call is named')
    call check(index(status%message, 'torch_mpi_average_gradients as call') > 0, 'the other is named')
    call torch_communicator_delete(communicator)
  end subroutine other_calls

  subroutine rows()
    type(network) :: net, alone
    type(torch_communicator) :: communicator
    type(torch_status) :: status
    type(torch_tensor) :: gradient
    real(real64) :: before(1), after(1)

    communicator = on_world()
    call make_network(net, torch_kFloat64)
    call make_network(alone, torch_kFloat64)
    call gradients(net, int(own_rank()), of_all=.false.)
    call torch_mpi_average_gradients(communicator, net%parameters, merge(-1, 1, own_rank() == last_rank()), status)
    call check_status(status, torch_invalid_argument, 'rank ' // digit(last_rank()) // ': rows is ')
    call torch_mpi_average_gradients(communicator, net%parameters, 0, status)
    call check_status(status, torch_invalid_argument, 'no rank has rows')
    call torch_mpi_average_gradients(communicator, net%parameters, 'two', status)
    call check_status(status, torch_invalid_argument, 'rows is ')
    ! One rank has all rows: its gradient is that of all.
    call gradients(alone, last_rank(), of_all=.false.)
    call torch_tensor_get_gradient(gradient, net%parameters(4))
    call torch_tensor_to_array(gradient, before)
    call torch_mpi_average_gradients(communicator, net%parameters, merge(3, 0, own_rank() == last_rank()), status)
    call check(status%ok(), 'one rank has all rows')
    call torch_mpi_average_gradients(communicator, net%parameters, 1e308_real64, status)
    call check_status(status, torch_invalid_argument, 'the rows of all ranks together are too many')
    call torch_mpi_average_gradients(communicator, net%parameters, merge(3, 0, own_rank() == last_rank()), status)
    call torch_tensor_get_gradient(gradient, net%parameters(4))
    call torch_tensor_to_array(gradient, after)
    if (own_rank() == last_rank()) call check_close(after, before, 1e-15_real64, 'the gradient of the rank with rows')
    call torch_communicator_delete(communicator)
  end subroutine rows

  !> A parameter that one rank alone has used, and one that nobody has.
  subroutine missing_gradients()
    type(torch_tensor) :: used, unused, loss, gradient
    type(torch_communicator) :: communicator
    type(torch_status) :: status
    real(real64) :: number(1)

    communicator = on_world()
    call torch_tensor_ones(used, 1, [1_int64], torch_kFloat64, torch_kCPU, requires_grad=.true.)
    call torch_tensor_ones(unused, 1, [1_int64], torch_kFloat64, torch_kCPU, requires_grad=.true.)
    if (own_rank() == 0) then
      loss = 3 * used
      call torch_tensor_backward(loss)
    end if
    call torch_mpi_average_gradients(communicator, [used, unused])
    call torch_tensor_get_gradient(gradient, used)
    call torch_tensor_to_array(gradient, number)
    call check_close(number(1), 3.0_real64 / world_size(), 1e-15_real64, 'the mean with zeros')
    call torch_tensor_get_gradient(gradient, unused, status)
    call check(.not. status%ok(), 'one without a gradient stays without')
    ! On the rank without rows alone: zero on all.
    if (own_rank() == 0) then
      loss = 3 * unused
      call torch_tensor_backward(loss)
    end if
    call torch_mpi_average_gradients(communicator, [used, unused], merge(0, 1, own_rank() == 0))
    call torch_tensor_get_gradient(gradient, unused)
    call torch_tensor_to_array(gradient, number)
    call check_close(number(1), 0.0_real64, 0.0_real64, 'a gradient without rows')
    call torch_communicator_delete(communicator)
  end subroutine missing_gradients

  !> Not a number on one rank: nobody steps.
  subroutine nonfinite()
    type(network) :: net, before
    type(torch_communicator) :: communicator
    type(torch_optim) :: optim
    type(torch_tensor) :: gradient
    real(real64) :: nan(1)

    communicator = on_world()
    call make_network(net, torch_kFloat64)
    call make_network(before, torch_kFloat64)
    call torch_optim_Adam(optim, net%parameters)
    call optim%skip_nonfinite(.true.)
    call gradients(net, 1, of_all=.false.)
    nan = ieee_value(1.0_real64, ieee_quiet_nan)
    if (own_rank() == last_rank()) then
      call torch_tensor_full(gradient, 2, [1_int64, 1_int64], nan(1), torch_kFloat64, torch_kCPU)
      call torch_tensor_set_gradient(net%parameters(4), gradient)
    end if
    call torch_mpi_average_gradients(communicator, net%parameters)
    call optim%step()
    call check_equal([optim%skipped()], [1_int64], 'steps left out')
    call check_close(same_values(net, before), 0.0_real64, 0.0_real64, 'the parameters')
    call torch_communicator_delete(communicator)
  end subroutine nonfinite

  !> The norm that is clipped is that of the whole batch.
  subroutine clipping()
    type(network) :: net, alone
    type(torch_communicator) :: communicator
    real(real64) :: norm, expected

    communicator = on_world()
    call make_network(net, torch_kFloat64)
    call make_network(alone, torch_kFloat64)
    call gradients(net, 1, of_all=.false.)
    call torch_mpi_average_gradients(communicator, net%parameters, int(own_rank()) + 1)
    call torch_clip_grad_norm(net%parameters, 0.1_real64, norm)
    call gradients(alone, 1, of_all=.true.)
    call torch_clip_grad_norm(alone%parameters, 0.1_real64, expected)
    call check_close(norm, expected, 1e-12_real64, 'norm')
    call torch_communicator_delete(communicator)
  end subroutine clipping

  subroutine communicators()
    type(torch_communicator) :: communicator, copy
    type(torch_status) :: status

    call torch_mpi_average_gradients_wait(communicator, status)
    call check_status(status, torch_invalid_argument, 'the communicator is empty')
    call torch_communicator_create(communicator, freed(), status=status)
    call check_status(status, torch_invalid_argument, 'comm is no communicator')
    call torch_communicator_create(communicator, world, timeout=0.0_real64, status=status)
    call check_status(status, torch_invalid_argument, 'rank 0: timeout must be more than 0')
    call torch_communicator_create(communicator, world, &
                                   bucket_bytes=merge(1000_int64, 2000_int64, own_rank() == last_rank()), status=status)
    call check_status(status, torch_invalid_argument, &
                      'bucket_bytes, or the environment variable FTORCH_MPI_CHECK_CALLS, is not the same on all ranks')
    call torch_communicator_create(communicator, world, owners=merge(-1, 0, own_rank() == last_rank()), status=status)
    call check_status(status, torch_invalid_argument, 'rank ' // digit(last_rank()) // ': owners must not be negative')
    communicator = on_world()
    call check_equal(communicator%rank(), int(own_rank()), 'rank')
    call check_equal(communicator%size(), int(world_size()), 'size')
    call check_equal(communicator%node_size(), int(world_size()), 'ranks of the node')
    copy = communicator
    call torch_communicator_delete(communicator)
    call torch_mpi_average_gradients_wait(copy, status)
    call check_status(status, torch_invalid_argument, 'it was not created, or deleted')
    call torch_communicator_delete(copy)
    communicator = on_world()
  end subroutine communicators

  !> One rank does not make the call.
  subroutine silent_rank()
    type(network) :: net
    type(torch_communicator) :: communicator
    type(torch_status) :: status
    integer :: begin, end, rate

    call torch_communicator_create(communicator, world, timeout=1.0_real64)
    call make_network(net, torch_kFloat32)
    call system_clock(begin, rate)
    if (own_rank() /= last_rank()) then
      call torch_mpi_average_gradients(communicator, net%parameters, status=status)
      call check_status(status, torch_internal_error, 'the other ranks did not answer within 1 s')
      call torch_mpi_average_gradients(communicator, net%parameters, status=status)
      call check_status(status, torch_internal_error, 'the communicator cannot be used any more')
      call check_equal(communicator%rank(), int(own_rank()), 'the rank can still be asked for')
    else
      call execute_command_line('sleep 2')
      call check(.true., 'it does something else')
    end if
    call system_clock(end)
    call check(end - begin < 10 * rate, 'nobody waits much longer')
  end subroutine silent_rank

  !> One rank loses a parameter while its gradients are on their way.
  subroutine deleted_parameter()
    type(network) :: net
    type(torch_communicator) :: communicator
    type(torch_status) :: status

    communicator = on_world()
    call make_network(net, torch_kFloat32)
    call torch_mpi_average_gradients_start(communicator, net%parameters)
    call torch_mpi_average_gradients_start(communicator, net%parameters, status=status)
    call check_status(status, torch_invalid_argument, 'gradients are under way')
    call torch_mpi_agree(communicator, status)
    call check_status(status, torch_invalid_argument, 'gradients are under way')
    if (own_rank() == last_rank()) call torch_delete(net%parameters(2))
    call torch_mpi_average_gradients_wait(communicator, status)
    call check_status(status, torch_invalid_argument, 'rank ' // digit(last_rank()) // ': ')
    call make_network(net, torch_kFloat32)
    call gradients(net, 1, of_all=.false.)
    call torch_mpi_average_gradients(communicator, net%parameters, status=status)
    call check(status%ok(), 'the next call')
    call torch_communicator_delete(communicator)
  end subroutine deleted_parameter

  !> Two passes after the start: the first one's gradients were sent.
  subroutine second_pass()
    type(network) :: net
    type(torch_communicator) :: communicator
    type(torch_status) :: status

    communicator = on_world(bucket_bytes=1_int64)
    call make_network(net, torch_kFloat32)
    call torch_mpi_average_gradients_start(communicator, net%parameters)
    call gradients(net, 1, of_all=.false.)
    if (own_rank() == last_rank()) call gradients(net, 2, of_all=.false.)
    call torch_mpi_average_gradients_wait(communicator, status)
    call check_status(status, torch_autograd_error, 'rank ' // digit(last_rank()) // ': a gradient has changed after it was sent')
    call torch_communicator_delete(communicator)
  end subroutine second_pass

  !> Two communicators, of ranks in another order and of a part of them, do not meet.
  subroutine others()
    type(torch_communicator) :: all, again
    type(torch_status) :: status
    type(torch_tensor) :: number

    all = on_world()
    again = on_world()
    call torch_tensor_full(number, 1, [1_int64], own_rank() + 1, torch_kFloat32, torch_kCPU)
    call torch_mpi_broadcast(again, number, root=last_rank(), status=status)
    call check(status%ok(), 'broadcast')
    call check_close(number%item(), real(world_size(), real64), 0.0_real64, 'number')
    call torch_mpi_agree(all, status)
    call check(status%ok(), 'agreement on the other')
    call torch_communicator_delete(again)
    call torch_communicator_delete(all)
  end subroutine others

end module fault_cases

program test_rank_faults
  use fault_cases
  use ranks, only: add_case, run_on_ranks
  implicit none

  call add_case('agreement', agreement)
  call add_case('failing_rank', failing_rank)
  call add_case('other_shapes', other_shapes)
  call add_case('other_calls', other_calls)
  call add_case('rows', rows)
  call add_case('missing_gradients', missing_gradients)
  call add_case('nonfinite', nonfinite)
  call add_case('clipping', clipping)
  call add_case('communicators', communicators)
  call add_case('silent_rank', silent_rank)
  call add_case('others', others)
  call add_case('deleted_parameter', deleted_parameter)
  call add_case('second_pass', second_pass)
  call run_on_ranks()
end program test_rank_faults
