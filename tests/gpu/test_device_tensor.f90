! SPDX-License-Identifier: MIT
!> Tensors of a device: made, asked, copied, computed with, differentiated.
module device_tensor_cases
  use, intrinsic :: iso_fortran_env, only: int32, int64, real32, real64
  use device_under_test, only: device, need_device
  use ftorch
  use recorder, only: last_error, record_errors
  use testing, only: check, check_close, check_equal, check_status
  implicit none
  private
  public :: made, operators, scalars, in_place, copies, to, to_in_graph, gradients, two_places, two_devices, printed

  real(real64), parameter :: exact = 0, tight = 1.0e-15_real64
  real(real64), parameter :: numbers(4) = [1.5_real64, -2.0_real64, 3.25_real64, 0.5_real64]

contains

  !> A tensor of rank 1 in the device's own memory.
  subroutine put(tensor, values)
    type(torch_tensor), intent(inout) :: tensor
    real(real64), intent(in), target :: values(:)
    type(torch_tensor) :: on_host

    call torch_tensor_from_array(on_host, values, torch_kCPU)
    call torch_tensor_empty(tensor, 1, [size(values, kind=int64)], torch_kFloat64, device)
    call torch_tensor_to(on_host, tensor)
  end subroutine put

  subroutine check_values(tensor, expected, tolerance, message)
    type(torch_tensor), intent(in) :: tensor
    real(real64), intent(in) :: expected(:), tolerance
    character(len=*), intent(in) :: message
    real(real64) :: values(size(expected))

    call check_equal(tensor%get_device_type(), device, 'device of ' // message)
    call torch_tensor_to_array(tensor, values)
    call check_close(values, expected, tolerance, message)
  end subroutine check_values

  subroutine made()
    type(torch_tensor) :: tensor
    real(real32) :: single(2, 3)
    integer(int32) :: whole(2)

    call need_device()
    call torch_tensor_ones(tensor, 2, [2_int64, 3_int64], torch_kFloat32, device)
    single = tensor
    call check_close(single, 1.0, 0.0, 'ones')
    call check_equal(tensor%get_device_type(), device, 'device')
    call check_equal(tensor%get_device_index(), 0, 'default device')
    call check_equal(tensor%get_shape(), [2_int64, 3_int64], 'shape')
    call check_equal(tensor%get_dtype(), torch_kFloat32, 'dtype')
    call check_equal(tensor%get_rank(), 2, 'rank')
    call torch_tensor_zeros(tensor, 1, [2_int64], torch_kInt32, device, 0)
    whole = tensor
    call check_equal(int(whole, int64), [0_int64, 0_int64], 'zeros')
    call torch_tensor_empty(tensor, 1, [2_int64], torch_kFloat64, device, requires_grad=.true.)
    call check(tensor%requires_grad(), 'requires_grad')
    call check_equal(tensor%get_device_type(), device, 'device of the empty one')
  end subroutine made

  subroutine operators()
    type(torch_tensor) :: a, b, c
    real(real64) :: other(4), total

    call need_device()
    other = [2.0_real64, 3.0_real64, 0.5_real64, 4.0_real64]
    call put(a, numbers)
    call put(b, other)
    c = a + b
    call check_values(c, numbers + other, exact, 'sum')
    c = a - b
    call check_values(c, numbers - other, exact, 'difference')
    c = a * b
    call check_values(c, numbers * other, exact, 'product')
    c = a / b
    call check_values(c, numbers / other, tight, 'quotient')
    c = b**a
    call check_values(c, other**numbers, tight, 'power')
    c = -a
    call check_values(c, -numbers, exact, 'negative')
    call torch_tensor_mul(c, a, b)
    call check_values(c, numbers * other, exact, 'subroutine form')
    call torch_tensor_sum(c, a)
    total = c
    call check_close(total, sum(numbers), tight, 'sum of elements')
    call torch_tensor_mean(c, a)
    total = c
    call check_close(total, sum(numbers) / 4, tight, 'mean')
  end subroutine operators

  subroutine scalars()
    type(torch_tensor) :: a, c

    call need_device()
    call put(a, numbers)
    c = 2.0_real64 * a + 1
    call check_values(c, 2 * numbers + 1, exact, 'real and integer')
    c = 1.0 / a - 3_int64
    call check_values(c, 1 / numbers - 3, tight, 'quotient')
    c = a**2
    call check_values(c, numbers**2, tight, 'integer power')
    c = (a * a)**0.5_real64
    call check_values(c, abs(numbers), tight, 'root')
  end subroutine scalars

  subroutine in_place()
    type(torch_tensor) :: a

    call need_device()
    call put(a, numbers)
    call a%zero()
    call check_values(a, 0 * numbers, exact, 'zero')
  end subroutine in_place

  !> Assignment copies, on the device.
  subroutine copies()
    type(torch_tensor) :: a, b

    call need_device()
    call put(a, numbers)
    b = a
    call a%zero()
    call check_values(b, numbers, exact, 'the copy')
    b = b
    a = b
    a = a * a
    call check_values(a, numbers**2, exact, 'assigned from itself')
    call check_values(b, numbers, exact, 'the other')
  end subroutine copies

  !> There and back, blocking or not, with another dtype on the way.
  subroutine to()
    type(torch_tensor) :: source, there, back, host, whole
    real(real64), target :: x(4), y(4)
    real(real64) :: values(4)
    integer(int32) :: rounded(4)
    logical :: non_blocking
    integer :: i

    call need_device()
    call torch_tensor_from_array(source, x, torch_kCPU)
    call torch_tensor_from_array(back, y, torch_kCPU)
    call torch_tensor_zeros(there, 1, [4_int64], torch_kFloat64, device)
    do i = 1, 4
      non_blocking = mod(i, 2) == 0
      x = i * numbers
      call torch_tensor_to(source, there, non_blocking)
      x = 0
      call check_values(there, i * numbers, exact, 'there')
      call torch_tensor_to(there, back, non_blocking)
      call check_close(y, i * numbers, exact, 'back in the array, without waiting')
      call torch_tensor_zeros(host, 1, [4_int64], torch_kFloat64, torch_kCPU)
      call torch_tensor_to(there, host, non_blocking)
      call there%zero()
      call torch_device_synchronize(device)
      values = host
      call check_close(values, i * numbers, exact, 'back, after waiting')
    end do
    call torch_tensor_zeros(whole, 1, [4_int64], torch_kInt32, device)
    call torch_tensor_to(back, whole, lossy=.true.)
    rounded = whole
    call check_equal(int(rounded, int64), int(4 * numbers, int64), 'as integers')
    call torch_tensor_zeros(there, 1, [4_int64], torch_kFloat64, torch_kCPU)
    call torch_tensor_to(whole, there)
    call check_equal(there%get_device_type(), torch_kCPU, 'target on the host')
  end subroutine to

  !> The gradient comes back to the host through the copy.
  subroutine to_in_graph()
    type(torch_tensor) :: leaf, there, loss, gradient
    real(real64), target :: x(4), g(4)

    call need_device()
    x = numbers
    call torch_tensor_from_array(leaf, x, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(gradient, g, torch_kCPU)
    call torch_tensor_zeros(there, 1, [4_int64], torch_kFloat64, device)
    call torch_tensor_to(leaf, there)
    call torch_tensor_sum(loss, there * there)
    call torch_tensor_backward(loss)
    call torch_tensor_get_gradient(gradient, leaf)
    call check_close(g, 2 * numbers, exact, 'gradient')
  end subroutine to_in_graph

  subroutine gradients()
    type(torch_tensor) :: leaf, other, product, seed, gradient
    integer :: i

    call need_device()
    call torch_tensor_ones(leaf, 1, [4_int64], torch_kFloat64, device, requires_grad=.true.)
    call put(other, numbers)
    call put(seed, 2 * numbers)
    do i = 1, 2
      product = leaf * leaf * other
      call torch_tensor_backward(product, seed, retain_graph=.true.)
      call torch_tensor_get_gradient(gradient, leaf)
      call check_values(gradient, 4 * numbers**2, exact, 'gradient')
      call torch_tensor_backward(product, seed)
      call torch_tensor_get_gradient(gradient, leaf)
      call check_values(gradient, 8 * numbers**2, exact, 'gradients add up')
      call leaf%zero_grad()
    end do
    call torch_tensor_get_gradient(gradient, leaf)
    call check_values(gradient, 0 * numbers, exact, 'zero')
  end subroutine gradients

  !> The host and a device do not mix.
  subroutine two_places()
    type(torch_tensor) :: on_host, on_device, result
    type(torch_status) :: status

    call need_device()
    call torch_tensor_ones(on_host, 1, [4_int64], torch_kFloat64, torch_kCPU)
    call put(on_device, numbers)
    call torch_tensor_add(result, on_host, on_device, status)
    call check(.not. status%ok(), 'the sum of host and device fails')
    call torch_tensor_neg(on_host, on_device, status)
    call check_status(status, torch_invalid_argument, 'the tensor was made on cpu')
    call torch_loss_mse(result, on_device, on_host, status=status)
    call check(.not. status%ok(), 'the loss of host and device fails')
    on_host = on_device
    call check_values(on_host, numbers, exact, 'assignment takes the device along')
  end subroutine two_places

  subroutine two_devices()
    type(torch_tensor) :: first, second, result
    type(torch_status) :: status

    call need_device(2)
    call put(first, numbers)
    call torch_tensor_ones(second, 1, [4_int64], torch_kFloat64, device, 1)
    call check_equal(second%get_device_index(), 1, 'the second device')
    second = second + second
    call check_equal(second%get_device_index(), 1, 'a result')
    call check_values(second, [2.0_real64, 2.0_real64, 2.0_real64, 2.0_real64], exact, 'its values')
    call torch_tensor_add(result, first, second, status)
    call check(.not. status%ok(), 'the sum of two devices fails')
    call torch_tensor_to(first, second)
    call check_equal(second%get_device_index(), 1, 'the target keeps its device')
    call check_values(second, numbers, exact, 'from one to the other')
    call torch_device_synchronize(device, 1)
    call record_errors()
    call torch_device_synchronize(device, torch_device_count(device))
    call check_status(last_error, torch_device_unavailable, 'torch_device_synchronize')
  end subroutine two_devices

  subroutine printed()
    type(torch_tensor) :: tensor
    type(torch_status) :: status

    call need_device()
    call put(tensor, numbers)
    call torch_tensor_print(tensor, status)
    call check(status%ok(), 'printed')
  end subroutine printed

end module device_tensor_cases

program test_device_tensor
  use device_tensor_cases
  use testing, only: add_case, run_cases
  implicit none

  call add_case('made', made)
  call add_case('operators', operators)
  call add_case('scalars', scalars)
  call add_case('in_place', in_place)
  call add_case('copies', copies)
  call add_case('to', to)
  call add_case('to_in_graph', to_in_graph)
  call add_case('gradients', gradients)
  call add_case('two_places', two_places)
  call add_case('two_devices', two_devices)
  call add_case('printed', printed)
  call run_cases()
end program test_device_tensor
