! SPDX-License-Identifier: MIT
!> Arrays of the host as tensors of a device: copied there when the tensor is made, and kept up to date.
module device_array_cases
  use, intrinsic :: iso_c_binding, only: c_loc
  use, intrinsic :: iso_fortran_env, only: int64, real32, real64
  use device_under_test, only: device, need_device
  use ftorch
  use recorder, only: last_error, record_errors
  use testing, only: check, check_close, check_equal, check_status
  implicit none
  private
  public :: copied, sections, results, results_in_graph, gradient_in_array, weights, whoever_is_gone, clears
  public :: other_shape, address, from_device_to_host_array

  real(real64), parameter :: exact = 0

contains

  !> The tensor holds what the array held when it was made.
  subroutine copied()
    real(real64), target :: x(2)
    real(real64) :: values(2)
    type(torch_tensor) :: tensor

    call need_device()
    x = [1, 2]
    call torch_tensor_from_array(tensor, x, device)
    call check_equal(tensor%get_device_type(), device, 'device')
    x = [3, 4]
    values = tensor
    call check_close(values, [1.0_real64, 2.0_real64], exact, 'values')
    call check_close(x, [3.0_real64, 4.0_real64], exact, 'array')
    call torch_tensor_from_array(tensor, x, device, 0)
    values = tensor
    call check_close(values, [3.0_real64, 4.0_real64], exact, 'made anew')
  end subroutine copied

  subroutine sections()
    real(real32), target :: x(4, 3)
    real(real32) :: values(2, 2), turned(2, 2)
    type(torch_tensor) :: tensor, permuted
    integer :: i

    call need_device()
    x = reshape([(real(i), i = 1, 12)], [4, 3])
    call torch_tensor_from_array(tensor, x(2::2, ::2), device)
    values = tensor
    call check_close(values, x(2::2, ::2), 0.0, 'section')
    call torch_tensor_from_array(permuted, x(2::2, ::2), device, permute_dims=[2, 1])
    turned = permuted
    call check_close(turned, transpose(x(2::2, ::2)), 0.0, 'permuted')
    tensor = tensor * 100
    call check_close(x(2::2, ::2), 100 * values, 0.0, 'result in the section')
    call check_close(sum(x(1::2, :)) + sum(x(2::2, 2)), 36.0 + 6.0 + 8.0, 0.0, 'the rest')
  end subroutine sections

  !> Results are in the array when the call returns.
  subroutine results()
    real(real64), target :: x(2), y(2), total
    type(torch_tensor) :: a, b, s
    integer :: i

    call need_device()
    x = [1, 2]
    y = 0
    call torch_tensor_from_array(a, x, device)
    call torch_tensor_from_array(b, y, device)
    call torch_tensor_from_array(s, total, device)
    do i = 1, 3
      b = b + a * a
      call check_close(y, i * x**2, exact, 'a result')
    end do
    call torch_tensor_sum(s, b)
    call check_close(total, 15.0_real64, exact, 'a reduction')
    call check_equal(b%get_device_type(), device, 'device')
    b = a
    call check_close(y, x, exact, 'a copy')
  end subroutine results

  subroutine results_in_graph()
    real(real64), target :: w, h, expected, slope
    type(torch_tensor) :: weight, state, gradient
    real(real64) :: value
    integer :: i

    call need_device()
    w = 0.5_real64
    h = 0.75_real64
    expected = h
    slope = 0
    call torch_tensor_from_array(weight, w, device, requires_grad=.true.)
    call torch_tensor_from_array(state, h, device)
    do i = 1, 3
      state = weight * state * state + 0.25_real64
      slope = expected**2 + w * 2 * expected * slope
      expected = w * expected**2 + 0.25_real64
      call check_close(h, expected, exact, 'state')
    end do
    call torch_tensor_backward(state)
    call torch_tensor_get_gradient(gradient, weight)
    value = gradient
    call check_close(value, slope, 1.0e-15_real64, 'gradient')
  end subroutine results_in_graph

  subroutine gradient_in_array()
    real(real64), target :: x(2), on_host(2), on_device(2)
    type(torch_tensor) :: leaf, total, gradient(2)

    call need_device()
    x = [1, 2]
    call torch_tensor_from_array(leaf, x, device, requires_grad=.true.)
    call torch_tensor_from_array(gradient(1), on_host, torch_kCPU)
    call torch_tensor_from_array(gradient(2), on_device, device)
    call torch_tensor_sum(total, leaf * leaf)
    call torch_tensor_backward(total)
    call torch_tensor_get_gradient(gradient(1), leaf)
    call torch_tensor_get_gradient(gradient(2), leaf)
    call check_close(on_host, [2.0_real64, 4.0_real64], exact, 'to a tensor on the host')
    call check_close(on_device, [2.0_real64, 4.0_real64], exact, 'to a tensor on the device')
    call check_equal(gradient(1)%get_device_type(), torch_kCPU, 'the host')
    call check_equal(gradient(2)%get_device_type(), device, 'the device')
  end subroutine gradient_in_array

  !> A step on the device is in the array of the weights.
  subroutine weights()
    real(real64), target :: w(2)
    type(torch_tensor) :: weight, total
    type(torch_optim) :: optim
    integer :: i

    call need_device()
    w = [1, -2]
    call torch_tensor_from_array(weight, w, device, requires_grad=.true.)
    call torch_optim_SGD(optim, [weight], 0.25_real64)
    do i = 1, 3
      call optim%zero_grad()
      call torch_tensor_sum(total, weight * weight)
      call torch_tensor_backward(total)
      call optim%step()
      call check_close(w, [1.0_real64, -2.0_real64] / 2**i, exact, 'weights')
    end do
  end subroutine weights

  !> An optimizer steps no parameter whose tensor was deleted or wraps another array.
  subroutine whoever_is_gone()
    real(real64), target :: w(2), other(2)
    type(torch_tensor) :: weight, total
    type(torch_optim) :: optim
    type(torch_status) :: status

    call need_device()
    w = 1
    other = 7
    call torch_tensor_from_array(weight, w, device, requires_grad=.true.)
    call torch_optim_SGD(optim, [weight], 0.25_real64)
    call torch_tensor_sum(total, weight * weight)
    call torch_tensor_backward(total)
    call torch_tensor_from_array(weight, other, device)
    call optim%step(status)
    call check_status(status, torch_invalid_argument, 'parameters(1) was released')
    call check_close(w, 1.0_real64, exact, 'the former array')
    call check_close(other, 7.0_real64, exact, 'another array')
  end subroutine whoever_is_gone

  subroutine clears()
    real(real64), target :: x(2)
    type(torch_tensor) :: tensor

    call need_device()
    x = 1
    call torch_tensor_from_array(tensor, x, device)
    call tensor%zero()
    call check_close(x, 0.0_real64, exact, 'zero')
    x = 1
    call torch_tensor_from_array(tensor, x, device, requires_grad=.true.)
    call tensor%zero()
    call check_close(x, 0.0_real64, exact, 'zero of a leaf')
  end subroutine clears

  subroutine other_shape()
    real(real64), target :: x(2), y(3)
    type(torch_tensor) :: a, b

    call need_device()
    x = 1
    y = 2
    call torch_tensor_from_array(a, x, device)
    call torch_tensor_from_array(b, y, device)
    call record_errors()
    a = b
    call check_status(last_error, torch_shape_mismatch, 'assignment(=)')
    call check_close(x, 1.0_real64, exact, 'nothing written')
  end subroutine other_shape

  !> torch_tensor_from_blob is the same for an address.
  subroutine address()
    real(real64), target :: x(2)
    type(torch_tensor) :: tensor

    call need_device()
    x = [1, 2]
    call torch_tensor_from_blob(tensor, c_loc(x), 1, [2_int64], [1], torch_kFloat64, device)
    call check_equal(tensor%get_device_type(), device, 'device')
    tensor = tensor * 3
    call check_close(x, [3.0_real64, 6.0_real64], exact, 'result')
  end subroutine address

  !> An array of a tensor on the host takes numbers from the device, in the graph or not.
  subroutine from_device_to_host_array()
    real(real64), target :: x(2), y(2)
    type(torch_tensor) :: on_device, on_host, total, gradient
    real(real64) :: values(2)
    integer :: i

    call need_device()
    do i = 1, 2
      x = [1, 2]
      call torch_tensor_from_array(on_device, x, device, requires_grad=i == 2)
      call torch_tensor_from_array(on_host, y, torch_kCPU)
      on_host = on_device * 5
      call check_close(y, [5.0_real64, 10.0_real64], exact, 'array')
      call check_equal(on_host%get_device_type(), torch_kCPU, 'the tensor stays on the host')
      call check(on_host%requires_grad() .eqv. i == 2, 'graph')
    end do
    call torch_tensor_sum(total, on_host * on_host)
    call torch_tensor_backward(total)
    call torch_tensor_get_gradient(gradient, on_device)
    values = gradient
    call check_close(values, [50.0_real64, 100.0_real64], exact, 'gradient')
  end subroutine from_device_to_host_array

end module device_array_cases

program test_device_array
  use device_array_cases
  use testing, only: add_case, run_cases
  implicit none

  call add_case('copied', copied)
  call add_case('sections', sections)
  call add_case('results', results)
  call add_case('results_in_graph', results_in_graph)
  call add_case('gradient_in_array', gradient_in_array)
  call add_case('weights', weights)
  call add_case('whoever_is_gone', whoever_is_gone)
  call add_case('clears', clears)
  call add_case('other_shape', other_shape)
  call add_case('address', address)
  call add_case('from_device_to_host_array', from_device_to_host_array)
  call run_cases()
end program test_device_array
