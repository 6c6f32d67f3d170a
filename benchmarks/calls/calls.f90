! SPDX-License-Identifier: MIT
!> One kind of call again and again: `calls CASE MODEL ITERATIONS`, a case of run.py.
program calls
  use, intrinsic :: iso_fortran_env, only: int64, real32, real64
  use ftorch
  implicit none
  character(len=1024) :: name, filename, argument
  integer :: iterations

  call get_command_argument(1, name)
  call get_command_argument(2, filename)
  call get_command_argument(3, argument)
  read (argument, *) iterations
  select case (name)
  case ('forward', 'wrapping', 'session', 'rebinding')
    call run_network()
  case ('wrap1', 'wrap4')
    call wrap()
  case ('mul16')
    call multiply(16)
  case ('mul100000')
    call multiply(100000)
  case ('mul10000000')
    call multiply(10000000)
  case ('own16', 'attached16')
    call assign()
  case default
    error stop 'no such case'
  end select

contains

  subroutine run_network()
    real(real32), target :: x(1, 8), y(1, 4)
    type(torch_tensor) :: input(1), output(1)
    type(torch_model) :: model
    type(torch_session) :: session
    integer :: i

    x(1, :) = [(0.1_real32*i, i=1, 8)]
    call torch_model_load(model, filename, torch_kCPU)
    call torch_tensor_from_array(input(1), x, torch_kCPU)
    call torch_tensor_from_array(output(1), y, torch_kCPU)
    call torch_session_create(session, model, input, output)
    select case (name)
    case ('forward')
      do i = 1, iterations
        call torch_model_forward(model, input, output)
      end do
    case ('wrapping')
      do i = 1, iterations
        call torch_tensor_from_array(input(1), x, torch_kCPU)
        call torch_tensor_from_array(output(1), y, torch_kCPU)
        call torch_model_forward(model, input, output)
      end do
    case ('rebinding')
      do i = 1, iterations
        call session%rebind(1, x)
        call session%rebind_output(1, y)
        call session%run()
      end do
    case default
      do i = 1, iterations
        call session%run()
      end do
    end select
    print '(4es16.8)', y
  end subroutine run_network

  subroutine wrap()
    real(real64), target :: x(16), x4(2, 2, 2, 2)
    type(torch_tensor) :: tensor
    integer :: i

    x = 1
    x4 = 1
    if (name == 'wrap1') then
      do i = 1, iterations
        call torch_tensor_from_array(tensor, x, torch_kCPU)
        call torch_delete(tensor)
      end do
    else
      do i = 1, iterations
        call torch_tensor_from_array(tensor, x4, torch_kCPU)
        call torch_delete(tensor)
      end do
    end if
    print '(i0)', torch_live_tensors()
  end subroutine wrap

  !> Into an array that a tensor is attached to.
  subroutine multiply(n)
    integer, intent(in) :: n
    real(real64), allocatable, target :: x(:), y(:), z(:)
    type(torch_tensor) :: a, b, c
    integer :: i

    allocate (x(n), y(n), z(n))
    x = 3
    y = 2
    z = 0
    call torch_tensor_from_array(a, x, torch_kCPU)
    call torch_tensor_from_array(b, y, torch_kCPU)
    call torch_tensor_from_array(c, z, torch_kCPU)
    do i = 1, iterations
      call torch_tensor_mul(c, a, b)
    end do
    print '(f0.1)', z(n)
  end subroutine multiply

  !> An expression, to a tensor with memory of its own or to one that an array is attached to.
  subroutine assign()
    real(real64), target :: x(16), y(16), z(16), w(16)
    type(torch_tensor) :: a, b, c, d
    integer :: i

    x = 3
    y = 2
    z = 1
    w = 0
    call torch_tensor_from_array(a, x, torch_kCPU)
    call torch_tensor_from_array(b, y, torch_kCPU)
    call torch_tensor_from_array(c, z, torch_kCPU)
    if (name == 'attached16') call torch_tensor_from_array(d, w, torch_kCPU)
    do i = 1, iterations
      d = a*b + c
    end do
    if (name == 'own16') call torch_tensor_to_array(d, w)
    print '(f0.1)', w(16)
  end subroutine assign

end program calls
