! SPDX-License-Identifier: MIT
!> What optimizers step: parameters with and without gradients, in arrays and sections, of several kinds.
module optim_parameters_cases
  use, intrinsic :: iso_fortran_env, only: real32, real64
  use ftorch
  use squares, only: backward_of_squares
  use testing, only: check, check_close
  implicit none
  private
  public :: zero_grad, without_gradient, array_follows, section, several

  real(real64), parameter :: tight = 1.0e-14_real64

contains

  subroutine zero_grad()
    real(real64), target :: w(2)
    type(torch_tensor) :: weight, loss
    type(torch_optim) :: optim

    w = [1, 2]
    call torch_tensor_from_array(weight, w, torch_kCPU, requires_grad=.true.)
    call torch_optim_SGD(optim, [weight], 0.5_real64)
    call torch_tensor_sum(loss, weight * weight)
    call torch_tensor_backward(loss)
    call optim%zero_grad()
    call optim%step()
    call check_close(w, [1.0_real64, 2.0_real64], 0.0_real64, 'no gradient, no step')
    call torch_tensor_sum(loss, weight * weight)
    call torch_tensor_backward(loss)
    call torch_tensor_sum(loss, weight * weight)
    call torch_tensor_backward(loss)
    call optim%step()
    call check_close(w, [-1.0_real64, -2.0_real64], tight, 'gradients accumulate without it')
  end subroutine zero_grad

  subroutine without_gradient()
    real(real64), target :: w(2), v(2)
    type(torch_tensor) :: used, unused
    type(torch_optim) :: optim
    integer :: i

    w = 1
    v = 5
    call torch_tensor_from_array(used, w, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(unused, v, torch_kCPU, requires_grad=.true.)
    call torch_optim_AdamW(optim, [used, unused], 0.1_real64)
    do i = 1, 3
      call backward_of_squares(used, optim)
      call optim%step()
    end do
    call check_close(v, 5.0_real64, 0.0_real64, 'without gradient nothing happens, no decay either')
    call check(all(w < 0.8_real64), 'the other moves')
  end subroutine without_gradient

  !> The optimizer, the tensor and the array are one memory; the array may be changed in between.
  subroutine array_follows()
    real(real64), target :: w(2)
    real(real64) :: values(2)
    type(torch_tensor) :: weight
    type(torch_optim) :: optim

    w = [1, 2]
    call torch_tensor_from_array(weight, w, torch_kCPU, requires_grad=.true.)
    call torch_optim_SGD(optim, [weight], 0.25_real64)
    call backward_of_squares(weight, optim)
    call optim%step()
    call check_close(w, [0.5_real64, 1.0_real64], tight, 'array')
    w = [8, 16]
    call backward_of_squares(weight, optim)
    call optim%step()
    call check_close(w, [4.0_real64, 8.0_real64], tight, 'a written array')
    values = weight
    call check_close(values, w, 0.0_real64, 'tensor')
  end subroutine array_follows

  !> Parameters that are no contiguous memory.
  subroutine section()
    real(real64), target :: w(4, 6)
    real(real64) :: expected(2, 3)
    type(torch_tensor) :: weight
    type(torch_optim) :: optim
    integer :: i

    w = 7
    w(2::2, ::2) = reshape([1, 2, 3, 4, 5, 6], [2, 3])
    expected = w(2::2, ::2)
    call torch_tensor_from_array(weight, w(2::2, ::2), torch_kCPU, requires_grad=.true.)
    call torch_optim_SGD(optim, [weight], 0.1_real64, momentum=0.5_real64, dampening=0.5_real64)
    do i = 1, 2
      call backward_of_squares(weight, optim)
      call optim%step()
    end do
    expected = 0.8_real64 * expected - 0.1_real64 * (expected + 0.8_real64 * expected)
    call check_close(w(2::2, ::2), expected, tight, 'section')
    call check_close(sum(w), 7 * 18 + sum(expected), tight, 'the rest')
  end subroutine section

  subroutine several()
    real(real64), target :: w(2), v(1)
    real(real32), target :: u(2)
    type(torch_tensor) :: weights(3), loss
    type(torch_optim) :: optim

    w = 1
    v = 2
    u = 3
    call torch_tensor_from_array(weights(1), w, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(weights(2), v, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(weights(3), u, torch_kCPU, requires_grad=.true.)
    call torch_optim_Adam(optim, weights, 0.5_real64)
    loss = weights(1) * weights(2) * weights(3)
    call torch_tensor_backward(loss)
    call optim%step()
    call check_close(w, 0.5_real64, 1.0e-7_real64, 'first')
    call check_close(v, 1.5_real64, 1.0e-7_real64, 'second')
    call check_close(u, 2.5_real32, 1.0e-6_real32, 'third, of another kind')
  end subroutine several

end module optim_parameters_cases

program test_optim_parameters
  use optim_parameters_cases
  use testing, only: add_case, run_cases
  implicit none

  call add_case('zero_grad', zero_grad)
  call add_case('without_gradient', without_gradient)
  call add_case('array_follows', array_follows)
  call add_case('section', section)
  call add_case('several', several)
  call run_cases()
end program test_optim_parameters
