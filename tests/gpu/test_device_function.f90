! SPDX-License-Identifier: MIT
!> Functions of the program in graphs of a device, whose passes run on threads of LibTorch; pointers to what is there.
module device_function_cases
  use, intrinsic :: iso_fortran_env, only: int64, real64
  use device_under_test, only: device, need_device
  use ftorch
  use node_functions, only: faulty, single
  use testing, only: check, check_close, check_equal, check_status
  implicit none
  private
  public :: on_device, two_at_once, fault, wrong_place, pointer, products, many

  integer, parameter :: dp = real64

contains

  !> Numbers on the device that require a gradient.
  subroutine put(tensor, numbers)
    type(torch_tensor), intent(inout) :: tensor
    real(dp), intent(in), target :: numbers(:)
    type(torch_tensor) :: on_host

    call torch_tensor_from_array(on_host, numbers, torch_kCPU)
    call torch_tensor_empty(tensor, 1, [size(numbers, kind=int64)], torch_kFloat64, device)
    call torch_tensor_to(on_host, tensor)
    call tensor%set_requires_grad(.true.)
  end subroutine put

  function values(tensor) result(numbers)
    type(torch_tensor), intent(in) :: tensor
    real(dp), allocatable :: numbers(:)

    allocate (numbers(product(tensor%get_shape())))
    call torch_tensor_to_array(tensor, numbers)
  end function values

  subroutine on_device()
    type(torch_tensor) :: a, y(1), g

    call need_device()
    call put(a, [2.0_dp, 3.0_dp])
    call torch_apply(y, single(), [a])
    call check_equal(y(1)%get_device_type(), device, 'device')
    call torch_tensor_backward(y(1))
    call torch_tensor_get_gradient(g, a)
    call check_close(values(g), [4.0_dp, 6.0_dp], 0.0_dp, 'gradient')
  end subroutine on_device

  !> Nodes on the host and on the device in one graph, whose passes are different threads'.
  subroutine two_at_once()
    real(dp), target :: x(2)
    type(torch_tensor) :: a, b, y(1), z(1), s, total, g(2)

    call need_device()
    x = [2, 3]
    call put(a, x)
    call torch_tensor_from_array(b, x, torch_kCPU, requires_grad=.true.)
    call torch_apply(y, single(), [a])
    call torch_apply(z, single(), [b])
    call torch_tensor_sum(s, y(1))
    call torch_tensor_sum(total, z(1))
    call torch_grad(g, [s, total], [a, b])
    call check_close(values(g(1)), [4.0_dp, 6.0_dp], 0.0_dp, 'device')
    call check_close(values(g(2)), [4.0_dp, 6.0_dp], 0.0_dp, 'host')
  end subroutine two_at_once

  !> What fails on a thread of LibTorch is the failure of the call.
  subroutine fault()
    type(torch_tensor) :: a, y(1), g
    type(torch_status) :: status

    call need_device()
    call put(a, [2.0_dp, 3.0_dp])
    call torch_apply(y, faulty(fault='backward fails'), [a])
    call torch_tensor_backward(y(1), status=status)
    call check_status(status, torch_model_error, &
                      'torch_tensor_backward: backward of the function failed: the adjoint does not converge')
    call torch_apply(y, faulty(), [a])
    call torch_tensor_backward(y(1))
    call torch_tensor_get_gradient(g, a)
    call check_close(values(g), [2.0_dp, 2.0_dp], 0.0_dp, 'the next pass')
  end subroutine fault

  !> A gradient on the host for an input on the device.
  subroutine wrong_place()
    type(torch_tensor) :: a, y(1)
    type(torch_status) :: status

    call need_device()
    call put(a, [2.0_dp, 3.0_dp, 4.0_dp])
    call torch_apply(y, faulty(fault='wrong shape'), [a])
    call torch_tensor_backward(y(1), status=status)
    call check_status(status, torch_invalid_argument, 'input_gradients(1) is on cpu')
  end subroutine wrong_place

  subroutine pointer()
    type(torch_tensor) :: a
    type(torch_status) :: status
    real(dp), pointer :: p(:)

    call need_device()
    call put(a, [2.0_dp, 3.0_dp])
    call torch_tensor_to_pointer(a, p, status)
    call check_status(status, torch_invalid_argument, 'where a pointer does not reach')
    call check(.not. associated(p), 'no pointer')
  end subroutine pointer

  subroutine products()
    type(torch_tensor) :: a, v, y(1), product
    real(dp) :: difference

    call need_device()
    call put(a, [2.0_dp, 3.0_dp])
    call put(v, [1.0_dp, 10.0_dp])
    call torch_jvp(product, a * a, a, v)
    call check_close(values(product), [4.0_dp, 60.0_dp], 0.0_dp, 'jvp')
    call torch_apply(y, single(), [a])
    difference = torch_dot_product_test(y(1), a)
    call check(difference < 1.0e-7_dp, 'dot product')
  end subroutine products

  subroutine many()
    type(torch_tensor) :: a, y(1)
    integer(int64) :: before
    integer :: i

    call need_device()
    call put(a, [1.5_dp, 1.25_dp])
    call torch_apply(y, single(), [a])
    before = torch_live_tensors()
    do i = 1, 1000
      call torch_apply(y, single(), [a])
      call torch_tensor_backward(y(1))
    end do
    call check_equal(int(torch_live_tensors() - before), 0, 'live tensors')
  end subroutine many

end module device_function_cases

program test_device_function
  use device_function_cases
  use testing, only: add_case, run_cases
  implicit none

  call add_case('on_device', on_device)
  call add_case('two_at_once', two_at_once)
  call add_case('fault', fault)
  call add_case('wrong_place', wrong_place)
  call add_case('pointer', pointer)
  call add_case('products', products)
  call add_case('many', many)
  call run_cases()
end program test_device_function
