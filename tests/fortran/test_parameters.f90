! SPDX-License-Identifier: MIT
!> What is written to a parameter of a model is written to the model; a leaf stays a leaf.
module parameters_cases
  use, intrinsic :: iso_fortran_env, only: int64, real32, real64
  use ftorch
  use model_files, only: model_file
  use recorder, only: last_error, record_errors
  use testing, only: check, check_close, check_equal, check_status
  implicit none
  private
  public :: restored, averaged, own_descent, subroutine_forms, section, refused, empty_source
  public :: lets_go, taken_twice, taken_from_another, in_a_type, old_graph, leaf_restored, leaf_in_optimizer

  real(real64), parameter :: exact = 0

contains

  !> The model `passing`, whose second result is its parameter, [3, 4] when it is loaded.
  subroutine load(model, p)
    type(torch_model), intent(inout) :: model
    type(torch_tensor), intent(inout) :: p(1)

    call torch_model_load(model, model_file('passing.pt'), torch_kCPU)
    call torch_model_parameters(model, p)
  end subroutine load

  subroutine check_model(model, expected, message)
    type(torch_model), intent(in) :: model
    real(real64), intent(in) :: expected(2)
    character(len=*), intent(in) :: message
    type(torch_tensor) :: x(1), results(5)
    real(real64), target :: values(2, 5), ones(2)
    integer :: i

    ones = 1
    call torch_tensor_from_array(x(1), ones, torch_kCPU)
    do i = 1, 5
      call torch_tensor_from_array(results(i), values(:, i), torch_kCPU)
    end do
    call torch_model_forward(model, x, results)
    call check_close(values(:, 2), expected, 1.0e-15_real64, message)
  end subroutine check_model

  !> Weights that were saved in arrays, of the same and of less precision, are put back.
  subroutine restored()
    type(torch_model) :: model
    type(torch_tensor) :: p(1), saved, single
    real(real64), target :: w(2), row(1, 2)
    real(real32), target :: s(2)

    w = [10, 20]
    s = [30, 40]
    row(1, :) = [50, 60]
    call load(model, p)
    call torch_tensor_from_array(saved, w, torch_kCPU)
    call torch_tensor_from_array(single, s, torch_kCPU)
    p(1) = saved
    call check_model(model, w, 'assigned')
    p(1) = single
    call check_model(model, real(s, real64), 'of less precision')
    call torch_tensor_to(saved, p(1))
    call check_model(model, w, 'torch_tensor_to')
    call torch_tensor_from_array(saved, row, torch_kCPU)
    p(1) = saved
    call check_model(model, row(1, :), 'a row')
    call check(p(1)%requires_grad(), 'still a parameter')
  end subroutine restored

  !> The mean of parameters over several models, as over MPI, written through a pointer section.
  subroutine averaged()
    type(torch_model) :: models(2)
    type(torch_tensor) :: p(1), q(1)
    real(real64), target :: w(2)
    type(torch_tensor) :: mean

    call load(models(1), p)
    call load(models(2), q)
    p(1) = p(1) * 3
    w = p(1)
    call check_close(w, [9.0_real64, 12.0_real64], exact, 'one of them')
    mean = (p(1) + q(1)) / 2
    p(1) = mean
    q(1) = mean
    call check_model(models(1), [6.0_real64, 8.0_real64], 'first')
    call check_model(models(2), [6.0_real64, 8.0_real64], 'second')
  end subroutine averaged

  !> Gradient descent by hand on w*x, against the derivative.
  subroutine own_descent()
    type(torch_model) :: model
    type(torch_tensor) :: p(1), x(1), y(1), loss, g
    real(real32), target :: xa(2), ya(2)
    real(real32) :: w(1)
    integer :: step

    xa = [2, 3]
    call torch_model_load(model, model_file('scaling.pt'), torch_kCPU)
    call torch_model_parameters(model, p)
    call torch_tensor_from_array(x(1), xa, torch_kCPU)
    call torch_tensor_from_array(y(1), ya, torch_kCPU)
    w = p(1)
    do step = 1, 5
      call p(1)%zero_grad()
      call torch_model_forward(model, x, y, requires_grad=.true.)
      call check_close(ya, w(1) * xa, 1.0e-6, 'the model of this step')
      call torch_tensor_mean(loss, y(1) * y(1))
      call torch_tensor_backward(loss)
      call torch_tensor_get_gradient(g, p(1))
      if (mod(step, 2) == 1) then
        p(1) = p(1) - 0.05 * g
      else
        call torch_tensor_sub(p(1), p(1), 0.05 * g)
      end if
      w = w - 0.05 * 2 * w * sum(xa**2) / 2
    end do
    call check_close(p_values(p(1)), w, 1.0e-6, 'after five steps')
  end subroutine own_descent

  function p_values(p) result(values)
    type(torch_tensor), intent(in) :: p
    real(real32) :: values(1)

    values = p
  end function p_values

  subroutine subroutine_forms()
    type(torch_model) :: model
    type(torch_tensor) :: p(1), a, x(1), results(5)
    real(real64), target :: w(2)
    integer :: i

    w = [1, 2]
    call load(model, p)
    call torch_tensor_from_array(a, w, torch_kCPU)
    call torch_tensor_add(p(1), p(1), a)
    call check_model(model, [4.0_real64, 6.0_real64], 'add')
    call torch_tensor_mul(p(1), a, a)
    call check_model(model, [1.0_real64, 4.0_real64], 'mul')
    call torch_tensor_zero(p(1))
    call check_model(model, [0.0_real64, 0.0_real64], 'zero')
    call torch_tensor_ones(x(1), 1, [2_int64], torch_kFloat64, torch_kCPU)
    do i = 1, 5
      call torch_tensor_zeros(results(i), 1, [2_int64], torch_kFloat64, torch_kCPU)
    end do
    call torch_model_parameters(model, results(4:4))
    call torch_model_forward(model, x, results)
    call check_model(model, [7.0_real64, 8.0_real64], 'a result of forward')
  end subroutine subroutine_forms

  subroutine section()
    type(torch_model) :: model
    type(torch_tensor) :: p(1), column
    real(real64), target :: w(3, 4)

    w = reshape([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], [3, 4])
    call load(model, p)
    call torch_tensor_from_array(column, w(2, 1:4:3), torch_kCPU)
    p(1) = column
    call check_model(model, [2.0_real64, 11.0_real64], 'a strided section')
  end subroutine section

  subroutine refused()
    type(torch_model) :: model
    type(torch_tensor) :: p(1), longer, whole, q
    type(torch_status) :: status

    call load(model, p)
    call torch_tensor_ones(longer, 1, [3_int64], torch_kFloat64, torch_kCPU)
    call torch_tensor_ones(whole, 1, [2_int64], torch_kInt64, torch_kCPU)
    call torch_tensor_add(p(1), longer, longer, status)
    call check_status(status, torch_shape_mismatch, '[3]')
    call check_status(status, torch_shape_mismatch, '[2]')
    call record_errors()
    p(1) = longer
    call check_status(last_error, torch_shape_mismatch, 'assignment(=)')
    call record_errors()
    p(1) = whole
    call check_status(last_error, torch_dtype_mismatch, 'int64')
    call torch_tensor_to(longer, p(1), status=status)
    call check_status(status, torch_shape_mismatch, 'torch_tensor_to')
    q = p(1)
    call torch_tensor_zero(q)
    call check_model(model, [3.0_real64, 4.0_real64], 'as it was, and a copy is a copy')
  end subroutine refused

  subroutine empty_source()
    type(torch_model) :: model
    type(torch_tensor) :: p(1), nothing

    call load(model, p)
    call record_errors()
    p(1) = nothing
    call check_status(last_error, torch_invalid_argument, 'holds nothing')
    p(1) = p(1) * 2
    call check_model(model, [6.0_real64, 8.0_real64], 'still the parameter')
  end subroutine empty_source

  !> A variable that named a parameter is given something else to name: the model is not written.
  subroutine lets_go()
    type(torch_model) :: model
    type(torch_tensor) :: p(1)
    type(torch_status) :: status
    real(real64), target :: w(2)

    w = [1, 2]
    call load(model, p)
    call torch_tensor_from_array(p(1), w, torch_kCPU)
    call torch_tensor_zero(p(1))
    call check_close(w, exact, exact, 'the array')
    call torch_model_parameters(model, p, status)
    call check_status(status, torch_invalid_argument, 'wraps an array')
    call torch_delete(p(1))
    call torch_model_parameters(model, p)
    call torch_tensor_zeros(p(1), 1, [5_int64], torch_kFloat64, torch_kCPU)
    call torch_model_parameters(model, p)
    call torch_delete(p)
    call check_model(model, [3.0_real64, 4.0_real64], 'the model')
  end subroutine lets_go

  subroutine taken_twice()
    type(torch_model) :: model, shared
    type(torch_tensor) :: p(1), q(1)
    real(real64) :: w(2)

    call load(model, p)
    shared = model
    call torch_model_parameters(shared, q)
    p(1) = p(1) * 2
    w = q(1)
    call check_close(w, [6.0_real64, 8.0_real64], exact, 'the other variable')
    q(1) = p(1) + 1
    call check_model(model, [7.0_real64, 9.0_real64], 'written through it')
    call torch_delete(model)
    q(1) = q(1) - 1
    call check_model(shared, [6.0_real64, 8.0_real64], 'shared')
  end subroutine taken_twice

  !> The variable of a parameter names another model's: an optimizer goes on with what it was given.
  subroutine taken_from_another()
    type(torch_model) :: model, other
    type(torch_tensor) :: p(1), seed(1)
    type(torch_optim) :: optim
    type(torch_status) :: status

    call load(model, p)
    call torch_optim_SGD(optim, p, 0.5_real64)
    call torch_tensor_sum(seed(1), p(1) * p(1))
    call torch_tensor_backward(seed(1))
    call load(other, p)
    call torch_optim_step(optim, status)
    call check(status%ok(), 'the step')
    call check_model(model, [0.0_real64, 0.0_real64], 'the model that is trained')
    call check_model(other, [3.0_real64, 4.0_real64], 'the other')
  end subroutine taken_from_another

  !> Parameters are components of a derived type.
  subroutine in_a_type()
    type :: network
      type(torch_model) :: model
      type(torch_tensor) :: weights(1)
    end type network
    type(network) :: net, copy

    call load(net%model, net%weights)
    copy = net
    net%weights(1) = net%weights(1) * 10
    call check_model(net%model, [30.0_real64, 40.0_real64], 'the component')
    copy%weights(1) = copy%weights(1) * 0
    call check_model(copy%model, [30.0_real64, 40.0_real64], 'a copy of the type holds copies')
  end subroutine in_a_type

  subroutine old_graph()
    type(torch_model) :: model
    type(torch_tensor) :: p(1), x(1), y(1)
    type(torch_status) :: status

    call torch_model_load(model, model_file('scaling.pt'), torch_kCPU)
    call torch_model_parameters(model, p)
    call torch_tensor_ones(x(1), 1, [2_int64], torch_kFloat32, torch_kCPU, requires_grad=.true.)
    call torch_tensor_ones(y(1), 1, [2_int64], torch_kFloat32, torch_kCPU)
    call torch_model_forward(model, x, y, requires_grad=.true.)
    p(1) = p(1) * 2
    call torch_tensor_backward(y(1), status=status)
    call check_status(status, torch_autograd_error, 'modified by an inplace operation')
  end subroutine old_graph

  !> A leaf takes numbers and stays a leaf, with its gradient; the array follows.
  subroutine leaf_restored()
    type(torch_tensor) :: w, x, y, g
    real(real64), target :: wa(2), xa(2), ga(2)

    wa = [2, 3]
    xa = [5, 7]
    call torch_tensor_from_array(w, wa, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(x, xa, torch_kCPU)
    call torch_tensor_from_array(g, ga, torch_kCPU)
    y = w * 4
    call torch_tensor_backward(y)
    w = x
    call check_close(wa, xa, exact, 'assigned')
    call torch_tensor_to(x, w)
    call torch_tensor_add(w, x, x)
    call check_close(wa, 2 * xa, exact, 'subroutine form')
    call check(w%requires_grad(), 'a leaf')
    call torch_tensor_get_gradient(g, w)
    call check_close(ga, 4.0_real64, exact, 'its gradient stays')
    y = w * w
    call torch_tensor_backward(y)
    call torch_tensor_get_gradient(g, w)
    call check_close(ga, 4 + 4 * xa, exact, 'and goes on')
  end subroutine leaf_restored

  subroutine leaf_in_optimizer()
    type(torch_tensor) :: w(1), x, y
    type(torch_optim) :: sgd
    real(real64) :: values(2)

    call torch_tensor_ones(w(1), 1, [2_int64], torch_kFloat64, torch_kCPU, requires_grad=.true.)
    call torch_tensor_ones(x, 1, [2_int64], torch_kFloat64, torch_kCPU)
    call torch_optim_SGD(sgd, w, learning_rate=0.5_real64)
    w(1) = x * 10
    y = w(1) * 2
    call torch_tensor_backward(y)
    call sgd%step()
    values = w(1)
    call check_close(values, 9.0_real64, exact, 'the optimizer holds what was assigned')
  end subroutine leaf_in_optimizer

end module parameters_cases

program test_parameters
  use parameters_cases
  use testing, only: add_case, run_cases
  implicit none

  call add_case('restored', restored, 'models')
  call add_case('averaged', averaged, 'models')
  call add_case('own_descent', own_descent, 'models')
  call add_case('subroutine_forms', subroutine_forms, 'models')
  call add_case('section', section, 'models')
  call add_case('refused', refused, 'models')
  call add_case('empty_source', empty_source, 'models')
  call add_case('lets_go', lets_go, 'models')
  call add_case('taken_twice', taken_twice, 'models')
  call add_case('taken_from_another', taken_from_another, 'models')
  call add_case('in_a_type', in_a_type, 'models')
  call add_case('old_graph', old_graph, 'models')
  call add_case('leaf_restored', leaf_restored)
  call add_case('leaf_in_optimizer', leaf_in_optimizer)
  call run_cases()
end program test_parameters
