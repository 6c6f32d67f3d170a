! SPDX-License-Identifier: MIT
!> A small network of leaves, and batches whose rows the ranks share: rank r has r + 1 of them.
module parallel_problem
  use, intrinsic :: iso_fortran_env, only: int64, real64
  use ftorch
  use ftorch_mpi
  use ranks, only: own_rank, world_size, world
  implicit none
  private
  public :: network, make_network, rows_of_rank, all_rows, gradients, same_values, on_world

  integer, parameter :: inputs = 3, hidden = 5

  type :: network
    type(torch_tensor) :: parameters(4)
  end type network

contains

  function on_world(bucket_bytes) result(communicator)
    integer(int64), intent(in), optional :: bucket_bytes
    type(torch_communicator) :: communicator

    call torch_communicator_create(communicator, world, bucket_bytes=bucket_bytes)
  end function on_world

  !> Weights that are the same on all ranks, of torch_kFloat32 or torch_kFloat64.
  subroutine make_network(net, dtype)
    type(network), intent(inout) :: net
    integer, intent(in) :: dtype
    integer :: i
    integer(int64), parameter :: shapes(2, 4) = reshape([inputs, hidden, 1, hidden, hidden, 1, 1, 1], [2, 4])

    call torch_manual_seed(17)
    do i = 1, 4
      call torch_tensor_randn(net%parameters(i), 2, shapes(:, i), dtype, torch_kCPU, requires_grad=.true.)
    end do
  end subroutine make_network

  integer function rows_of_rank(r)
    integer, intent(in) :: r

    rows_of_rank = r + 1
  end function rows_of_rank

  integer function all_rows()
    integer :: r

    all_rows = sum([(rows_of_rank(r), r = 0, world_size() - 1)])
  end function all_rows

  !> Adds to the gradients those of the mean squared error of a batch: of the rows of this rank, or of all.
  subroutine gradients(net, step, of_all, loss_of_batch)
    type(network), intent(inout) :: net
    integer, intent(in) :: step
    logical, intent(in) :: of_all
    type(torch_tensor), intent(inout), optional :: loss_of_batch
    type(torch_tensor) :: x_real64, y_real64, x, y, loss, prediction
    real(real64), allocatable, target :: x_rows(:, :), y_rows(:, :)
    integer :: i, j, r, first, last

    first = 1
    last = all_rows()
    if (.not. of_all) then
      first = 1 + sum([(rows_of_rank(r), r = 0, own_rank() - 1)])
      last = first + rows_of_rank(int(own_rank())) - 1
    end if
    allocate (x_rows(last - first + 1, inputs), y_rows(last - first + 1, 1))
    do i = first, last
      do j = 1, inputs
        x_rows(i - first + 1, j) = sin(real(13 * i + 7 * j + 5 * step, real64))
      end do
      y_rows(i - first + 1, 1) = cos(real(11 * i + step, real64))
    end do
    call torch_tensor_from_array(x_real64, x_rows, torch_kCPU)
    call torch_tensor_from_array(y_real64, y_rows, torch_kCPU)
    x = torch_cast(x_real64, net%parameters(1)%get_dtype())
    y = torch_cast(y_real64, net%parameters(1)%get_dtype())
    prediction = torch_matmul(torch_tanh(torch_matmul(x, net%parameters(1)) + net%parameters(2)), net%parameters(3)) &
                 + net%parameters(4)
    call torch_loss_mse(loss, prediction, y)
    call torch_tensor_backward(loss)
    if (present(loss_of_batch)) loss_of_batch = torch_detach(loss)
  end subroutine gradients

  !> The largest difference between parameters, relative to the largest of either where that is above one.
  real(real64) function same_values(a, b) result(difference)
    type(network), intent(in) :: a, b
    real(real64), allocatable :: x(:), y(:)

    allocate (x(inputs * hidden + 2 * hidden + 1), y(inputs * hidden + 2 * hidden + 1))
    call torch_parameters_to_array(x, a%parameters)
    call torch_parameters_to_array(y, b%parameters)
    difference = maxval(abs(x - y) / max(1.0_real64, abs(x)))
  end function same_values

end module parallel_problem
