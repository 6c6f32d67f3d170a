! SPDX-License-Identifier: MIT
!> Fortran procedures with their adjoints as nodes of the graph.
module function_node_cases
  use, intrinsic :: iso_fortran_env, only: int64, real32, real64
  use ftorch
  use model_files, only: model_file
  use node_functions, only: affine, cube, faulty, integer_output, nested, single, stateful, two_outputs
  use testing, only: check, check_close, check_equal, check_status
  implicit none
  private
  public :: one, attached, through_operators, two, out_of_scope, twice_in_a_graph, state, with_integers
  public :: without_gradients, some_inputs, retained, in_functions, real_numbers, input_written, with_model, many
  public :: threads, by_torch_grad, aliased

  integer, parameter :: dp = real64

contains

  subroutine one()
    real(dp), target :: x(2)
    type(torch_tensor) :: a, y(1), g
    type(torch_status) :: status

    x = [2, 3]
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    call torch_apply(y, cube(factor=2.0_dp), [a], status)
    call check(status%ok(), 'status')
    call check_close(values(y(1)), 2 * x**3, 0.0_dp, 'forward')
    call check(y(1)%requires_grad(), 'graph')
    call torch_tensor_backward(y(1))
    call torch_tensor_get_gradient(g, a)
    call check_close(values(g), 6 * x**2, 0.0_dp, 'backward')
  end subroutine one

  subroutine attached()
    real(dp), target :: x(2), h(2), z(2)
    type(torch_tensor) :: a, b, y(1), g

    x = [2, 3]
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(b, h, torch_kCPU)
    call torch_tensor_from_array(y(1), z, torch_kCPU)
    b = a * 2
    call torch_apply(y, cube(), [b])
    call check_close(z, 8 * x**3, 1.0e-13_dp, 'array')
    call torch_tensor_backward(y(1))
    call torch_tensor_get_gradient(g, a)
    call check_close(values(g), 24 * x**2, 1.0e-13_dp, 'gradient')
  end subroutine attached

  subroutine through_operators()
    real(dp), target :: x(2), b(3)
    type(affine) :: f
    type(torch_tensor) :: tx, tb, y(1), loss, g

    x = [2, 3]
    b = [1, 0, 5]
    f%w = reshape([1, 2, 3, 4, 5, 6], [3, 2]) * 1.0_dp
    call torch_tensor_from_array(tx, x, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(tb, b, torch_kCPU, requires_grad=.true.)
    call torch_apply(y, f, [tx, tb])
    f%w = 0
    call torch_tensor_sum(loss, y(1)**2)
    call torch_tensor_backward(loss)
    f%w = reshape([1, 2, 3, 4, 5, 6], [3, 2]) * 1.0_dp
    call torch_tensor_get_gradient(g, tx)
    call check_close(values(g), 2 * matmul(matmul(f%w, x) + b, f%w), 1.0e-12_dp, 'x')
    call torch_tensor_get_gradient(g, tb)
    call check_close(values(g), 2 * (matmul(f%w, x) + b), 1.0e-12_dp, 'b')
  end subroutine through_operators

  subroutine two()
    real(dp), target :: x(2), y(2)
    type(torch_tensor) :: a, b, u(2), g(2)

    x = [2, 3]
    y = [5, 7]
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(b, y, torch_kCPU, requires_grad=.true.)
    call torch_apply(u, two_outputs(), [a, b])
    call torch_grad(g, u, [a, b], retain_graph=.true.)
    call check_close(values(g(1)), y + 1, 0.0_dp, 'both by x')
    call check_close(values(g(2)), x + 1, 0.0_dp, 'both by y')
    call torch_grad(g, u(1:1), [a, b], retain_graph=.true.)
    call check_close(values(g(1)), y, 0.0_dp, 'the first')
    call torch_grad(g, u(2:2), [a, b])
    call check_close(values(g(2)), [1.0_dp, 1.0_dp], 0.0_dp, 'the second')
  end subroutine two

  subroutine out_of_scope()
    real(dp), target :: x(2)
    type(torch_tensor) :: a, y(1), g

    x = [2, 3]
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    block
      type(affine) :: f
      type(torch_tensor) :: b

      f%w = reshape([1, 2, 3, 4], [2, 2]) * 1.0_dp
      call torch_tensor_zeros(b, 1, [2_int64], torch_kFloat64, torch_kCPU)
      call torch_apply(y, f, [a, b])
      f%w = -1
    end block
    call torch_tensor_backward(y(1))
    call torch_tensor_get_gradient(g, a)
    call check_close(values(g), [3.0_dp, 7.0_dp], 0.0_dp, 'gradient')
  end subroutine out_of_scope

  subroutine twice_in_a_graph()
    real(dp), target :: x(2)
    type(torch_tensor) :: a, y(1), g
    type(cube) :: f

    x = [2, 3]
    f%factor = 0.5_dp
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    call torch_apply(y, f, [a])
    f%factor = 2
    call torch_apply(y, f, y)
    call torch_tensor_backward(y(1))
    call torch_tensor_get_gradient(g, a)
    call check_close(values(g), 9 * 0.25_dp * x**8, 1.0e-13_dp, 'gradient')
  end subroutine twice_in_a_graph

  subroutine state()
    real(dp), target :: x(2), z(2)
    type(torch_tensor) :: a, b, y(1), z1(1), g
    type(stateful) :: f

    x = [2, 3]
    z = [5, 7]
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(b, z, torch_kCPU)
    call torch_apply(y, f, [a])
    call torch_apply(z1, f, [b])
    call check(.not. allocated(f%kept), 'the original stays as it is')
    call check_close(values(y(1)), sin(x), 1.0e-15_dp, 'forward')
    call torch_tensor_backward(y(1))
    call torch_tensor_get_gradient(g, a)
    call check_close(values(g), cos(x), 1.0e-15_dp, 'gradient')
  end subroutine state

  subroutine with_integers()
    real(dp), target :: x(2)
    integer :: rounded(2)
    type(torch_tensor) :: a, y(2), g

    x = [2.2_dp, 2.7_dp]
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    call torch_apply(y, integer_output(), [a])
    call torch_tensor_to_array(y(1), rounded)
    call check(all(rounded == [2, 3]), 'integers')
    call check(.not. y(1)%requires_grad(), 'integers have no graph')
    call torch_tensor_backward(y(2))
    call torch_tensor_get_gradient(g, a)
    call check_close(values(g), 3 * x**2, 1.0e-13_dp, 'gradient')
  end subroutine with_integers

  subroutine without_gradients()
    real(dp), target :: x(2)
    type(torch_tensor) :: a, y(1)

    x = [2, 3]
    call torch_tensor_from_array(a, x, torch_kCPU)
    call torch_apply(y, cube(), [a])
    call check(.not. y(1)%requires_grad(), 'no input has one')
    call torch_tensor_set_requires_grad(a, .true.)
    call torch_no_grad_begin()
    call torch_apply(y, cube(), [a])
    call torch_no_grad_end()
    call check(.not. y(1)%requires_grad(), 'nothing is recorded')
    call check_close(values(y(1)), x**3, 0.0_dp, 'values')
  end subroutine without_gradients

  subroutine some_inputs()
    real(dp), target :: x(2), b(2)
    type(affine) :: f
    type(torch_tensor) :: tx, tb, y(1), g(1)

    x = [2, 3]
    b = 0
    f%w = reshape([1, 2, 3, 4], [2, 2]) * 1.0_dp
    call torch_tensor_from_array(tx, x, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(tb, b, torch_kCPU, requires_grad=.true.)
    call torch_apply(y, f, [tx, tb])
    call torch_grad(g, y, [tb], retain_graph=.true.)
    call check_close(values(g(1)), [1.0_dp, 1.0_dp], 0.0_dp, 'b')
    call torch_grad(g, y, [tx])
    call check_close(values(g(1)), [3.0_dp, 7.0_dp], 0.0_dp, 'x')
  end subroutine some_inputs

  subroutine retained()
    real(dp), target :: x(2)
    type(torch_tensor) :: a, y(1), g(1)
    type(torch_status) :: status
    integer :: i

    x = [2, 3]
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    call torch_apply(y, cube(), [a])
    do i = 1, 3
      call torch_grad(g, y, [a], retain_graph=.true.)
      call check_close(values(g(1)), 3 * x**2, 0.0_dp, 'gradient')
    end do
    call torch_grad(g, y, [a])
    call torch_grad(g, y, [a], status=status)
    call check_status(status, torch_autograd_error, 'retain_graph')
  end subroutine retained

  subroutine in_functions()
    real(dp), target :: x(2)
    type(torch_tensor) :: a, y(1), g

    x = [1.5_dp, 1.25_dp]
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    call torch_apply(y, nested(), [a])
    call check_close(values(y(1)), x**9, 1.0e-13_dp, 'forward')
    call torch_tensor_backward(y(1))
    call torch_tensor_get_gradient(g, a)
    call check_close(values(g), 9 * x**8, 1.0e-13_dp, 'backward')
  end subroutine in_functions

  subroutine real_numbers()
    real(real32), target :: x(2, 2), gx(2, 2)
    type(torch_tensor) :: a, y(1), g

    x = reshape([1, 2, 3, 4], [2, 2])
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(g, gx, torch_kCPU)
    call torch_apply(y, single(), [a])
    call torch_tensor_backward(y(1))
    call torch_tensor_get_gradient(g, a)
    call check_close(real(reshape(gx, [4]), dp), 2.0_dp * reshape(x, [4]), 0.0_dp, 'gradient')
  end subroutine real_numbers

  subroutine input_written()
    real(dp), target :: x(2), z(2)
    type(torch_tensor) :: a, b, y(2), g

    x = [2, 3]
    z = [5, 7]
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(b, z, torch_kCPU)
    call torch_apply(y, two_outputs(), [a, b])
    z = 100
    call torch_tensor_backward(y(1))
    call torch_tensor_get_gradient(g, a)
    call check_close(values(g), [5.0_dp, 7.0_dp], 0.0_dp, 'gradient')
  end subroutine input_written

  subroutine with_model()
    real(real32), target :: x(2)
    type(torch_tensor) :: a, h(1), y(1), z(1), g
    type(torch_model) :: model

    x = [1, 2]
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    call torch_model_load(model, model_file('scaling.pt'), torch_kCPU)
    call torch_tensor_zeros(h(1), 1, [2_int64], torch_kFloat32, torch_kCPU)
    call torch_tensor_zeros(z(1), 1, [2_int64], torch_kFloat32, torch_kCPU)
    call torch_model_forward(model, [a], h, requires_grad=.true.)
    call torch_apply(y, single(), h)
    call torch_model_forward(model, y, z, requires_grad=.true.)
    call torch_tensor_backward(z(1))
    call torch_tensor_get_gradient(g, a)
    call check(g%get_rank() == 1, 'gradient')
    call torch_model_forward(model, [a], h, requires_grad=.true.)
    call torch_tensor_mul(y(1), h(1), h(1))
    call torch_model_forward(model, y, z, requires_grad=.true.)
    block
      type(torch_tensor) :: other(1), expected
      real(real32) :: got(2), same(2)
      call torch_grad(other, z, [a])
      expected = other(1)
      call torch_tensor_to_array(g, got)
      call torch_tensor_to_array(expected, same)
      call check_close(got, same, 1.0e-6_real32, 'as with an operator')
    end block
  end subroutine with_model

  subroutine many()
    real(dp), target :: x(1)
    type(torch_tensor) :: a, y(1), g
    integer :: i

    x = 1
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    y(1) = a * 1
    do i = 1, 2000
      call torch_apply(y, faulty(), y)
      y(1) = y(1) * 0.5_dp
    end do
    call torch_tensor_backward(y(1))
    call torch_tensor_get_gradient(g, a)
    call check_close(values(g), [1.0_dp], 0.0_dp, 'gradient')
  end subroutine many

  subroutine threads()
    integer :: i, wrong

    wrong = 0
    !$omp parallel do num_threads(4) reduction(+:wrong)
    do i = 1, 40
      wrong = wrong + wrong_in_thread(i)
    end do
    !$omp end parallel do
    call check_equal(wrong, 0, 'gradients')
  end subroutine threads

  subroutine by_torch_grad()
    real(dp), target :: x(2)
    type(torch_tensor) :: a, h, y(1), g(1)

    x = [2, 3]
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    h = a * 2
    call torch_apply(y, cube(), [h])
    call torch_grad(g, y, [h])
    call check_close(values(g(1)), 12 * x**2, 1.0e-13_dp, 'by the input')
  end subroutine by_torch_grad

  subroutine aliased()
    real(dp), target :: x(2), h(2)
    type(torch_tensor) :: a, y(1), g
    integer :: i

    x = [1.1_dp, 0.9_dp]
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(y(1), h, torch_kCPU)
    y(1) = a
    do i = 1, 2
      block
        type(torch_tensor) :: input(1)
        input(1) = y(1)
        call torch_apply(y, cube(), input)
      end block
    end do
    call check_close(h, x**9, 1.0e-13_dp, 'array')
    call torch_tensor_backward(y(1))
    call torch_tensor_get_gradient(g, a)
    call check_close(values(g), 9 * x**8, 1.0e-13_dp, 'gradient')
  end subroutine aliased

  integer function wrong_in_thread(i)
    integer, intent(in) :: i
    real(dp), target :: x(2)
    type(torch_tensor) :: a, y(1), g

    x = [i, i + 1]
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    call torch_apply(y, cube(thread_safe=mod(i, 2) == 0), [a])
    call torch_tensor_backward(y(1))
    call torch_tensor_get_gradient(g, a)
    wrong_in_thread = count(abs(values(g) - 3 * x**2) > 1.0e-9_dp)
  end function wrong_in_thread

  function values(tensor) result(numbers)
    type(torch_tensor), intent(in) :: tensor
    real(dp), allocatable :: numbers(:)

    allocate (numbers(product(tensor%get_shape())))
    call torch_tensor_to_array(tensor, numbers)
  end function values

end module function_node_cases

program test_function_node
  use function_node_cases
  use testing, only: add_case, run_cases
  implicit none

  call add_case('one', one)
  call add_case('attached', attached)
  call add_case('through_operators', through_operators)
  call add_case('two', two)
  call add_case('out_of_scope', out_of_scope)
  call add_case('twice_in_a_graph', twice_in_a_graph)
  call add_case('state', state)
  call add_case('with_integers', with_integers)
  call add_case('without_gradients', without_gradients)
  call add_case('some_inputs', some_inputs)
  call add_case('retained', retained)
  call add_case('in_functions', in_functions)
  call add_case('real_numbers', real_numbers)
  call add_case('input_written', input_written)
  call add_case('with_model', with_model, 'models')
  call add_case('many', many)
  call add_case('threads', threads)
  call add_case('by_torch_grad', by_torch_grad)
  call add_case('aliased', aliased)
  call run_cases()
end program test_function_node
