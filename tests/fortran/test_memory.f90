! SPDX-License-Identifier: MIT
!> Long loops end with the memory that they had after warming up.
module memory_cases
  use, intrinsic :: iso_c_binding, only: c_int
  use, intrinsic :: iso_fortran_env, only: int64, real32
  use ftorch
  use model_files, only: model_file
  use testing, only: check, check_equal, skip
  implicit none
  private
  public :: forward, expression, training, attached_graph, arrays, failures, operators

  !> Resident memory may grow by this much, in bytes.
  integer(int64), parameter :: allowed = 8 * 1024_int64**2

  type(torch_model) :: model
  type(torch_optim) :: optim
  type(torch_tensor) :: input(1), output(1), wanted, loss, parameters(6)
  real(real32), target :: x(16, 8), y(16, 4), z(16, 4), number(1)

contains

  !> After a tenth of the calls as warm-up, memory and live objects must not grow.
  subroutine run(repeat_calls, count)
    interface
      subroutine repeat_calls(count)
        integer, intent(in) :: count
      end subroutine repeat_calls
    end interface
    integer, intent(in) :: count
    integer(int64) :: memory, live
    character(len=80) :: message

    call repeat_calls(count / 10)
    memory = resident()
    live = torch_live_tensors()
    call repeat_calls(count)
    write (message, '(a, i0, a)') 'memory grew by ', (resident() - memory) / 1024, ' KiB'
    call check(resident() - memory <= allowed, trim(message))
    print '(a)', trim(message)
    call check_equal([torch_live_tensors()], [live], 'live tensors')
  end subroutine run

  !> Resident memory of this process, in bytes.
  function resident() result(bytes)
    interface
      function getpagesize() bind(c) result(size)
        import :: c_int
        implicit none
        integer(c_int) :: size
      end function getpagesize
    end interface
    integer(int64) :: bytes, virtual_pages, pages
    integer :: unit, error

    open (newunit=unit, file='/proc/self/statm', action='read', status='old', iostat=error)
    if (error /= 0) call skip('this system has no /proc/self/statm')
    read (unit, *) virtual_pages, pages
    close (unit)
    bytes = pages * getpagesize()
  end function resident

  subroutine set_up()
    call random_number(x)
    call random_number(z)
    call torch_tensor_from_array(input(1), x, torch_kCPU)
    call torch_tensor_from_array(output(1), y, torch_kCPU)
    call torch_tensor_from_array(wanted, z, torch_kCPU)
    call torch_tensor_from_array(loss, number, torch_kCPU)
    call torch_model_load(model, model_file('mlp_float32.pt'), torch_kCPU)
    call torch_model_parameters(model, parameters)
    call torch_optim_Adam(optim, parameters)
  end subroutine set_up

  subroutine forward()
    call set_up()
    call run(repeat_forward, 100000)
  end subroutine forward

  subroutine repeat_forward(count)
    integer, intent(in) :: count
    integer :: i

    do i = 1, count
      call torch_model_forward(model, input, output)
    end do
  end subroutine repeat_forward

  subroutine expression()
    call run(repeat_expression, 20000)
  end subroutine expression

  subroutine repeat_expression(count)
    integer, intent(in) :: count
    real(real32), target :: u(1000), v(1000), w(1000)
    type(torch_tensor) :: a, b, c, d
    integer :: i

    u = 1
    v = 2
    w = 3
    call torch_tensor_from_array(a, u, torch_kCPU)
    call torch_tensor_from_array(b, v, torch_kCPU)
    call torch_tensor_from_array(c, w, torch_kCPU)
    do i = 1, count
      d = a * b + c
    end do
  end subroutine repeat_expression

  subroutine training()
    call set_up()
    call run(repeat_training, 2000)
  end subroutine training

  subroutine repeat_training(count)
    integer, intent(in) :: count
    integer :: i

    do i = 1, count
      call optim%zero_grad()
      call torch_model_forward(model, input, output, requires_grad=.true.)
      call torch_loss_mse(loss, output(1), wanted)
      call torch_tensor_backward(loss)
      call optim%step()
    end do
  end subroutine repeat_training

  !> A recurrence through an attached array, differentiated again and again.
  subroutine attached_graph()
    call run(repeat_attached, 500)
  end subroutine attached_graph

  subroutine repeat_attached(count)
    integer, intent(in) :: count
    real(real32), target :: w(1000), h(1000), g(1000)
    type(torch_tensor) :: weight, state, gradient
    integer :: i, j

    w = 0.1
    call torch_tensor_from_array(weight, w, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(state, h, torch_kCPU)
    call torch_tensor_from_array(gradient, g, torch_kCPU)
    do i = 1, count
      state = weight
      do j = 1, 5
        state = weight * state * state + 0.5
      end do
      call torch_tensor_backward(state)
      call torch_tensor_get_gradient(gradient, weight)
      call weight%zero_grad()
    end do
  end subroutine repeat_attached

  !> Wrapping arrays anew in each iteration, and copying out.
  subroutine arrays()
    call run(repeat_arrays, 20000)
  end subroutine arrays

  subroutine repeat_arrays(count)
    integer, intent(in) :: count
    real(real32), target :: u(1000)
    real(real32) :: v(1000)
    type(torch_tensor) :: a, b
    integer :: i

    u = 1
    do i = 1, count
      call torch_tensor_from_array(a, u, torch_kCPU)
      b = a
      v = b
      call torch_tensor_zeros(b, 1, [1000_int64], torch_kFloat32, torch_kCPU)
    end do
  end subroutine repeat_arrays

  subroutine failures()
    call run(repeat_failures, 5000)
  end subroutine failures

  subroutine repeat_failures(count)
    integer, intent(in) :: count
    type(torch_tensor) :: a, b, c
    type(torch_status) :: status
    integer :: i

    call torch_tensor_ones(a, 1, [1000_int64], torch_kFloat32, torch_kCPU)
    call torch_tensor_ones(b, 1, [999_int64], torch_kFloat32, torch_kCPU)
    do i = 1, count
      call torch_tensor_add(c, a, b, status)
      if (status%ok()) call check(.false., 'shapes that do not broadcast')
    end do
  end subroutine repeat_failures

  !> Operators by name, of expressions and lists, with gradients; a section of a tensor; failures.
  subroutine operators()
    call run(repeat_operators, 10000)
  end subroutine operators

  subroutine repeat_operators(count)
    integer, intent(in) :: count
    real(real32), target :: u(1000), g(1000)
    type(torch_tensor) :: a, b, parts(2), total, gradient
    type(torch_status) :: status
    integer :: i

    u = 1
    call torch_tensor_from_array(a, u, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(gradient, g, torch_kCPU)
    do i = 1, count
      call torch_tensor_randn(b, 1, [1000_int64], torch_kFloat32, torch_kCPU)
      call torch_tensor_set_slice(b, 1, 1, 1000, b - b)
      call torch_call(b, 'aten::add', [torch_argument(a * 2), torch_argument(b), torch_argument(3)])
      call torch_call(parts, 'split', [torch_argument(b + b), torch_argument(500)])
      call torch_call(total, 'einsum', [torch_argument('i,i->'), torch_argument(parts)])
      call torch_tensor_backward(total)
      call torch_tensor_get_gradient(gradient, a)
      call a%zero_grad()
      call torch_call(total, 'add', [torch_argument(b + b)], status)
      if (status%ok()) call check(.false., 'an argument is missing')
    end do
  end subroutine repeat_operators

end module memory_cases

program test_memory
  use memory_cases
  use testing, only: add_case, run_cases
  implicit none

  call add_case('forward', forward, 'models')
  call add_case('expression', expression, 'models')
  call add_case('training', training, 'models')
  call add_case('attached_graph', attached_graph, 'models')
  call add_case('arrays', arrays, 'models')
  call add_case('failures', failures, 'models')
  call add_case('operators', operators, 'models')
  call run_cases()
end program test_memory
