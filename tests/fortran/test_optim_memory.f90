! SPDX-License-Identifier: MIT
!> Optimizers and the memory of their parameters: arrays that are gone, tensors that became others, graphs of old numbers.
module optim_memory_cases
  use, intrinsic :: iso_c_binding, only: c_f_pointer, c_intptr_t, c_loc
  use, intrinsic :: iso_fortran_env, only: int64, real32, real64
  use ftorch
  use model_files, only: model_file
  use testing, only: check, check_close, check_status
  implicit none
  private
  public :: released_array, released_array_of_many, released_section, tensor_made_anew, released_owner, released_model
  public :: assigned_result, assigned_result_of_owner, assigned_numbers, zeroed
  public :: backward_after_step, backward_before_step, backward_through_model
  public :: overlapping_leaves, arrays_with_copies, rows_of_a_matrix

  real(real64), parameter :: tight = 1.0e-14_real64

contains

  !> The array is somebody else's by then; nothing is written to it.
  subroutine released_array()
    real(real64), allocatable, target :: w(:)
    type(torch_tensor) :: weight
    type(torch_optim) :: optim
    type(torch_status) :: status

    allocate(w(2), source=1.0_real64)
    call torch_tensor_from_array(weight, w, torch_kCPU, requires_grad=.true.)
    call torch_optim_SGD(optim, [weight], 0.25_real64)
    call backward_of_squares(weight)
    call torch_delete(weight)
    deallocate(w)
    allocate(w(2), source=77.0_real64)
    call optim%step(status)
    call check_status(status, torch_invalid_argument, 'parameters(1) was released')
    call check_close(w, 77.0_real64, 0.0_real64, 'the array that came after')
    call optim%zero_grad(status)
    call check(status%ok(), 'zero_grad')
  end subroutine released_array

  !> One of three is gone: the other two are not stepped either, by every optimizer and also in later steps.
  subroutine released_array_of_many()
    real(real64), target :: w(2), v(2), u(2)
    type(torch_tensor) :: weights(3)
    type(torch_optim) :: optims(3)
    type(torch_status) :: status
    integer :: i

    w = 1
    v = 1
    u = 1
    call torch_tensor_from_array(weights(1), w, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(weights(2), v, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(weights(3), u, torch_kCPU, requires_grad=.true.)
    call torch_optim_SGD(optims(1), weights, 0.25_real64)
    call torch_optim_Adam(optims(2), weights, 0.25_real64)
    call torch_optim_AdamW(optims(3), weights, 0.25_real64)
    do i = 1, 3
      call backward_of_squares(weights(i))
    end do
    call optims(2)%step()
    w = 1
    v = 1
    u = 1
    call torch_delete(weights(2))
    do i = 1, 3
      call optims(i)%step(status)
      call check_status(status, torch_invalid_argument, 'parameters(2) was released')
    end do
    call check_close([w, v, u], 1.0_real64, 0.0_real64, 'nothing is stepped')
  end subroutine released_array_of_many

  subroutine released_section()
    real(real32), target :: w(4, 4)
    type(torch_tensor) :: weight
    type(torch_optim) :: optim
    type(torch_status) :: status

    w = 1
    call torch_tensor_from_array(weight, w(::2, 2::2), torch_kCPU, requires_grad=.true.)
    call torch_optim_Adam(optim, [weight])
    call backward_of_squares(weight)
    call torch_delete(weight)
    call optim%step(status)
    call check_status(status, torch_invalid_argument, 'parameters(1) was released')
    call check(all(abs(w - 1) <= 0), 'nothing is stepped')
  end subroutine released_section

  !> The same variable over another array: the optimizer has the tensor that it was given.
  subroutine tensor_made_anew()
    real(real64), target :: w(2), v(2)
    type(torch_tensor) :: weight
    type(torch_optim) :: optim
    type(torch_status) :: status

    w = 1
    v = 1
    call torch_tensor_from_array(weight, w, torch_kCPU, requires_grad=.true.)
    call torch_optim_SGD(optim, [weight], 0.25_real64)
    call backward_of_squares(weight)
    call torch_tensor_from_array(weight, v, torch_kCPU, requires_grad=.true.)
    call backward_of_squares(weight)
    call optim%step(status)
    call check_status(status, torch_invalid_argument, 'make the optimizer anew')
    call check_close([w, v], 1.0_real64, 0.0_real64, 'nothing is stepped')
  end subroutine tensor_made_anew

  !> Memory of LibTorch lives as long as the optimizer needs it.
  subroutine released_owner()
    type(torch_tensor) :: weight
    type(torch_optim) :: optim
    type(torch_status) :: status
    integer :: i

    call torch_tensor_ones(weight, 1, [2_int64], torch_kFloat64, torch_kCPU, requires_grad=.true.)
    call torch_optim_Adam(optim, [weight])
    call backward_of_squares(weight)
    call torch_delete(weight)
    do i = 1, 3
      call optim%step(status)
      call check(status%ok(), 'step')
    end do
  end subroutine released_owner

  !> A model's parameters are stepped after the model's variable and those of the parameters are gone.
  subroutine released_model()
    real(real64), target :: x(1), y(1)
    type(torch_tensor) :: weights(1), input(1), output(1)
    type(torch_model) :: model, other
    type(torch_optim) :: optim

    call torch_model_load(model, model_file('scaling.pt'), torch_kCPU)
    x = 3
    call torch_tensor_from_array(input(1), x, torch_kCPU)
    call torch_tensor_from_array(output(1), y, torch_kCPU)
    call torch_model_parameters(model, weights)
    call torch_optim_SGD(optim, weights, 0.25_real64)
    call torch_model_forward(model, input, output, requires_grad=.true.)
    call torch_tensor_backward(output(1))
    other = model
    call torch_delete(weights)
    call torch_delete(model)
    call optim%step()
    call torch_model_forward(other, input, output)
    call check_close(y, 3 * (2 - 0.25_real64 * 3), 1.0e-6_real64, 'the model is trained')
  end subroutine released_model

  !> The variable is the result from then on; nobody would see the leaf's steps.
  subroutine assigned_result()
    real(real64), target :: w(2)
    type(torch_tensor) :: weight
    type(torch_optim) :: optim
    type(torch_status) :: status

    w = 1
    call torch_tensor_from_array(weight, w, torch_kCPU, requires_grad=.true.)
    call torch_optim_SGD(optim, [weight], 0.25_real64)
    call backward_of_squares(weight)
    weight = weight * weight
    w = 5
    call optim%step(status)
    call check_status(status, torch_invalid_argument, 'parameters(1) was assigned another value')
    call check_close(w, 5.0_real64, 0.0_real64, 'nothing is stepped')
  end subroutine assigned_result

  subroutine assigned_result_of_owner()
    type(torch_tensor) :: weight
    type(torch_optim) :: optim
    type(torch_status) :: status

    call torch_tensor_ones(weight, 1, [2_int64], torch_kFloat64, torch_kCPU, requires_grad=.true.)
    call torch_optim_SGD(optim, [weight], 0.25_real64)
    call backward_of_squares(weight)
    weight = weight * weight
    call optim%step(status)
    call check_status(status, torch_invalid_argument, 'parameters(1) was assigned another value')
  end subroutine assigned_result_of_owner

  !> Numbers written to a leaf leave it the leaf that the optimizer steps.
  subroutine assigned_numbers()
    real(real64), target :: w(2), x(2)
    type(torch_tensor) :: weight, numbers
    type(torch_optim) :: optim

    w = 1
    x = [4, 8]
    call torch_tensor_from_array(weight, w, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(numbers, x, torch_kCPU)
    call torch_optim_SGD(optim, [weight], 0.25_real64)
    weight = numbers
    call backward_of_squares(weight)
    call optim%step()
    call check_close(w, [2.0_real64, 4.0_real64], tight, 'the step')
    call torch_tensor_to(numbers, weight)
    call optim%zero_grad()
    call backward_of_squares(weight)
    call optim%step()
    call check_close(w, [2.0_real64, 4.0_real64], tight, 'the step after torch_tensor_to')
  end subroutine assigned_numbers

  subroutine zeroed()
    real(real64), target :: w(2)
    type(torch_tensor) :: weight
    type(torch_optim) :: optim

    w = 1
    call torch_tensor_from_array(weight, w, torch_kCPU, requires_grad=.true.)
    call torch_optim_SGD(optim, [weight], 0.25_real64)
    call backward_of_squares(weight)
    call torch_tensor_zero(weight)
    call optim%step()
    call check_close(w, -0.5_real64, tight, 'the step from zero')
  end subroutine zeroed

  !> The usual slip of truncated back-propagation: the state carries the graph of the old weight.
  subroutine backward_after_step()
    real(real64), target :: w(2), g(2)
    type(torch_tensor) :: weight, loss, gradient
    type(torch_optim) :: optims(4)
    type(torch_status) :: status
    integer :: i

    call torch_tensor_from_array(weight, w, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(gradient, g, torch_kCPU)
    call torch_optim_SGD(optims(1), [weight])
    call torch_optim_SGD(optims(2), [weight], momentum=0.5)
    call torch_optim_Adam(optims(3), [weight])
    call torch_optim_AdamW(optims(4), [weight])
    do i = 1, 4
      w = [1, 2]
      call torch_tensor_sum(loss, weight * weight)
      call torch_tensor_backward(loss, retain_graph=.true.)
      call optims(i)%step()
      call optims(i)%zero_grad()
      call torch_tensor_backward(loss, status=status)
      call check_status(status, torch_autograd_error, 'modified by an inplace operation')
      call check_status(status, torch_autograd_error, 'repeat the forward pass')
      call torch_tensor_get_gradient(gradient, weight, status)
      call check_status(status, torch_autograd_error, 'no gradient')
      call backward_of_squares(weight)
      call torch_tensor_get_gradient(gradient, weight)
      call check_close(g, 2 * w, tight, 'a graph of the new weight')
      call optims(i)%zero_grad()
    end do
  end subroutine backward_after_step

  !> A graph that saved no number of the weight does not mind the step.
  subroutine backward_before_step()
    real(real64), target :: w(2), g(2)
    type(torch_tensor) :: weight, loss, gradient
    type(torch_optim) :: optim

    w = [1, 2]
    call torch_tensor_from_array(weight, w, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(gradient, g, torch_kCPU)
    call torch_optim_SGD(optim, [weight], 0.25_real64)
    call torch_tensor_sum(loss, weight + weight)
    call torch_tensor_backward(loss, retain_graph=.true.)
    call optim%step()
    call torch_tensor_backward(loss)
    call torch_tensor_get_gradient(gradient, weight)
    call check_close(g, 4.0_real64, tight, 'two passes')
  end subroutine backward_before_step

  subroutine backward_through_model()
    real(real64), target :: x(1), y(1)
    type(torch_tensor) :: weights(1), input(1), output(1)
    type(torch_model) :: model
    type(torch_optim) :: optim
    type(torch_status) :: status

    call torch_model_load(model, model_file('scaling.pt'), torch_kCPU)
    x = 3
    call torch_tensor_from_array(input(1), x, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(output(1), y, torch_kCPU)
    call torch_model_parameters(model, weights)
    call torch_optim_Adam(optim, weights)
    call torch_model_forward(model, input, output, requires_grad=.true.)
    call torch_tensor_backward(output(1), retain_graph=.true.)
    call optim%step()
    call torch_tensor_backward(output(1), status=status)
    call check_status(status, torch_autograd_error, 'modified by an inplace operation')
  end subroutine backward_through_model

  !> Two leaves over one memory would be stepped twice.
  subroutine overlapping_leaves()
    real(real64), target :: w(4, 4)
    type(torch_tensor) :: weights(3)
    type(torch_optim) :: optim
    type(torch_status) :: status

    w = 1
    call torch_tensor_from_array(weights(1), w(:, 1), torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(weights(2), w(3, :), torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(weights(3), w(:2, 2), torch_kCPU, requires_grad=.true.)
    call torch_optim_SGD(optim, weights, status=status)
    call check_status(status, torch_invalid_argument, 'parameters(2) has memory in common with parameters(1)')
    call torch_optim_SGD(optim, weights([3, 1]), status=status)
    call check(status%ok(), 'two columns')
    call torch_tensor_from_array(weights(2), w(:, 1), torch_kCPU, requires_grad=.true.)
    call torch_optim_Adam(optim, weights(:2), status=status)
    call check_status(status, torch_invalid_argument, 'parameters(2) has memory in common with parameters(1)')
    call torch_tensor_from_array(weights(2), w, torch_kCPU, requires_grad=.true.)
    call torch_optim_AdamW(optim, weights(2:), status=status)
    call check_status(status, torch_invalid_argument, 'parameters(2) has memory in common with parameters(1)')
  end subroutine overlapping_leaves

  !> Arrays that LibTorch works on by way of a copy are no exception.
  subroutine arrays_with_copies()
    real(real64), target :: numbers(6)
    complex(real64), pointer :: w(:)
    type(torch_tensor) :: weights(2)
    type(torch_optim) :: optim
    type(torch_status) :: status
    integer :: i, first

    numbers = 1
    ! An address that is 8 more than a multiple of 16.
    first = merge(1, 2, modulo(transfer(c_loc(numbers), 0_c_intptr_t), 16_c_intptr_t) == 8)
    call c_f_pointer(c_loc(numbers(first)), w, [2])
    do i = 1, 2
      call torch_tensor_from_array(weights(i), w, torch_kCPU, requires_grad=.true.)
    end do
    call torch_optim_SGD(optim, weights, status=status)
    call check_status(status, torch_invalid_argument, 'parameters(2) has memory in common with parameters(1)')
    call torch_optim_SGD(optim, weights(2:), 0.25_real64)
    call optim%step()
    call torch_delete(weights(2))
    call optim%step(status)
    call check_status(status, torch_invalid_argument, 'parameters(1) was released')
  end subroutine arrays_with_copies

  !> Rows lie between one another but share nothing.
  subroutine rows_of_a_matrix()
    real(real64), target :: w(3, 4)
    type(torch_tensor) :: rows(3)
    type(torch_optim) :: optim
    integer :: i

    do i = 1, 3
      w(i, :) = i
      call torch_tensor_from_array(rows(i), w(i, :), torch_kCPU, requires_grad=.true.)
    end do
    call torch_optim_SGD(optim, rows, 0.25_real64)
    do i = 1, 3
      call backward_of_squares(rows(i))
    end do
    call optim%step()
    do i = 1, 3
      call check_close(w(i, :), i / 2.0_real64, tight, 'row')
    end do
  end subroutine rows_of_a_matrix

  !> Gradients of the sum of squares, added to what is there.
  subroutine backward_of_squares(weight)
    type(torch_tensor), intent(in) :: weight
    type(torch_tensor) :: loss

    call torch_tensor_sum(loss, weight * weight)
    call torch_tensor_backward(loss)
  end subroutine backward_of_squares

end module optim_memory_cases

program test_optim_memory
  use optim_memory_cases
  use testing, only: add_case, run_cases
  implicit none

  call add_case('released_array', released_array)
  call add_case('released_array_of_many', released_array_of_many)
  call add_case('released_section', released_section)
  call add_case('tensor_made_anew', tensor_made_anew)
  call add_case('released_owner', released_owner)
  call add_case('released_model', released_model)
  call add_case('assigned_result', assigned_result)
  call add_case('assigned_result_of_owner', assigned_result_of_owner)
  call add_case('assigned_numbers', assigned_numbers)
  call add_case('zeroed', zeroed)
  call add_case('backward_after_step', backward_after_step)
  call add_case('backward_before_step', backward_before_step)
  call add_case('backward_through_model', backward_through_model)
  call add_case('overlapping_leaves', overlapping_leaves)
  call add_case('arrays_with_copies', arrays_with_copies)
  call add_case('rows_of_a_matrix', rows_of_a_matrix)
  call run_cases()
end program test_optim_memory
