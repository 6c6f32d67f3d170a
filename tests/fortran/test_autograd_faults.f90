! SPDX-License-Identifier: MIT
!> Wrong arguments of derivatives: each a clear error that leaves everything as it was.
module autograd_faults_cases
  use, intrinsic :: iso_c_binding, only: c_associated
  use, intrinsic :: iso_fortran_env, only: int64
  use ftorch
  use testing, only: check, check_status
  implicit none
  private
  public :: gradient_before_backward, gradient_without_requires_grad, gradient_of_result
  public :: backward_twice, backward_without_graph, external_gradient

contains

  subroutine gradient_before_backward()
    type(torch_tensor) :: a, g
    type(torch_status) :: status

    call torch_tensor_ones(a, 1, [2_int64], torch_kFloat32, torch_kCPU, requires_grad=.true.)
    call torch_tensor_get_gradient(g, a, status)
    call check_status(status, torch_autograd_error, 'backward')
    call check(.not. c_associated(g%p), 'empty')
  end subroutine gradient_before_backward

  subroutine gradient_without_requires_grad()
    type(torch_tensor) :: a, g
    type(torch_status) :: status

    call torch_tensor_ones(a, 1, [2_int64], torch_kFloat32, torch_kCPU)
    call torch_tensor_get_gradient(g, a, status)
    call check_status(status, torch_autograd_error, 'requires_grad')
    call check(.not. c_associated(g%p), 'empty')
  end subroutine gradient_without_requires_grad

  subroutine gradient_of_result()
    type(torch_tensor) :: a, b, y, g
    type(torch_status) :: status

    call torch_tensor_ones(a, 1, [2_int64], torch_kFloat32, torch_kCPU, requires_grad=.true.)
    b = a * 2
    y = b * b
    call torch_tensor_backward(y)
    call torch_tensor_get_gradient(g, b, status)
    call check_status(status, torch_autograd_error, 'leaf')
    call torch_tensor_zeros(g, 1, [3_int64], torch_kFloat32, torch_kCPU)
    call torch_tensor_get_gradient(g, a, status)
    call check_status(status, torch_shape_mismatch, 'torch_tensor_get_gradient')
  end subroutine gradient_of_result

  subroutine backward_twice()
    type(torch_tensor) :: a, y
    type(torch_status) :: status

    call torch_tensor_ones(a, 1, [2_int64], torch_kFloat32, torch_kCPU, requires_grad=.true.)
    y = a * a
    call torch_tensor_backward(y)
    call torch_tensor_backward(y, status=status)
    call check_status(status, torch_autograd_error, 'torch_tensor_backward')
    call check(index(status%message, 'retain_graph') > 0, 'remedy in: ' // status%message)
  end subroutine backward_twice

  subroutine backward_without_graph()
    type(torch_tensor) :: a
    type(torch_status) :: status

    call torch_tensor_ones(a, 1, [2_int64], torch_kFloat32, torch_kCPU)
    call torch_tensor_backward(a, status=status)
    call check_status(status, torch_autograd_error, 'requires_grad')
  end subroutine backward_without_graph

  subroutine external_gradient()
    type(torch_tensor) :: a, y, g
    type(torch_status) :: status

    call torch_tensor_ones(a, 1, [2_int64], torch_kFloat32, torch_kCPU, requires_grad=.true.)
    y = a * a
    call torch_tensor_ones(g, 1, [3_int64], torch_kFloat32, torch_kCPU)
    call torch_tensor_backward(y, g, status=status)
    call check_status(status, torch_shape_mismatch, '[3]')
    call torch_tensor_ones(g, 1, [2_int64], torch_kFloat64, torch_kCPU)
    call torch_tensor_backward(y, g, status=status)
    call check_status(status, torch_dtype_mismatch, 'float64')
    call torch_tensor_ones(g, 1, [2_int64], torch_kFloat32, torch_kCPU)
    call torch_tensor_backward(y, g, status=status)
    call check(status%ok(), 'the graph is still there')
  end subroutine external_gradient

end module autograd_faults_cases

program test_autograd_faults
  use autograd_faults_cases
  use testing, only: add_case, run_cases
  implicit none

  call add_case('gradient_before_backward', gradient_before_backward)
  call add_case('gradient_without_requires_grad', gradient_without_requires_grad)
  call add_case('gradient_of_result', gradient_of_result)
  call add_case('backward_twice', backward_twice)
  call add_case('backward_without_graph', backward_without_graph)
  call add_case('external_gradient', external_gradient)
  call run_cases()
end program test_autograd_faults
