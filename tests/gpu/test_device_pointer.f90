! SPDX-License-Identifier: MIT
!> Memory of a device that the program brings along, wrapped as a tensor.
module device_pointer_cases
  use, intrinsic :: iso_c_binding, only: c_f_pointer, c_int, c_loc, c_null_ptr, c_ptr
  use, intrinsic :: iso_fortran_env, only: int64, real64
  use device_under_test, only: allocate_numbers, device, device_free, need_device, read_numbers, write_numbers
  use ftorch
  use recorder, only: last_error, record_errors
  use testing, only: check, check_close, check_equal, check_status
  implicit none
  private
  public :: wraps, layouts, results, results_in_graph, recurrence, copies, clears, trains, to_and_from, host_memory
  public :: other_device, faults

  real(real64), parameter :: exact = 0

contains

  !> A tensor of rank 1 over memory that holds `numbers`.
  subroutine wrap(tensor, address, numbers, requires_grad)
    type(torch_tensor), intent(inout) :: tensor
    type(c_ptr), intent(out) :: address
    real(real64), intent(in) :: numbers(:)
    logical, intent(in), optional :: requires_grad

    address = allocate_numbers(size(numbers))
    call write_numbers(address, numbers)
    call torch_tensor_from_device_pointer(tensor, address, 1, [size(numbers, kind=int64)], [1], torch_kFloat64, device, &
                                          requires_grad=requires_grad)
  end subroutine wrap

  !> Ends a case: memory is freed after its tensors.
  subroutine free(address)
    type(c_ptr), intent(in) :: address

    call check_equal(int(device_free(device, address)), 0, 'freed')
  end subroutine free

  !> One memory, seen from both sides.
  subroutine wraps()
    type(torch_tensor) :: tensor
    type(c_ptr) :: address
    real(real64) :: values(3)

    call need_device()
    call wrap(tensor, address, [1.0_real64, 2.0_real64, 3.0_real64])
    call check_equal(tensor%get_device_type(), device, 'device')
    call check_equal(tensor%get_device_index(), 0, 'device index')
    call check_equal(tensor%get_dtype(), torch_kFloat64, 'dtype')
    call check_equal(tensor%get_shape(), [3_int64], 'shape')
    values = tensor
    call check_close(values, [1.0_real64, 2.0_real64, 3.0_real64], exact, 'values')
    call write_numbers(address, [7.0_real64, 8.0_real64, 9.0_real64])
    values = tensor
    call check_close(values, [7.0_real64, 8.0_real64, 9.0_real64], exact, 'values that the program wrote')
    call torch_delete(tensor)
    call check_close(read_numbers(address, 3), [7.0_real64, 8.0_real64, 9.0_real64], exact, 'the memory lives on')
    call free(address)
  end subroutine wraps

  subroutine layouts()
    type(torch_tensor) :: tensor
    type(c_ptr) :: address
    real(real64) :: values(2, 3)
    integer :: i

    call need_device()
    address = allocate_numbers(6)
    call write_numbers(address, [(real(i, real64), i = 1, 6)])
    call torch_tensor_from_device_pointer(tensor, address, 2, [2_int64, 3_int64], [1, 2], torch_kFloat64, device)
    values = tensor
    call check_close(values, reshape([(real(i, real64), i = 1, 6)], [2, 3]), exact, 'order of Fortran')
    call torch_tensor_from_device_pointer(tensor, address, 2, [2_int64, 3_int64], [2, 1], torch_kFloat64, device)
    values = tensor
    call check_close(values, reshape([(real(i, real64), i = 1, 6)], [2, 3], order=[2, 1]), exact, 'order of C')
    call check_equal(tensor%get_stride(), [3_int64, 1_int64], 'strides')
    call torch_delete(tensor)
    call free(address)
  end subroutine layouts

  !> What is assigned to the tensor is in the memory.
  subroutine results()
    type(torch_tensor) :: a, b
    type(c_ptr) :: to_a, to_b
    integer :: i

    call need_device()
    call wrap(a, to_a, [1.0_real64, 2.0_real64])
    call wrap(b, to_b, [0.0_real64, 0.0_real64])
    do i = 1, 3
      b = a * a + b
      call check_close(read_numbers(to_b, 2), i * [1.0_real64, 4.0_real64], exact, 'a result')
    end do
    call write_numbers(to_b, [5.0_real64, 6.0_real64])
    a = b * 2
    call check_close(read_numbers(to_a, 2), [10.0_real64, 12.0_real64], exact, 'after the program wrote an operand')
    a = a
    a = (a)
    call check_close(read_numbers(to_a, 2), [10.0_real64, 12.0_real64], exact, 'assigned to itself')
    call torch_delete(a)
    call torch_delete(b)
    call free(to_a)
    call free(to_b)
  end subroutine results

  subroutine results_in_graph()
    type(torch_tensor) :: a, b, total, gradient
    type(c_ptr) :: to_a, to_b
    real(real64) :: values(2)

    call need_device()
    call wrap(a, to_a, [1.0_real64, 2.0_real64], requires_grad=.true.)
    call wrap(b, to_b, [0.0_real64, 0.0_real64])
    b = a * a * a
    call check(b%requires_grad(), 'in the graph')
    call check_close(read_numbers(to_b, 2), [1.0_real64, 8.0_real64], exact, 'a result of the graph')
    call torch_tensor_sum(total, b)
    call torch_tensor_backward(total)
    call torch_tensor_get_gradient(gradient, a)
    call check_equal(gradient%get_device_type(), device, 'device of the gradient')
    values = gradient
    call check_close(values, [3.0_real64, 12.0_real64], exact, 'gradient')
    call torch_delete(a)
    call torch_delete(b)
    call free(to_a)
    call free(to_b)
  end subroutine results_in_graph

  !> The graph saves the memory's numbers before the next step writes over them: the gradient is that of
  !> h3 = w h2**2 + x with h2 = w h1**2 + x and h1 = w h0**2 + x.
  subroutine recurrence()
    type(torch_tensor) :: h, w, loss, gradient
    type(c_ptr) :: to_h, to_w
    real(real64) :: values(1), expected, state, slope
    real(real64), parameter :: weight = 0.5_real64, start = 0.75_real64, x = 0.25_real64
    integer :: i

    call need_device()
    call wrap(w, to_w, [weight], requires_grad=.true.)
    call wrap(h, to_h, [start])
    state = start
    slope = 0
    do i = 1, 3
      h = w * h * h + x
      slope = state**2 + weight * 2 * state * slope
      state = weight * state**2 + x
      call check_close(read_numbers(to_h, 1), [state], exact, 'state')
    end do
    expected = slope
    call torch_tensor_sum(loss, h)
    call torch_tensor_backward(loss)
    call torch_tensor_get_gradient(gradient, w)
    values = gradient
    call check_close(values, [expected], 1.0e-15_real64, 'gradient')
    call torch_delete(h)
    call torch_delete(w)
    call free(to_h)
    call free(to_w)
  end subroutine recurrence

  !> A copy has memory of its own.
  subroutine copies()
    type(torch_tensor) :: a, b
    type(c_ptr) :: address
    real(real64) :: values(2)

    call need_device()
    call wrap(a, address, [1.0_real64, 2.0_real64])
    b = a
    call write_numbers(address, [3.0_real64, 4.0_real64])
    values = b
    call check_close(values, [1.0_real64, 2.0_real64], exact, 'the copy')
    call b%zero()
    call check_close(read_numbers(address, 2), [3.0_real64, 4.0_real64], exact, 'the memory')
    call record_errors()
    call torch_tensor_zeros(b, 1, [3_int64], torch_kFloat64, device)
    a = b
    call check_status(last_error, torch_shape_mismatch, 'assignment(=)')
    call check_close(read_numbers(address, 2), [3.0_real64, 4.0_real64], exact, 'nothing written')
    call torch_delete(a)
    call free(address)
  end subroutine copies

  subroutine clears()
    type(torch_tensor) :: a
    type(c_ptr) :: address

    call need_device()
    call wrap(a, address, [1.0_real64, 2.0_real64])
    call a%zero()
    call check_close(read_numbers(address, 2), [0.0_real64, 0.0_real64], exact, 'zero')
    call torch_delete(a)
    call wrap(a, address, [1.0_real64, 2.0_real64], requires_grad=.true.)
    call a%zero()
    call check_close(read_numbers(address, 2), [0.0_real64, 0.0_real64], exact, 'zero of a leaf')
    call torch_delete(a)
    call free(address)
  end subroutine clears

  !> Steps of an optimizer are in the memory.
  subroutine trains()
    type(torch_tensor) :: weight, loss
    type(torch_optim) :: optim
    type(c_ptr) :: address
    integer :: i

    call need_device()
    call wrap(weight, address, [1.0_real64, -2.0_real64], requires_grad=.true.)
    call torch_optim_SGD(optim, [weight], 0.25_real64)
    do i = 1, 3
      call optim%zero_grad()
      call torch_tensor_sum(loss, weight * weight)
      call torch_tensor_backward(loss)
      call optim%step()
      call check_close(read_numbers(address, 2), [1.0_real64, -2.0_real64] / 2**i, exact, 'weights')
    end do
    call torch_delete(optim)
    call torch_delete(weight)
    call free(address)
  end subroutine trains

  subroutine to_and_from()
    type(torch_tensor) :: on_host, on_device
    type(c_ptr) :: address
    real(real64), target :: x(2)

    call need_device()
    x = [1, 2]
    call wrap(on_device, address, [0.0_real64, 0.0_real64])
    call torch_tensor_from_array(on_host, x, torch_kCPU)
    call torch_tensor_to(on_host, on_device)
    call check_close(read_numbers(address, 2), [1.0_real64, 2.0_real64], exact, 'to the device')
    call write_numbers(address, [3.0_real64, 4.0_real64])
    call torch_tensor_to(on_device, on_host)
    call check_close(x, [3.0_real64, 4.0_real64], exact, 'to the host')
    x = [5, 6]
    call torch_tensor_to(on_host, on_device, non_blocking=.true.)
    call check_close(read_numbers(address, 2), [5.0_real64, 6.0_real64], exact, 'not blocking')
    call check_equal(on_device%get_device_type(), device, 'device')
    call torch_delete(on_device)
    call free(address)
  end subroutine to_and_from

  !> An address of the host is no address of the device.
  subroutine host_memory()
    type(torch_tensor) :: tensor
    type(torch_status) :: status
    real(real64), target :: x(2)

    call need_device()
    x = 1
    call torch_tensor_from_device_pointer(tensor, c_loc(x), 1, [2_int64], [1], torch_kFloat64, device, status=status)
    call check_status(status, torch_invalid_argument, 'host')
    call torch_tensor_from_device_pointer(tensor, c_null_ptr, 1, [2_int64], [1], torch_kFloat64, device, status=status)
    call check_status(status, torch_invalid_argument, 'data is a null pointer')
    call torch_tensor_from_device_pointer(tensor, c_null_ptr, 1, [0_int64], [1], torch_kFloat64, device, status=status)
    call check(status%ok(), 'nothing needs no memory')
  end subroutine host_memory

  subroutine other_device()
    type(torch_tensor) :: tensor
    type(torch_status) :: status
    type(c_ptr) :: address
    real(real64) :: values(2)

    call need_device(2)
    address = allocate_numbers(2, 1)
    call write_numbers(address, [1.0_real64, 2.0_real64])
    call torch_tensor_from_device_pointer(tensor, address, 1, [2_int64], [1], torch_kFloat64, device, 0, status=status)
    call check_status(status, torch_invalid_argument, 'data: the memory is on')
    call torch_tensor_from_device_pointer(tensor, address, 1, [2_int64], [1], torch_kFloat64, device, 1)
    call check_equal(tensor%get_device_index(), 1, 'device index')
    values = tensor + tensor
    call check_close(values, [2.0_real64, 4.0_real64], exact, 'values')
    call torch_delete(tensor)
    call free(address)
  end subroutine other_device

  subroutine faults()
    type(torch_tensor) :: tensor
    type(torch_status) :: status
    type(c_ptr) :: address

    call need_device()
    address = allocate_numbers(4)
    call torch_tensor_from_device_pointer(tensor, address, 2, [2_int64, 2_int64], [1, 1], torch_kFloat64, device, status=status)
    call check_status(status, torch_invalid_argument, 'layout [1, 1] is no permutation')
    call torch_tensor_from_device_pointer(tensor, address, 2, [2_int64, 2_int64], [1], torch_kFloat64, device, status=status)
    call check_status(status, torch_invalid_argument, 'layout has 1 entries for 2 dimensions')
    call torch_tensor_from_device_pointer(tensor, address, 1, [2_int64, 2_int64], [1, 2], torch_kFloat64, device, status=status)
    call check_status(status, torch_invalid_argument, 'ndims is 1')
    call torch_tensor_from_device_pointer(tensor, address, 1, [4_int64], [1], 99, device, status=status)
    call check_status(status, torch_invalid_argument, 'dtype 99')
    call torch_tensor_from_device_pointer(tensor, address, 1, [4_int64], [1], torch_kInt64, device, &
                                          requires_grad=.true., status=status)
    call check_status(status, torch_dtype_mismatch, 'requires_grad')
    call torch_tensor_from_device_pointer(tensor, address, 1, [4_int64], [1], torch_kFloat64, device, 120, status=status)
    call check_status(status, torch_device_unavailable, 'device 120 was asked for')
    call torch_tensor_from_device_pointer(tensor, address, 1, [4_int64], [1], torch_kFloat64, torch_kCPU, status=status)
    call check_status(status, torch_invalid_argument, 'torch_tensor_from_blob')
    call free(address)
  end subroutine faults

end module device_pointer_cases

program test_device_pointer
  use device_pointer_cases
  use testing, only: add_case, run_cases
  implicit none

  call add_case('wraps', wraps)
  call add_case('layouts', layouts)
  call add_case('results', results)
  call add_case('results_in_graph', results_in_graph)
  call add_case('recurrence', recurrence)
  call add_case('copies', copies)
  call add_case('clears', clears)
  call add_case('trains', trains)
  call add_case('to_and_from', to_and_from)
  call add_case('host_memory', host_memory)
  call add_case('other_device', other_device)
  call add_case('faults', faults)
  call run_cases()
end program test_device_pointer
