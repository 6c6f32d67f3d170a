! SPDX-License-Identifier: MIT
!> Replay buffers: rows as arrays, batches into tensors, resumed from a checkpoint.
module replay_buffer_cases
  use, intrinsic :: iso_fortran_env, only: int64, real32, real64
  use ftorch
  use testing, only: check, check_close, check_equal, check_status
  implicit none
  private
  public :: one_row_or_many, the_last_ones_stay, sections_and_expressions, other_shapes, empty_buffer, wrong_arguments
  public :: statistics, more_fields, shared, resumed, memory

  type :: point
    real(real32) :: x = 0, y = 0
    integer :: number = 0
  end type point

contains

  !> Rows that know their number: x is (number, number + 0.5), y is 10 times the number.
  subroutine fill(x, y, first)
    real(real32), intent(out) :: x(:,:)
    real(real64), intent(out) :: y(:)
    integer, intent(in) :: first
    integer :: i

    do i = 1, size(y)
      x(:,i) = real(first + i - 1, real32) + [0.0_real32, 0.5_real32]
      y(i) = 10 * (first + i - 1)
    end do
  end subroutine fill

  !> A batch of whole rows from `first` to `last`.
  subroutine check_batch(buffer, first, last)
    type(torch_replay_buffer), intent(in) :: buffer
    integer, intent(in) :: first, last
    real(real32), target :: x(2,200)
    real(real64), target :: y(200)
    type(torch_tensor) :: x_tensor, y_tensor
    logical :: is_seen(first:last)
    integer :: i

    call torch_tensor_from_array(x_tensor, x, torch_kCPU)
    call torch_tensor_from_array(y_tensor, y, torch_kCPU)
    call buffer%draw(x_tensor, y_tensor)
    is_seen = .false.
    do i = 1, 200
      call check(x(1,i) >= first .and. x(1,i) <= last, 'a row that is there')
      call check_close(x(2,i), x(1,i) + 0.5_real32, 0.0_real32, 'the row is whole')
      call check_close(y(i), 10 * real(x(1,i), real64), 0.0_real64, 'both fields are of one row')
      is_seen(nint(x(1,i))) = .true.
    end do
    call check(count(is_seen) > (last - first + 1) / 2, 'many different rows')
  end subroutine check_batch

  subroutine one_row_or_many()
    type(torch_replay_buffer) :: buffer
    real(real32) :: x(2,20)
    real(real64) :: y(20)

    call fill(x, y, 1)
    call torch_replay_buffer_create(buffer, 100, seed=7)
    call buffer%put(x(:,1), y(1))
    call check_equal(int(buffer%count()), 1, 'one row')
    call buffer%put(x(:,2:20), y(2:20))
    call buffer%put(x(:,1:0), y(1:0))
    call check_equal(int(buffer%count()), 20, 'many')
    call check_batch(buffer, 1, 20)
    call torch_replay_buffer_create(buffer, 100_int64, 'reservoir', 7_int64)
    call buffer%put(x, y)
    call check_batch(buffer, 1, 20)
  end subroutine one_row_or_many

  subroutine the_last_ones_stay()
    type(torch_replay_buffer) :: buffer
    real(real32) :: x(2,50)
    real(real64) :: y(50)
    integer :: i

    call fill(x, y, 1)
    call torch_replay_buffer_create(buffer, 12)
    call buffer%put(x, y)
    call check_batch(buffer, 39, 50)
    do i = 51, 70
      call fill(x, y, i)
      call buffer%put(x(:,1), y(1))
    end do
    call check_batch(buffer, 59, 70)
    call check_equal(int(buffer%count()), 12, 'never more than the capacity')
  end subroutine the_last_ones_stay

  subroutine sections_and_expressions()
    type(torch_replay_buffer) :: buffer
    type(point) :: points(3,4)
    real(real32), target :: x(3,4), y(4), wide(6,8)
    type(torch_tensor) :: x_tensor, y_tensor
    integer :: i, j

    do j = 1, 4
      do i = 1, 3
        points(i,j)%y = 10 * i + j
        wide(2 * i,9 - 2 * j) = 10 * i + j
      end do
    end do
    call torch_tensor_from_array(x_tensor, x, torch_kCPU)
    call torch_tensor_from_array(y_tensor, y, torch_kCPU)
    do i = 1, 3
      call torch_replay_buffer_create(buffer, 4)
      select case (i)
      case (1)
        call buffer%put(points%y, points(2,:)%y)
      case (2)
        call buffer%put(wide(2::2,7:1:-2), wide(4,7:1:-2))
      case (3)
        call buffer%put(2 * points%y / 2, sum(points%y, 1) / 3)
      end select
      call buffer%draw(x_tensor, y_tensor)
      do j = 1, 4
        call check(y(j) > 20 .and. y(j) < 25, 'a row that is there')
        call check_close(x(:,j), y(j) + [-10, 0, 10], 0.0_real32, 'all of it')
      end do
    end do
  end subroutine sections_and_expressions

  subroutine other_shapes()
    type(torch_replay_buffer) :: buffer
    type(torch_status) :: status
    real(real32), target :: x(2,6), z(3,6)
    real(real64), target :: y(6)
    type(torch_tensor) :: x_tensor, y_tensor

    call fill(x, y, 1)
    z = 0
    call torch_replay_buffer_create(buffer, 10)
    call buffer%put(x, y)
    call buffer%put(z, y, status)
    call check_status(status, torch_shape_mismatch, 'x: the shape is [3, 6]; a row of this field is [2], or [2, n]')
    call buffer%put(x, y(1:3), status)
    call check_status(status, torch_shape_mismatch, 'y: 3 rows; the first field has 6 rows')
    call buffer%put(x, x(1,:), status)
    call check_status(status, torch_dtype_mismatch, 'y: the dtype is float32; rows of this field have float64')
    call check_equal(int(buffer%count()), 6, 'nothing was added')
    call check_close(buffer%mean(2), [35.0_real64], 1e-14_real64, 'nor counted')
    call torch_tensor_from_array(x_tensor, z, torch_kCPU)
    call torch_tensor_from_array(y_tensor, y, torch_kCPU)
    call buffer%draw(x_tensor, y_tensor, status)
    call check_status(status, torch_shape_mismatch, 'x_tensor: the shape is [3, 6]')
    call torch_tensor_from_array(x_tensor, x, torch_kCPU, requires_grad=.true.)
    call buffer%draw(x_tensor, y_tensor, status)
    call check_status(status, torch_invalid_argument, 'x_tensor: the tensor is a leaf with requires_grad')
    call check_close(y, [10, 20, 30, 40, 50, 60] * 1.0_real64, 0.0_real64, 'nothing was written')
  end subroutine other_shapes

  !> An array that is not allocated is told; with flang it has no elements.
  subroutine check_missing(status, name)
    type(torch_status), intent(in) :: status
    character(len=*), intent(in) :: name

    call check(.not. status%ok(), name // ' is told')
    call check(index(status%message, name // ' is not allocated or associated') > 0 .or. &
               index(status%message, name // ': the shape is [0') > 0, status%message)
  end subroutine check_missing

  subroutine empty_buffer()
    type(torch_replay_buffer) :: buffer
    type(torch_status) :: status
    real(real64), target :: y(6)
    real(real64), allocatable :: missing(:), missing_rows(:,:)
    real(real64), pointer :: nowhere(:)
    type(torch_tensor) :: tensor

    y = 0
    call buffer%put(y, y, status)
    call check_status(status, torch_invalid_argument, 'the buffer holds nothing')
    call torch_replay_buffer_create(buffer, 10)
    call torch_tensor_from_array(tensor, y, torch_kCPU)
    call buffer%draw(tensor, tensor, status)
    call check_status(status, torch_invalid_argument, 'the buffer is empty')
    call check_equal(int(buffer%count()), 0, 'no rows')
    allocate (missing(2), missing_rows(2, 3))
    deallocate (missing, missing_rows)  ! gfortran keeps the extents, and what it has before is anything
    call buffer%put(missing, y, status)
    call check_missing(status, 'x')
    call buffer%put(y, missing_rows, status)
    call check_missing(status, 'y')
    nullify (nowhere)
    call buffer%put(y, nowhere, status)
    call check_missing(status, 'y')
    call check_equal(int(buffer%bytes()), 0, 'no memory')
  end subroutine empty_buffer

  subroutine wrong_arguments()
    type(torch_replay_buffer) :: buffer
    type(torch_status) :: status

    call torch_replay_buffer_create(buffer, 10, 'heap', status=status)
    call check_status(status, torch_invalid_argument, "policy is 'heap'; it must be 'ring' or 'reservoir'")
    call torch_replay_buffer_create(buffer, -3, status=status)
    call check_status(status, torch_invalid_argument, 'capacity is -3; it must be at least 1')
    call torch_replay_buffer_create(buffer, 10.0, status=status)
    call check_status(status, torch_invalid_argument, 'capacity is no integer')
    call torch_replay_buffer_create(buffer, 10, seed=1.0, status=status)
    call check_status(status, torch_invalid_argument, 'seed is no integer')
  end subroutine wrong_arguments

  !> Over all rows that came, in Fortran's element order.
  subroutine statistics()
    type(torch_replay_buffer) :: buffer
    real(real64) :: x(2,3,100), mean(6), rows(6,100), y(100)

    call random_number(x)
    call random_number(y)
    call torch_replay_buffer_create(buffer, 10)
    call buffer%put(x(:,:,:60), y(:60))
    call buffer%put(x(:,:,61:), y(61:))
    rows = reshape(x, [6, 100])
    mean = sum(rows, 2) / 100
    call check_close(buffer%mean(1), mean, 1e-14_real64, 'mean')
    call check_close(buffer%std(1), sqrt(sum((rows - spread(mean, 2, 100))**2, 2) / 99), 1e-13_real64, 'std')
    call check_close(buffer%mean(), mean, 1e-14_real64, 'the first field where none is named')
    call check_close(buffer%mean(2), [sum(y) / 100], 1e-14_real64, 'of the other')
  end subroutine statistics

  !> A class number of int64 with a field in single precision and a weight.
  subroutine more_fields()
    type(torch_replay_buffer) :: buffer
    real(real32), target :: x(4,30), batch(4,8)
    integer(int64), target :: class(30), classes(8)
    real(real64), target :: weight(1,30), weights(1,8)
    type(torch_tensor) :: rows(3), fields(3)
    integer :: i

    call torch_replay_buffer_create(buffer, 30)
    do i = 1, 30
      x(:,i) = i
      class(i) = i
      weight(1,i) = i
    end do
    call torch_tensor_from_array(rows(1), x, torch_kCPU)
    call torch_tensor_from_array(rows(2), class, torch_kCPU)
    call torch_tensor_from_array(rows(3), weight, torch_kCPU)
    call torch_tensor_from_array(fields(1), batch, torch_kCPU)
    call torch_tensor_from_array(fields(2), classes, torch_kCPU)
    call torch_tensor_from_array(fields(3), weights, torch_kCPU)
    call buffer%put_tensors(rows)
    call buffer%draw_tensors(fields)
    do i = 1, 8
      call check(classes(i) >= 1 .and. classes(i) <= 30, 'a row')
      call check_close(batch(:,i), real(classes(i), real32), 0.0_real32, 'first field')
      call check_close(weights(1,i), real(classes(i), real64), 0.0_real64, 'third field')
    end do
  end subroutine more_fields

  subroutine shared()
    type(torch_replay_buffer) :: buffer, other

    call torch_replay_buffer_create(buffer, 10)
    other = buffer
    call other%put([1.0_real32, 2.0_real32], 1.0_real64)
    call check_equal(int(buffer%count()), 1, 'one buffer by two names')
    call torch_replay_buffer_delete(buffer)
    call check_equal(int(other%count()), 1, 'the other is there')
  end subroutine shared

  !> The batches after a checkpoint are those of the run that went on.
  subroutine resumed()
    character(len=*), parameter :: file = 'replay_buffer_resumed.safetensors'
    type(torch_replay_buffer) :: buffer, fresh
    type(torch_checkpoint) :: checkpoint
    type(torch_status) :: status
    real(real64) :: expected(2,3,5), got(2,3,5)

    call torch_replay_buffer_create(buffer, 16, 'reservoir', 3)
    call run(buffer, 40, expected)
    call checkpoint%put('buffer', buffer)
    call torch_checkpoint_save(checkpoint, file)
    call run(buffer, 80, expected)
    call torch_replay_buffer_create(fresh, 17, 'reservoir')
    call torch_checkpoint_load(checkpoint, file)
    call checkpoint%get('buffer', fresh, status)
    call check_status(status, torch_invalid_argument, 'capacity 16; the buffer is a reservoir of capacity 17')
    call torch_replay_buffer_create(fresh, 16, 'reservoir')
    call checkpoint%get('buffer', fresh)
    call run(fresh, 80, got)
    call check_close(got, expected, 0.0_real64, 'the batches')
    call check_close(fresh%std(1), buffer%std(1), 0.0_real64, 'the statistics')
  end subroutine resumed

  !> Puts 40 rows from `first` on, and draws five batches of three.
  subroutine run(buffer, first, batches)
    type(torch_replay_buffer), intent(in) :: buffer
    integer, intent(in) :: first
    real(real64), intent(out) :: batches(2,3,5)
    real(real64), target :: x(2,3), y(3)
    type(torch_tensor) :: x_tensor, y_tensor
    integer :: i

    call torch_tensor_from_array(x_tensor, x, torch_kCPU)
    call torch_tensor_from_array(y_tensor, y, torch_kCPU)
    do i = 1, 40
      call buffer%put([real(first + i, real64), sqrt(real(i, real64))], real(i, real64))
    end do
    do i = 1, 5
      call buffer%draw(x_tensor, y_tensor)
      batches(:,:,i) = x
    end do
  end subroutine run

  subroutine memory()
    type(torch_replay_buffer) :: buffer
    type(torch_status) :: status
    real(real32) :: x(8,4)

    x = 0
    call torch_replay_buffer_create(buffer, 1000)
    call buffer%put(x, x(1,:))
    call check_equal([buffer%bytes()], [torch_replay_buffer_bytes(1000, [8, 1])], 'told beforehand')
    call check_equal(int(torch_replay_buffer_bytes(1000, [8, 1], 8)), 1000 * 9 * 8 + 9 * 24, 'of real64')
    call torch_replay_buffer_create(buffer, 10_int64**15)
    call buffer%put(x, x(1,:), status)
    call check_status(status, torch_out_of_memory, 'the buffer needs 36000000000000216 bytes')
  end subroutine memory

end module replay_buffer_cases

program test_replay_buffer
  use replay_buffer_cases
  use testing, only: add_case, run_cases
  implicit none

  call add_case('one_row_or_many', one_row_or_many)
  call add_case('the_last_ones_stay', the_last_ones_stay)
  call add_case('sections_and_expressions', sections_and_expressions)
  call add_case('other_shapes', other_shapes)
  call add_case('empty_buffer', empty_buffer)
  call add_case('wrong_arguments', wrong_arguments)
  call add_case('statistics', statistics)
  call add_case('more_fields', more_fields)
  call add_case('shared', shared)
  call add_case('resumed', resumed)
  call add_case('memory', memory)
  call run_cases()
end program test_replay_buffer
