! SPDX-License-Identifier: MIT
!> Which messages the library sends, and when. Calls of MPI pass through messages.c, which notes them.
module message_cases
  use, intrinsic :: iso_c_binding, only: c_double, c_funloc, c_funptr, c_int
  use, intrinsic :: iso_fortran_env, only: int64, real32, real64
  use ftorch
  use ftorch_mpi
  use model_files, only: model_file
  use parallel_problem, only: on_world
  use ranks, only: own_rank, world, world_size
  use testing, only: check, check_close, check_equal, check_status
  implicit none
  private
  public :: buckets, within_the_pass, failed_pass, members_go_on, own_messages, freed_communicators, passes_of_each_rank, threads
  public :: left_behind

  interface
    subroutine forget_sums() bind(c)
    end subroutine forget_sums
    integer(c_int) function sum_count() bind(c)
      import :: c_int
      implicit none
    end function sum_count
    integer(c_int) function sum_length(i) bind(c)
      import :: c_int
      implicit none
      integer(c_int), value :: i
    end function sum_length
    real(c_double) function sum_first(i) bind(c)
      import :: c_double, c_int
      implicit none
      integer(c_int), value :: i
    end function sum_first
    integer(c_int) function gather_count() bind(c)
      import :: c_int
      implicit none
    end function gather_count
    subroutine slow_gathers() bind(c)
    end subroutine slow_gathers
    integer(c_int) function communicator_count() bind(c)
      import :: c_int
      implicit none
    end function communicator_count
    subroutine wildcard_post() bind(c)
    end subroutine wildcard_post
    integer(c_int) function wildcard_has_come() bind(c)
      import :: c_int
      implicit none
    end function wildcard_has_come
    integer(c_int) function wildcard_end(number) bind(c)
      import :: c_int
      implicit none
      integer(c_int), value :: number
    end function wildcard_end
    subroutine on_thread(procedure) bind(c)
      import :: c_funptr
      implicit none
      type(c_funptr), value :: procedure
    end subroutine on_thread
  end interface

  !> Times a factor; its backward pass notes the messages so far, or fails.
  type, extends(torch_function) :: witness
    real(real64) :: factor = 3
    logical :: fails = .false.
  contains
    procedure :: forward => multiply
    procedure :: backward => look
  end type witness

  integer :: messages_seen
  type(torch_communicator) :: of_thread
  type(torch_status) :: status_of_thread

contains

  integer function last_rank()
    last_rank = world_size() - 1
  end function last_rank

  subroutine multiply(self, outputs, inputs, status)
    class(witness), intent(inout) :: self
    type(torch_tensor), intent(inout) :: outputs(:)
    type(torch_tensor), intent(in) :: inputs(:)
    type(torch_status), intent(out) :: status

    call torch_tensor_mul(outputs(1), inputs(1), self%factor, status)
  end subroutine multiply

  subroutine look(self, input_gradients, output_gradients, inputs, outputs, status)
    class(witness), intent(inout) :: self
    type(torch_tensor), intent(inout) :: input_gradients(:)
    type(torch_tensor), intent(in) :: output_gradients(:), inputs(:), outputs(:)
    type(torch_status), intent(out) :: status

    messages_seen = sum_count()
    if (self%fails .or. size(inputs) /= size(outputs)) then
      status%code = torch_internal_error
      status%message = 'the adjoint diverged'
      return
    end if
    call torch_tensor_mul(input_gradients(1), output_gradients(1), self%factor, status)
  end subroutine look

  !> Parameters of so many numbers, each of whose gradients is full of its number in the list times that of the rank.
  subroutine average(communicator, sizes)
    type(torch_communicator), intent(in) :: communicator
    integer, intent(in) :: sizes(:)
    type(torch_tensor) :: parameters(size(sizes)), means(size(sizes)), gradient
    real(real64), allocatable :: numbers(:)
    integer :: i

    do i = 1, size(sizes)
      call torch_tensor_ones(parameters(i), 1, [int(sizes(i), int64)], torch_kFloat64, torch_kCPU, requires_grad=.true.)
      call torch_tensor_full(gradient, 1, [int(sizes(i), int64)], i * (own_rank() + 1), torch_kFloat64, torch_kCPU)
      call torch_tensor_set_gradient(parameters(i), gradient)
    end do
    call forget_sums()
    call torch_mpi_average_gradients(communicator, parameters)
    do i = 1, size(sizes)
      call torch_tensor_get_gradient(means(i), parameters(i))
      allocate (numbers(sizes(i)))
      call torch_tensor_to_array(means(i), numbers)
      call check_close(numbers, i * (world_size() + 1) / 2.0_real64, 1e-15_real64, 'the mean')
      deallocate (numbers)
    end do
  end subroutine average

  !> Parameters that fit together travel together, the last ones first, and a large one in pieces.
  subroutine buckets()
    type(torch_communicator) :: communicator
    integer, parameter :: half = 25 * 2**20 / 8 / 2 - 2
    integer :: i

    communicator = on_world(bucket_bytes=88_int64)
    call average(communicator, [4, 4, 4, 4, 4])
    call check_equal(int(sum_count()), 3, 'messages')
    ! Behind the numbers, one for each parameter and one more.
    call check_equal([(int(sum_length(i), int64), i = 1, 3)], [11_int64, 11_int64, 6_int64], 'numbers')
    call check_close([(sum_first(i), i = 1, 3)] * world_size() / (own_rank() + 1), [5.0_real64, 3.0_real64, 1.0_real64], &
                     1e-15_real64, 'order')
    call average(communicator, [1, 30, 2])
    call check_equal([(int(sum_length(i), int64), i = 1, sum_count())], [4_int64, 11_int64, 11_int64, 10_int64, 3_int64], 'pieces')
    call torch_communicator_delete(communicator)
    communicator = on_world()
    call average(communicator, [half, half])
    call check_equal(int(sum_count()), 1, 'messages of 25 MB')
    call average(communicator, [half, half, 4])
    call check_equal(int(sum_count()), 2, 'messages of more')
    call torch_communicator_delete(communicator)
  end subroutine buckets

  !> weights(2) * 3 weights(1), with a witness between the two.
  subroutine make(weights, loss, fails)
    type(torch_tensor), intent(inout) :: weights(2), loss
    logical, intent(in) :: fails
    type(torch_tensor) :: outputs(1)
    type(witness) :: function

    call torch_tensor_full(weights(1), 1, [1_int64], 5, torch_kFloat64, torch_kCPU, requires_grad=.true.)
    call torch_tensor_full(weights(2), 1, [1_int64], 7, torch_kFloat64, torch_kCPU, requires_grad=.true.)
    function%fails = fails
    call torch_apply(outputs, function, [weights(1)])
    loss = outputs(1) * weights(2)
    messages_seen = -1
    call forget_sums()
  end subroutine make

  real(real64) function gradient_of(tensor) result(number)
    type(torch_tensor), intent(in) :: tensor
    type(torch_tensor) :: gradient

    call torch_tensor_get_gradient(gradient, tensor)
    number = gradient%item()
  end function gradient_of

  !> The gradient of the last parameter is on its way before that of the first one is computed.
  subroutine within_the_pass()
    type(torch_communicator) :: communicator
    type(torch_tensor) :: weights(2), loss

    ! A number, and the two behind it.
    communicator = on_world(bucket_bytes=24_int64)
    call make(weights, loss, fails=.false.)
    call torch_tensor_backward(loss)
    call check_equal(int(sum_count()), 0, 'messages of a pass that was not started')
    call make(weights, loss, fails=.false.)
    call torch_mpi_average_gradients_start(communicator, weights)
    call torch_tensor_backward(loss)
    call check_equal(messages_seen, 1, 'messages within the pass')
    call check_equal(int(sum_count()), 2, 'messages after the pass')
    call torch_mpi_average_gradients_wait(communicator)
    call check_equal(int(sum_count()), 2, 'messages after the wait')
    call check_close(gradient_of(weights(1)), 21.0_real64, 1e-15_real64, 'the first gradient')
    call check_close(gradient_of(weights(2)), 15.0_real64, 1e-15_real64, 'the second gradient')
    call torch_communicator_delete(communicator)
  end subroutine within_the_pass

  !> A rank whose backward pass fails waits as well, and then all agree.
  subroutine failed_pass()
    type(torch_communicator) :: communicator
    type(torch_tensor) :: weights(2), loss
    type(torch_status) :: status, of_wait

    ! A number, and the two behind it.
    communicator = on_world(bucket_bytes=24_int64)
    call make(weights, loss, fails=own_rank() == last_rank())
    call torch_mpi_average_gradients_start(communicator, weights)
    call torch_tensor_backward(loss, status=status)
    call check(status%ok() .neqv. own_rank() == last_rank(), 'one pass fails')
    call torch_mpi_average_gradients_wait(communicator, of_wait)
    call check(of_wait%ok(), 'nobody waits in vain')
    call torch_mpi_agree(communicator, status)
    call check(index(status%message, 'rank ' // achar(iachar('0') + last_rank()) // ': ') > 0 .and. &
               index(status%message, 'the adjoint diverged') > 0, 'all know')
    call torch_communicator_delete(communicator)
  end subroutine failed_pass

  !> Ranks that are no owners have started a pass before the owner comes.
  subroutine members_go_on()
    type(torch_communicator) :: communicator, other
    type(torch_model) :: model
    type(torch_tensor) :: input, output, number
    real(real32), target :: x(3, 2), y(3, 2)

    call torch_communicator_create(communicator, world, timeout=60.0_real64)
    call torch_communicator_create(other, world, timeout=60.0_real64)
    call torch_model_load(model, model_file('scaling.pt'), torch_kCPU)
    call torch_tensor_from_array(input, x, torch_kCPU)
    call torch_tensor_from_array(output, y, torch_kCPU)
    call torch_tensor_full(number, 1, [1_int64], own_rank(), torch_kFloat64, torch_kCPU)
    x = 1 + own_rank()
    if (.not. communicator%is_owner()) call torch_mpi_forward_start(communicator, model, input, output)
    call torch_mpi_broadcast(other, number, root=last_rank())
    call check_close(number%item(), real(last_rank(), real64), 0.0_real64, 'a message from one that goes on')
    if (communicator%is_owner()) call torch_mpi_forward_start(communicator, model, input, output)
    call torch_mpi_forward_wait(communicator)
    call check_close(y, 2.0 * (1 + own_rank()), 0.0, 'results')
    call torch_communicator_delete(other)
    call torch_communicator_delete(communicator)
  end subroutine members_go_on

  !> Of the program, waiting for any message that there is: the library's are none of them.
  subroutine own_messages()
    type(torch_communicator) :: communicator
    type(torch_model) :: model
    type(torch_tensor) :: input, output, number
    real(real32), target :: x(3, 2), y(3, 2)

    call wildcard_post()
    communicator = on_world()
    call torch_mpi_load(model, model_file('scaling.pt'), torch_kCPU, communicator)
    call torch_tensor_from_array(input, x, torch_kCPU)
    call torch_tensor_from_array(output, y, torch_kCPU)
    call torch_tensor_full(number, 1, [1_int64], own_rank(), torch_kFloat64, torch_kCPU)
    x = 1 + own_rank()
    call torch_mpi_forward(communicator, model, input, output)
    call torch_mpi_average(communicator, number)
    call torch_mpi_broadcast(communicator, number)
    call torch_bind_threads(communicator)
    call torch_communicator_delete(communicator)
    call check_equal(int(wildcard_has_come()), 0, 'messages of the library that came')
    call check_equal(int(wildcard_end(7_c_int)), 7, 'the message of the program')
  end subroutine own_messages

  subroutine freed_communicators()
    type(torch_communicator) :: communicator
    integer :: before

    before = communicator_count()
    communicator = on_world()
    call check(communicator_count() > before, 'copies')
    call torch_communicator_delete(communicator)
    call check_equal(int(communicator_count()), before, 'communicators that are left')
  end subroutine freed_communicators

  !> Where a gathered pass is slower, each rank computes by itself, and its failures are its own.
  subroutine passes_of_each_rank()
    type(torch_communicator) :: communicator
    type(torch_model) :: model, empty
    type(torch_tensor) :: input, output, wide, wide_output
    type(torch_status) :: status
    real(real32), target :: x(3, 2), y(3, 2), u(3, 4), v(3, 4)
    logical :: gathered
    integer :: before

    communicator = on_world()
    call torch_model_load(model, model_file('failing.pt'), torch_kCPU)
    call torch_tensor_from_array(input, x, torch_kCPU)
    call torch_tensor_from_array(output, y, torch_kCPU)
    call torch_tensor_from_array(wide, u, torch_kCPU)
    call torch_tensor_from_array(wide_output, v, torch_kCPU)
    x = 1
    u = 4
    call slow_gathers()
    call torch_mpi_forward_warmup(communicator, model, input, output, gathered)
    call check(.not. gathered, 'the faster one')
    before = gather_count()
    x = merge(-1, 2, own_rank() == last_rank())
    call torch_mpi_forward(communicator, model, input, output, status)
    if (own_rank() == last_rank()) then
      call check_status(status, torch_model_error, 'negative concentration')
      call check(index(status%message, 'of the group') == 0, 'nobody else is named')
    else
      call check(status%ok(), 'the others')
      call check_close(y, 2.0, 0.0, 'results of the others')
    end if
    x = 3
    if (own_rank() == last_rank()) then
      call torch_mpi_forward(communicator, empty, input, output, status)
      call check_status(status, torch_invalid_argument, 'model')
    else
      call torch_mpi_forward(communicator, model, input, output, status)
      call check_close(y, 3.0, 0.0, 'results of those with a model')
    end if
    call check_equal(int(gather_count()), before, 'gathered passes')
    call torch_mpi_forward(communicator, model, wide, wide_output)
    call check_equal(int(gather_count()), before + 1, 'gathered passes, with rows of another size')
    call check_close(v, 4.0, 0.0, 'rows of another size')
    call torch_communicator_delete(communicator)
  end subroutine passes_of_each_rank

  !> MPI_Init leaves MPI to the thread that called it.
  subroutine threads()
    of_thread = on_world()
    call on_thread(c_funloc(agree_on_thread))
    call check_status(status_of_thread, torch_invalid_argument, 'this is not the thread that initialized MPI')
    call torch_mpi_agree(of_thread, status_of_thread)
    call check(index(status_of_thread%message, 'rank 0: ') > 0, 'this one may')
    call torch_communicator_delete(of_thread)
  end subroutine threads

  subroutine agree_on_thread() bind(c)
    call torch_mpi_agree(of_thread, status_of_thread)
  end subroutine agree_on_thread

  !> MPI_Finalize frees what nobody has deleted, of which messages.c makes sure.
  subroutine left_behind()
    type(torch_communicator) :: communicator

    communicator = on_world()
    call check(communicator_count() > 0, 'communicators are left')
  end subroutine left_behind

end module message_cases

program test_messages
  use message_cases
  use ranks, only: add_case, run_on_ranks
  implicit none

  call add_case('buckets', buckets)
  call add_case('within_the_pass', within_the_pass)
  call add_case('failed_pass', failed_pass)
  call add_case('members_go_on', members_go_on, 'models')
  call add_case('own_messages', own_messages, 'models')
  call add_case('freed_communicators', freed_communicators)
  call add_case('passes_of_each_rank', passes_of_each_rank, 'models')
  call add_case('threads', threads)
  call add_case('left_behind', left_behind)
  call run_on_ranks()
end program test_messages
