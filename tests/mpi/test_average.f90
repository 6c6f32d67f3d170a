! SPDX-License-Identifier: MIT
!> Ranks that share a batch train as one that has all of it.
module average_cases
  use, intrinsic :: iso_fortran_env, only: int64, real32, real64
  use ftorch
  use ftorch_mpi
  use parallel_problem, only: all_rows, gradients, make_network, network, on_world, rows_of_rank, same_values
  use ranks, only: own_rank, world_size
  use testing, only: check, check_close, check_equal, check_status
  implicit none
  private
  public :: sgd, adam, adamw, rmsprop, adagrad, adamax, nadam, radam, lbfgs, early, small_buckets

  !> The loss of the whole batch, by all ranks or by each alone.
  type, extends(torch_closure) :: batch_loss
    type(network) :: net
    type(torch_communicator) :: communicator
    logical :: of_all
    integer :: step
  contains
    procedure :: evaluate
  end type batch_loss

  integer, parameter :: steps = 100

contains

  !> Two networks and an optimizer for each: one trained by all ranks, one by each rank alone on the whole batch.
  subroutine compare(name, dtype, tolerance, is_early, bucket_bytes)
    character(len=*), intent(in) :: name
    integer, intent(in) :: dtype
    real(real64), intent(in) :: tolerance
    logical, intent(in), optional :: is_early
    integer(int64), intent(in), optional :: bucket_bytes
    type(network) :: shared, alone
    type(torch_optim) :: shared_optim, alone_optim
    type(torch_communicator) :: communicator
    logical :: begins_early
    integer :: step

    begins_early = .false.
    if (present(is_early)) begins_early = is_early
    communicator = on_world(bucket_bytes)
    call make_network(shared, dtype)
    call make_network(alone, dtype)
    call make_optimizer(shared_optim, name, shared)
    call make_optimizer(alone_optim, name, alone)
    do step = 1, steps
      call shared_optim%zero_grad()
      if (begins_early) then
        call torch_mpi_average_gradients_start(communicator, shared%parameters, rows_of_rank(int(own_rank())))
        call gradients(shared, step, of_all=.false.)
        call torch_mpi_average_gradients_wait(communicator)
      else
        call gradients(shared, step, of_all=.false.)
        call torch_mpi_average_gradients(communicator, shared%parameters, rows_of_rank(int(own_rank())))
      end if
      call shared_optim%step()
      call alone_optim%zero_grad()
      call gradients(alone, step, of_all=.true.)
      call alone_optim%step()
    end do
    call check(same_values(shared, alone) <= tolerance, name // ': difference ' // text_of(same_values(shared, alone)))
    call torch_communicator_delete(communicator)
  end subroutine compare

  function text_of(number) result(text)
    real(real64), intent(in) :: number
    character(len=24) :: text

    write (text, '(es12.4)') number
  end function text_of

  subroutine make_optimizer(optim, name, net)
    type(torch_optim), intent(inout) :: optim
    character(len=*), intent(in) :: name
    type(network), intent(in) :: net

    select case (name)
    case ('SGD')
      call torch_optim_SGD(optim, net%parameters, learning_rate=0.01, momentum=0.9)
    case ('Adam')
      call torch_optim_Adam(optim, net%parameters)
    case ('AdamW')
      call torch_optim_AdamW(optim, net%parameters)
    case ('RMSprop')
      call torch_optim_RMSprop(optim, net%parameters, learning_rate=0.001)
    case ('Adagrad')
      call torch_optim_Adagrad(optim, net%parameters)
    case ('Adamax')
      call torch_optim_Adamax(optim, net%parameters)
    case ('NAdam')
      call torch_optim_NAdam(optim, net%parameters)
    case ('RAdam')
      call torch_optim_RAdam(optim, net%parameters)
    end select
  end subroutine make_optimizer

  subroutine in_both_precisions(name)
    character(len=*), intent(in) :: name

    call compare(name, torch_kFloat32, 1e-6_real64)
    call compare(name, torch_kFloat64, 1e-12_real64)
  end subroutine in_both_precisions

  subroutine sgd()
    call in_both_precisions('SGD')
  end subroutine sgd

  subroutine adam()
    call in_both_precisions('Adam')
  end subroutine adam

  subroutine adamw()
    call in_both_precisions('AdamW')
  end subroutine adamw

  subroutine rmsprop()
    call in_both_precisions('RMSprop')
  end subroutine rmsprop

  subroutine adagrad()
    call in_both_precisions('Adagrad')
  end subroutine adagrad

  subroutine adamax()
    call in_both_precisions('Adamax')
  end subroutine adamax

  subroutine nadam()
    call in_both_precisions('NAdam')
  end subroutine nadam

  subroutine radam()
    call in_both_precisions('RAdam')
  end subroutine radam

  subroutine evaluate(self, loss, status)
    class(batch_loss), intent(inout) :: self
    type(torch_tensor), intent(inout) :: loss
    type(torch_status), intent(out) :: status
    integer :: i

    do i = 1, size(self%net%parameters)
      call self%net%parameters(i)%zero_grad()
    end do
    call gradients(self%net, self%step, self%of_all, loss)
    if (self%of_all) return
    call torch_mpi_average_gradients(self%communicator, self%net%parameters, rows_of_rank(int(own_rank())), status)
    if (status%ok()) call torch_mpi_average(self%communicator, loss, rows_of_rank(int(own_rank())), status)
  end subroutine evaluate

  subroutine lbfgs()
    type(batch_loss) :: shared, alone
    type(torch_optim) :: shared_optim, alone_optim

    shared%communicator = on_world()
    shared%of_all = .false.
    alone%of_all = .true.
    call make_network(shared%net, torch_kFloat64)
    call make_network(alone%net, torch_kFloat64)
    call torch_optim_LBFGS(shared_optim, shared%net%parameters, learning_rate=0.1)
    call torch_optim_LBFGS(alone_optim, alone%net%parameters, learning_rate=0.1)
    shared%step = 1
    alone%step = 1
    call shared_optim%step(shared)
    call alone_optim%step(alone)
    call check(same_values(shared%net, alone%net) <= 1e-12_real64, &
               'LBFGS: difference ' // text_of(same_values(shared%net, alone%net)))
    call torch_communicator_delete(shared%communicator)
  end subroutine lbfgs

  !> Messages within the backward pass.
  subroutine early()
    call compare('Adam', torch_kFloat64, 1e-12_real64, is_early=.true.)
  end subroutine early

  !> A message for each parameter, also within the backward pass.
  subroutine small_buckets()
    call compare('Adam', torch_kFloat64, 1e-12_real64, bucket_bytes=1_int64)
    call compare('Adam', torch_kFloat64, 1e-12_real64, is_early=.true., bucket_bytes=1_int64)
  end subroutine small_buckets

end module average_cases

program test_average
  use average_cases
  use ranks, only: add_case, run_on_ranks
  implicit none

  call add_case('sgd', sgd)
  call add_case('adam', adam)
  call add_case('adamw', adamw)
  call add_case('rmsprop', rmsprop)
  call add_case('adagrad', adagrad)
  call add_case('adamax', adamax)
  call add_case('nadam', nadam)
  call add_case('radam', radam)
  call add_case('lbfgs', lbfgs)
  call add_case('early', early)
  call add_case('small_buckets', small_buckets)
  call run_on_ranks()
end program test_average
