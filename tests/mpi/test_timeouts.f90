! SPDX-License-Identifier: MIT
!> Ranks that make calls which do not meet: both sides are told after the time of the communicator, or at once where calls are
!> checked.
module timeout_cases
  use, intrinsic :: iso_fortran_env, only: int64, real32, real64
  use ftorch
  use ftorch_mpi
  use model_files, only: model_file
  use parallel_problem, only: make_network, network
  use ranks, only: check_calls, own_rank, world
  use testing, only: check, check_close, check_status
  implicit none
  private
  public :: agreement_and_pass, warmup_and_pass, average_and_pass, start_and_pass, checked_calls

contains

  !> Rank 0 agrees or averages where the others hand in rows.
  subroutine meet(other_call)
    character(len=*), intent(in) :: other_call
    type(torch_communicator) :: communicator
    type(torch_model) :: model
    type(torch_tensor) :: input, output
    type(torch_status) :: status
    type(network) :: net
    real(real32), target :: x(3, 2), y(3, 2)
    integer(int64) :: begin, end, rate

    call torch_communicator_create(communicator, world, timeout=1.0_real64)
    call torch_model_load(model, model_file('scaling.pt'), torch_kCPU)
    call torch_tensor_from_array(input, x, torch_kCPU)
    call torch_tensor_from_array(output, y, torch_kCPU)
    call make_network(net, torch_kFloat32)
    x = 1
    call system_clock(begin, rate)
    if (own_rank() > 0) then
      call torch_mpi_forward(communicator, model, input, output, status)
    else if (other_call == 'warmup') then
      call torch_mpi_forward_warmup(communicator, model, input, output, status=status)
    else if (other_call == 'agree') then
      call torch_mpi_agree(communicator, status)
    else if (other_call == 'average') then
      call torch_mpi_average_gradients(communicator, net%parameters, status=status)
    else
      call torch_mpi_average_gradients_start(communicator, net%parameters, status=status)
    end if
    call system_clock(end)
    call check_status(status, torch_internal_error, 'the other ranks did not answer within 1 s')
    call check(end - begin < 20 * rate, 'nobody waits much longer')
    call torch_mpi_agree(communicator, status)
    call check_status(status, torch_internal_error, 'the communicator cannot be used any more')
    call torch_communicator_delete(communicator)
  end subroutine meet

  subroutine agreement_and_pass()
    call meet('agree')
  end subroutine agreement_and_pass

  subroutine warmup_and_pass()
    call meet('warmup')
  end subroutine warmup_and_pass

  subroutine average_and_pass()
    call meet('average')
  end subroutine average_and_pass

  subroutine start_and_pass()
    call meet('start')
  end subroutine start_and_pass

  !> Where calls are checked, those of a group as well; a pass that one rank cannot start is none on all.
  subroutine checked_calls()
    type(torch_communicator) :: communicator
    type(torch_model) :: model
    type(torch_tensor) :: input, output
    type(torch_status) :: status
    real(real32), target :: x(3, 2), y(3, 2)

    call torch_model_load(model, model_file('scaling.pt'), torch_kCPU)
    call torch_tensor_from_array(input, x, torch_kCPU)
    call torch_tensor_from_array(output, y, torch_kCPU)
    x = 1
    call check_calls(merge(1, 0, own_rank() == 0))
    call torch_communicator_create(communicator, world, status=status)
    call check_status(status, torch_invalid_argument, 'FTORCH_MPI_CHECK_CALLS, is not the same on all ranks')
    call check_calls(1)
    call torch_communicator_create(communicator, world)
    call check_calls(0)
    if (own_rank() == 1) then
      call torch_mpi_agree(communicator, status)
    else
      call torch_mpi_forward(communicator, model, input, output, status)
    end if
    call check_status(status, torch_invalid_argument, &
                      'the ranks make different calls: torch_mpi_agree as call 2 and torch_mpi_forward as call 2')
    if (own_rank() == 1) then
      call torch_bind_threads(communicator, status=status)
    else
      call torch_mpi_forward_warmup(communicator, model, input, output, status=status)
    end if
    call check_status(status, torch_invalid_argument, 'torch_mpi_forward_warmup as call 3 and torch_bind_threads as call 3')
    call torch_mpi_forward_start(communicator, model, input, output)
    call torch_mpi_forward_wait(communicator)
    call check_close(y, 2.0, 0.0, 'result')
    call torch_communicator_delete(communicator)
  end subroutine checked_calls

end module timeout_cases

program test_timeouts
  use ranks, only: add_case, run_on_ranks
  use timeout_cases
  implicit none

  call add_case('agreement_and_pass', agreement_and_pass, 'models')
  call add_case('warmup_and_pass', warmup_and_pass, 'models')
  call add_case('average_and_pass', average_and_pass, 'models')
  call add_case('start_and_pass', start_and_pass, 'models')
  call add_case('checked_calls', checked_calls, 'models')
  call run_on_ranks()
end program test_timeouts
