! SPDX-License-Identifier: MIT
!> A Fortran function and its adjoint in a graph, forwards and backwards: `apply SIZE CALLS`.
module cubes
  ! Loops, because a compiler copies an array expression of pointers, which might overlap.
  use, intrinsic :: iso_fortran_env, only: real64
  use ftorch
  implicit none

  type, extends(torch_function) :: cube
  contains
    procedure :: forward
    procedure :: backward
  end type cube

contains

  subroutine forward(self, outputs, inputs, status)
    class(cube), intent(inout) :: self
    type(torch_tensor), intent(inout) :: outputs(:)
    type(torch_tensor), intent(in) :: inputs(:)
    type(torch_status), intent(out) :: status
    real(real64), pointer, contiguous :: x(:), y(:)
    integer :: i

    if (.not. self%thread_safe) return
    call torch_tensor_to_pointer(inputs(1), x)
    call torch_tensor_empty(outputs(1), 1, inputs(1)%get_shape(), torch_kFloat64, torch_kCPU)
    call torch_tensor_to_pointer(outputs(1), y, status)
    do i = 1, size(x)
      y(i) = x(i) * x(i) * x(i)
    end do
  end subroutine forward

  subroutine backward(self, input_gradients, output_gradients, inputs, outputs, status)
    class(cube), intent(inout) :: self
    type(torch_tensor), intent(inout) :: input_gradients(:)
    type(torch_tensor), intent(in) :: output_gradients(:), inputs(:), outputs(:)
    type(torch_status), intent(out) :: status
    real(real64), pointer, contiguous :: x(:), g(:), y(:)
    integer :: i

    if (.not. self%thread_safe) return
    call torch_tensor_to_pointer(inputs(1), x)
    call torch_tensor_to_pointer(output_gradients(1), y)
    call torch_tensor_empty(input_gradients(1), 1, outputs(1)%get_shape(), torch_kFloat64, torch_kCPU)
    call torch_tensor_to_pointer(input_gradients(1), g, status)
    do i = 1, size(x)
      g(i) = 3 * x(i) * x(i) * y(i)
    end do
  end subroutine backward

end module cubes

program apply
  use, intrinsic :: iso_fortran_env, only: real64
  use cubes
  use ftorch
  implicit none
  real(real64), allocatable, target :: x(:)
  type(torch_tensor) :: input(1), output(1), gradient
  character(len=32) :: text
  integer :: n, calls, i

  call get_command_argument(1, text)
  read (text, *) n
  call get_command_argument(2, text)
  read (text, *) calls
  x = [(1.0_real64 / i, i=1, n)]
  call torch_tensor_from_array(input(1), x, torch_kCPU, requires_grad=.true.)
  do i = 1, calls
    call torch_apply(output, cube(thread_safe=.true.), input)
    call torch_tensor_backward(output(1))
  end do
  call torch_tensor_get_gradient(gradient, input(1))
  call torch_tensor_to_array(gradient, x)
  print '(es16.8)', sum(x)
end program apply
