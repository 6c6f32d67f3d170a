! SPDX-License-Identifier: MIT
!> Rows of many ranks in one forward pass.
module gathered_cases
  use, intrinsic :: iso_c_binding, only: c_long
  use, intrinsic :: iso_fortran_env, only: int8, int64, real32, real64
  use ftorch
  use ftorch_mpi
  use model_files, only: model_file
  use parallel_problem, only: on_world
  use ranks, only: limit_memory, own_rank, world_size, world
  use testing, only: check, check_close, check_equal, check_status
  implicit none
  private
  public :: ragged, no_rows, two_of_each, two_dtypes, failures, no_memory, two_under_way, warmup, owners, loaded, threads
  public :: warmup_without_rows

contains

  subroutine fill(x, step)
    real(real32), intent(out) :: x(:, :)
    integer, intent(in) :: step
    integer :: i, j

    do j = 1, size(x, 2)
      do i = 1, size(x, 1)
        x(i, j) = sin(real(17 * own_rank() + 5 * i + 3 * j + step))
      end do
    end do
  end subroutine fill

  !> What a pass of this rank alone gives for rows.
  subroutine run_alone(model, x, y)
    type(torch_model), intent(in) :: model
    real(real32), intent(in), target :: x(:, :)
    real(real32), intent(inout), target :: y(:, :)
    type(torch_tensor) :: input, output

    call torch_tensor_from_array(input, x, torch_kCPU)
    call torch_tensor_from_array(output, y, torch_kCPU)
    call torch_model_forward(model, input, output)
  end subroutine run_alone

  !> As many rows as the number of the rank, so that rank 0 has none; columns of an array are rows of a tensor too.
  subroutine ragged()
    type(torch_communicator) :: communicator
    type(torch_model) :: model
    type(torch_tensor) :: input, output
    real(real32), allocatable, target :: x(:, :), y(:, :), expected(:, :)
    integer :: step

    communicator = on_world()
    call torch_model_load(model, model_file('mlp_float32.pt'), torch_kCPU)
    allocate (x(own_rank(), 8), y(own_rank(), 4), expected(own_rank(), 4))
    call torch_tensor_from_array(input, x, torch_kCPU)
    call torch_tensor_from_array(output, y, torch_kCPU)
    do step = 1, 3
      call fill(x, step)
      call torch_mpi_forward(communicator, model, input, output)
      if (own_rank() > 0) call run_alone(model, x, expected)
      call check(all(abs(y - expected) <= 1e-6), 'results of each rank')
    end do
    deallocate (x, y, expected)
    allocate (x(8, own_rank()), y(4, own_rank()), expected(own_rank(), 4))
    call fill(x, 4)
    call torch_tensor_from_array(input, x, torch_kCPU, permute_dims=[2, 1])
    call torch_tensor_from_array(output, y, torch_kCPU, permute_dims=[2, 1])
    call torch_mpi_forward(communicator, model, input, output)
    if (own_rank() > 0) call run_alone(model, transpose(x), expected)
    call check(all(abs(y - transpose(expected)) <= 1e-6), 'columns')
    call torch_communicator_delete(communicator)
  end subroutine ragged

  subroutine no_rows()
    type(torch_communicator) :: communicator
    type(torch_model) :: model
    type(torch_tensor) :: input, output
    type(torch_status) :: status
    real(real32), target :: x(0, 8), y(0, 4)

    communicator = on_world()
    call torch_model_load(model, model_file('mlp_float32.pt'), torch_kCPU)
    call torch_tensor_from_array(input, x, torch_kCPU)
    call torch_tensor_from_array(output, y, torch_kCPU)
    call torch_mpi_forward(communicator, model, input, output, status)
    call check(status%ok(), 'nobody has rows')
    call torch_communicator_delete(communicator)
  end subroutine no_rows

  subroutine two_of_each()
    type(torch_communicator) :: communicator
    type(torch_model) :: model
    type(torch_tensor) :: inputs(2), output, outputs(2)
    real(real32), target :: a(2, 2), b(2, 2), y(2, 2), sums(2, 2), products(2, 2)

    communicator = on_world()
    call fill(a, 1)
    call fill(b, 2)
    call torch_tensor_from_array(inputs(1), a, torch_kCPU)
    call torch_tensor_from_array(inputs(2), b, torch_kCPU)
    call torch_tensor_from_array(output, y, torch_kCPU)
    call torch_tensor_from_array(outputs(1), sums, torch_kCPU)
    call torch_tensor_from_array(outputs(2), products, torch_kCPU)
    call torch_model_load(model, model_file('two_inputs.pt'), torch_kCPU)
    call torch_mpi_forward(communicator, model, inputs, output)
    call check_close(y, a - 2 * b, 1e-6, 'two inputs')
    call torch_model_load(model, model_file('tuple_output.pt'), torch_kCPU)
    call torch_mpi_forward(communicator, model, inputs(1), outputs)
    call check_close(sums, a + 1, 1e-6, 'first output')
    call check_close(products, a * 2, 1e-6, 'second output')
    call torch_communicator_delete(communicator)
  end subroutine two_of_each

  !> Numbers of 16 bytes behind those of one byte.
  subroutine two_dtypes()
    type(torch_communicator) :: communicator
    type(torch_model) :: model
    type(torch_tensor) :: inputs(2), output
    integer(int8), allocatable, target :: a(:, :)
    complex(real64), allocatable, target :: b(:, :), y(:, :)

    communicator = on_world()
    call torch_model_load(model, model_file('two_inputs.pt'), torch_kCPU)
    allocate (a(own_rank() + 1, 1), source=5_int8)
    allocate (b(own_rank() + 1, 1), y(own_rank() + 1, 1), source=cmplx(1, own_rank(), real64))
    call torch_tensor_from_array(inputs(1), a, torch_kCPU)
    call torch_tensor_from_array(inputs(2), b, torch_kCPU)
    call torch_tensor_from_array(output, y, torch_kCPU)
    call torch_mpi_forward(communicator, model, inputs, output)
    call check(all(abs(y - (a - 2 * b)) <= 1e-12), 'results')
    call torch_communicator_delete(communicator)
  end subroutine two_dtypes

  !> Of the model, of a rank's tensors, of rows that differ.
  subroutine failures()
    type(torch_communicator) :: communicator
    type(torch_model) :: model, empty
    type(torch_tensor) :: input, inputs(1), output, wide, double, nothing
    type(torch_status) :: status
    real(real32), target :: x(2, 2), y(2, 2), z(2, 3)
    real(real64), target :: d(2, 1)

    communicator = on_world()
    call torch_model_load(model, model_file('failing.pt'), torch_kCPU)
    x = merge(-1, 1, own_rank() == 1)
    y = 7
    call torch_tensor_from_array(input, x, torch_kCPU)
    call torch_tensor_from_array(output, y, torch_kCPU)
    call torch_tensor_from_array(wide, z, torch_kCPU)
    call torch_mpi_forward(communicator, model, input, output, status)
    call check_status(status, torch_model_error, 'rank 0 of the group: RuntimeError: negative concentration in the input')
    call check_close(y, 7.0, 0.0, 'the output is as it was')
    x = 1
    if (own_rank() == 1) then
      call torch_mpi_forward(communicator, model, nothing, output, status)
    else
      call torch_mpi_forward(communicator, model, input, output, status)
    end if
    call check_status(status, torch_invalid_argument, 'rank 1 of the group: inputs(1): ')
    if (own_rank() == 1) then
      call torch_mpi_forward(communicator, model, wide, output, status)
    else
      call torch_mpi_forward(communicator, model, input, output, status)
    end if
    call check_status(status, torch_shape_mismatch, 'rank 1 of the group: it hands in 1 inputs of 12 bytes a row')
    call torch_tensor_from_array(double, d, torch_kCPU)
    if (own_rank() == 1) then
      call torch_mpi_forward(communicator, model, double, output, status)
    else
      call torch_mpi_forward(communicator, model, input, output, status)
    end if
    call check_status(status, torch_shape_mismatch, 'rank 1 of the group: the rows that it hands in have another dtype')
    call torch_mpi_forward(communicator, empty, input, output, status)
    call check_status(status, torch_invalid_argument, 'rank 0 of the group: ')
    call torch_tensor_from_array(inputs(1), x, torch_kCPU)
    call torch_mpi_forward(communicator, model, inputs(:merge(0, 1, own_rank() == 1)), output, status)
    call check_status(status, torch_invalid_argument, 'rank 1 of the group: a forward pass needs an input')
    call torch_mpi_forward(communicator, model, input, output, status)
    call check(status%ok(), 'the next pass')
    call check_close(y, 1.0, 0.0, 'result')
    call torch_communicator_delete(communicator)
  end subroutine failures

  !> The owner lacks memory for the rows of all, not for those of one.
  subroutine no_memory()
    integer, parameter :: rows = 8000000
    integer(c_long), parameter :: bytes = 8 * rows
    type(torch_communicator) :: communicator
    type(torch_model) :: model
    type(torch_tensor) :: input, output
    type(torch_status) :: status
    real(real32), allocatable, target :: x(:, :), y(:, :)

    communicator = on_world()
    call torch_model_load(model, model_file('scaling.pt'), torch_kCPU)
    allocate (x(merge(1, rows, own_rank() == 0), 2), source=1.0)
    allocate (y(size(x, 1), 2), source=7.0)
    call torch_tensor_from_array(input, x, torch_kCPU)
    call torch_tensor_from_array(output, y, torch_kCPU)
    if (own_rank() == 0) call limit_memory(bytes + bytes / 2)
    call torch_mpi_forward(communicator, model, input, output, status)
    if (own_rank() == 0) call limit_memory(-1_c_long)
    call check_status(status, torch_out_of_memory, 'rank 0 of the group: out of host memory')
    call check(all(abs(y - 7) <= 0), 'the output is as it was')
    call torch_mpi_forward(communicator, model, input, output, status)
    call check(status%ok(), 'the next pass')
    call check(all(abs(y - 2) <= 0), 'result')
    call torch_communicator_delete(communicator)
  end subroutine no_memory

  !> Messages of one pass while the other is used; the input is free at once.
  subroutine two_under_way()
    type(torch_communicator) :: communicator
    type(torch_model) :: model
    type(torch_tensor) :: input, outputs(2)
    type(torch_status) :: status
    real(real32), target :: x(3, 2), y(3, 2), z(3, 2)

    communicator = on_world()
    call torch_model_load(model, model_file('scaling.pt'), torch_kCPU)
    call torch_tensor_from_array(input, x, torch_kCPU)
    call torch_tensor_from_array(outputs(1), y, torch_kCPU)
    call torch_tensor_from_array(outputs(2), z, torch_kCPU)
    x = 1 + own_rank()
    call torch_mpi_forward_start(communicator, model, input, outputs(1))
    x = 10 + own_rank()
    call torch_mpi_forward_start(communicator, model, input, outputs(2))
    x = 0
    call torch_mpi_forward_start(communicator, model, input, outputs(2), status)
    call check_status(status, torch_invalid_argument, 'two forward passes are under way')
    call torch_mpi_forward(communicator, model, input, outputs(2), status)
    call check_status(status, torch_invalid_argument, 'a forward pass is under way')
    call torch_communicator_delete(communicator, status)
    call check_status(status, torch_invalid_argument, 'gradients or a forward pass are under way')
    call torch_mpi_forward_wait(communicator)
    call check_close(y, 2.0 * (1 + own_rank()), 0.0, 'the first pass')
    call torch_mpi_forward_wait(communicator)
    call check_close(z, 2.0 * (10 + own_rank()), 0.0, 'the second pass')
    call torch_mpi_forward_wait(communicator, status)
    call check_status(status, torch_invalid_argument, 'no forward pass is under way')
    call torch_communicator_delete(communicator)
  end subroutine two_under_way

  subroutine warmup()
    type(torch_communicator) :: communicator
    type(torch_model) :: model
    type(torch_tensor) :: input, output
    real(real32), target :: x(3, 2), y(3, 2)
    real(real64) :: seconds(2)
    logical :: gathered

    communicator = on_world()
    call torch_model_load(model, model_file('scaling.pt'), torch_kCPU)
    call torch_tensor_from_array(input, x, torch_kCPU)
    call torch_tensor_from_array(output, y, torch_kCPU)
    x = 1 + own_rank()
    call torch_mpi_forward_warmup(communicator, model, input, output, gathered, seconds)
    call check(all(seconds > 0), 'both were measured')
    call check(gathered .eqv. seconds(1) <= seconds(2), 'the faster one')
    y = 0
    call torch_mpi_forward(communicator, model, input, output)
    call check_close(y, 2.0 * (1 + own_rank()), 0.0, 'the pass that was chosen')
    call torch_communicator_delete(communicator)
  end subroutine warmup

  !> A rank without rows does not ask a model that refuses none; a failure of one is one of all.
  subroutine warmup_without_rows()
    type(torch_communicator) :: communicator
    type(torch_model) :: model
    type(torch_tensor) :: input, output
    type(torch_status) :: status
    real(real32), allocatable, target :: x(:, :), y(:, :)
    logical :: gathered

    communicator = on_world()
    call torch_model_load(model, model_file('failing.pt'), torch_kCPU)
    allocate (x(own_rank(), 2), source=3.0)
    allocate (y(own_rank(), 2), source=0.0)
    call torch_tensor_from_array(input, x, torch_kCPU)
    call torch_tensor_from_array(output, y, torch_kCPU)
    call torch_mpi_forward_warmup(communicator, model, input, output, gathered, status=status)
    call check(status%ok(), 'warm-up')
    call torch_mpi_forward(communicator, model, input, output, status)
    call check(status%ok(), 'the pass that was chosen')
    call check(all(abs(y - 3) <= 0), 'results')
    if (own_rank() == 1) x = -1
    call torch_mpi_forward_warmup(communicator, model, input, output, gathered, status=status)
    call check_status(status, torch_model_error, 'rank 1 of the group: RuntimeError: negative concentration in the input')
    call torch_communicator_delete(communicator)
  end subroutine warmup_without_rows

  !> As many groups as owners.
  subroutine owners()
    type(torch_communicator) :: communicator
    type(torch_model) :: model
    type(torch_tensor) :: input, output
    real(real32), target :: x(3, 2), y(3, 2)

    call torch_communicator_create(communicator, world, owners=2)
    call check_equal(communicator%group_size(), int(world_size()) / 2, 'ranks of a group')
    call check_equal(communicator%device_index(), int(2 * own_rank() / world_size()), 'group')
    call check(communicator%is_owner() .eqv. mod(int(own_rank()), int(world_size()) / 2) == 0, 'owner')
    call torch_model_load(model, model_file('scaling.pt'), torch_kCPU)
    call torch_tensor_from_array(input, x, torch_kCPU)
    call torch_tensor_from_array(output, y, torch_kCPU)
    x = 1 + own_rank()
    call torch_mpi_forward(communicator, model, input, output)
    call check_close(y, 2.0 * (1 + own_rank()), 0.0, 'result')
    call torch_communicator_delete(communicator)
  end subroutine owners

  !> A file that one rank reads.
  subroutine loaded()
    type(torch_communicator) :: communicator
    type(torch_model) :: model, other
    type(torch_status) :: status
    type(torch_tensor) :: input, output
    real(real32), target :: x(3, 8), y(3, 4), expected(3, 4)
    character(len=:), allocatable :: name

    communicator = on_world()
    name = '/nowhere/at/all.pt'
    if (own_rank() == 0) name = model_file('mlp_float32.pt')
    call torch_mpi_load(model, name, torch_kCPU, communicator)
    call torch_model_load(other, model_file('mlp_float32.pt'), torch_kCPU)
    call fill(x, 1)
    call torch_tensor_from_array(input, x, torch_kCPU)
    call torch_tensor_from_array(output, y, torch_kCPU)
    call torch_model_forward(model, input, output)
    call run_alone(other, x, expected)
    call check_close(y, expected, 0.0, 'the same model')
    name = model_file('mlp_float32.pt')
    if (own_rank() == 0) name = '/nowhere/at/all.pt'
    call torch_mpi_load(model, name, torch_kCPU, communicator, status=status)
    call check_status(status, torch_io_error, "rank 0: cannot open '/nowhere/at/all.pt'")
    call torch_mpi_load(model, model_file('truncated.pt'), torch_kCPU, communicator, status=status)
    call check(.not. status%ok() .and. index(status%message, 'rank 0: ') > 0, 'a file that is damaged')
    call check(index(status%message, 'truncated.pt') > 0, 'its name is told')
    call torch_communicator_delete(communicator)
  end subroutine loaded

  !> No more threads on all ranks together than there are cores.
  subroutine threads()
    type(torch_communicator) :: communicator
    type(torch_tensor) :: count
    type(torch_status) :: status
    integer :: number

    communicator = on_world()
    call torch_bind_threads(communicator, number, status=status)
    call check(status%ok(), 'bound')
    call check_equal(torch_get_num_threads(), number, 'threads of the library')
    call torch_tensor_full(count, 1, [1_int64], number, torch_kFloat64, torch_kCPU)
    call torch_mpi_average(communicator, count)
    call check(number >= 1, 'one at least')
    if (count%item() > 1) call check(count%item() * world_size() <= cores(), 'cores')
    call torch_communicator_delete(communicator)
  end subroutine threads

  integer function cores()
    integer :: unit

    call execute_command_line('nproc --all > nproc.txt')
    open (newunit=unit, file='nproc.txt', status='old')
    read (unit, *) cores
    close (unit)
  end function cores

end module gathered_cases

program test_gathered
  use gathered_cases
  use ranks, only: add_case, run_on_ranks
  implicit none

  call add_case('ragged', ragged, 'models')
  call add_case('no_rows', no_rows, 'models')
  call add_case('two_of_each', two_of_each, 'models')
  call add_case('two_dtypes', two_dtypes, 'models')
  call add_case('failures', failures, 'models')
  call add_case('no_memory', no_memory, 'models')
  call add_case('two_under_way', two_under_way, 'models')
  call add_case('warmup', warmup, 'models')
  call add_case('warmup_without_rows', warmup_without_rows, 'models')
  call add_case('owners', owners, 'models')
  call add_case('loaded', loaded, 'models')
  call add_case('threads', threads)
  call run_on_ranks()
end program test_gathered
