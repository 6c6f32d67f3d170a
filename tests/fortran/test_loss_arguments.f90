! SPDX-License-Identifier: MIT
!> Arguments of losses: tensors, whole numbers, their order; what is refused.
module loss_argument_cases
  use, intrinsic :: iso_fortran_env, only: int64, real32, real64
  use ftorch
  use model_files, only: model_file
  use testing, only: check, check_close, check_equal, check_status
  implicit none
  private
  public :: weighted_classes, orders_of_cross_entropy, binary, gaussian, cosine, class_numbers, wrong_order
  public :: tensors_that_hold_nothing, model_as_loss

  real(real64), parameter :: tight = 1.0e-14_real64

contains

  !> Weighted mean of the negative logarithms, without the sample that does not count.
  subroutine weighted_classes()
    real(real64), target :: logs(3, 2), weight(2), value
    integer(int64), target :: classes(3)
    type(torch_tensor) :: input, target, weights, loss

    logs = log(reshape([0.5_real64, 0.25_real64, 0.1_real64, 0.5_real64, 0.75_real64, 0.9_real64], [3, 2]))
    classes = [0, 1, 7]
    weight = [1, 3]
    call torch_tensor_from_array(input, logs, torch_kCPU)
    call torch_tensor_from_array(target, classes, torch_kCPU)
    call torch_tensor_from_array(weights, weight, torch_kCPU)
    call torch_tensor_from_array(loss, value, torch_kCPU)
    call torch_loss_nll(loss, input, target, weights, ignore_index=7_int64)
    call check_close(value, -(logs(1, 1) + 3*logs(2, 2))/4, tight, 'nll')
    call torch_loss_cross_entropy(loss, input, target, weight=weights, ignore_index=7)
    call check_close(value, -(logs(1, 1) + 3*logs(2, 2))/4, tight, 'cross entropy of logarithms')
  end subroutine weighted_classes

  !> `reduction_type` right after the target, as older programs have it, or after the arguments.
  subroutine orders_of_cross_entropy()
    real(real64), target :: logits(2, 3), weight(3), value, number
    integer(int64), target :: classes(2)
    type(torch_tensor) :: input, target, weights, loss, other

    logits = reshape([1, 2, 3, 5, 4, 6]*0.1_real64, [2, 3])
    classes = [2, 0]
    weight = 1
    call torch_tensor_from_array(input, logits, torch_kCPU)
    call torch_tensor_from_array(target, classes, torch_kCPU)
    call torch_tensor_from_array(weights, weight, torch_kCPU)
    call torch_tensor_from_array(loss, value, torch_kCPU)
    call torch_tensor_from_array(other, number, torch_kCPU)
    call torch_loss_cross_entropy(loss, input, target, torch_kSum)
    call torch_loss_cross_entropy(other, input, target, weights, -100, 0, torch_kSum)
    call check_close(value, number, tight, 'both orders')
    call torch_loss_cross_entropy(other, input, target, label_smoothing=0.5, reduction_type=torch_kSum)
    call check(abs(number - value) > 1e-3_real64, 'smoothed')
    call torch_loss_cross_entropy(other, input, target, reduction_type=torch_kMean)
    call check_close(number, value/2, tight, 'mean')
  end subroutine orders_of_cross_entropy

  subroutine binary()
    real(real64), target :: p(2), t(2), weight(1), value
    real(real64) :: expected(2)
    type(torch_tensor) :: input, target, weights, loss
    type(torch_status) :: status

    p = [0.25_real64, 0.9_real64]
    t = [1, 0]
    weight = 2
    expected = -(t*log(p) + (1 - t)*log(1 - p))
    call torch_tensor_from_array(input, p, torch_kCPU)
    call torch_tensor_from_array(target, t, torch_kCPU)
    call torch_tensor_from_array(weights, weight, torch_kCPU)
    call torch_tensor_from_array(loss, value, torch_kCPU)
    call torch_loss_bce(loss, input, target)
    call check_close(value, sum(expected)/2, tight, 'bce')
    call torch_loss_bce(loss, input, target, weights, torch_kSum)
    call check_close(value, 2*sum(expected), tight, 'weight')
    p = log(p/(1 - p))
    call torch_loss_bce_with_logits(loss, input, target)
    call check_close(value, sum(expected)/2, tight, 'logits')
    call torch_loss_bce_with_logits(loss, input, target, pos_weight=weights, reduction_type=torch_kSum)
    call check_close(value, 2*expected(1) + expected(2), tight, 'weight of the positive part')
    call torch_loss_bce(loss, input, target, status=status)
    call check_status(status, torch_invalid_argument, 'torch_loss_bce_with_logits takes any')
  end subroutine binary

  subroutine gaussian()
    real(real64), target :: x(2), t(2), v(2), value, gradient(2)
    type(torch_tensor) :: input, target, variance, loss, g

    x = [1, 2]
    t = [3, 2]
    v = [4.0_real64, 0.25_real64]
    call torch_tensor_from_array(input, x, torch_kCPU)
    call torch_tensor_from_array(target, t, torch_kCPU)
    call torch_tensor_from_array(variance, v, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(loss, value, torch_kCPU)
    call torch_loss_gaussian_nll(loss, input, target, variance, full=.true.)
    call check_close(value, sum(log(2*acos(-1.0_real64)*v) + (x - t)**2/v)/4, tight, 'value')
    call torch_tensor_backward(loss)
    call torch_tensor_from_array(g, gradient, torch_kCPU)
    call torch_tensor_get_gradient(g, variance)
    call check_close(gradient, (1/v - (x - t)**2/v**2)/4, tight, 'gradient of the variance')
  end subroutine gaussian

  subroutine cosine()
    real(real64), target :: x(2, 2), y(2, 2), t(2), values(2)
    type(torch_tensor) :: input, other, target, loss

    x = reshape([1, 3, 0, 4], [2, 2])
    y = reshape([1, 3, 1, 4], [2, 2])
    t = [1, -1]
    call torch_tensor_from_array(input, x, torch_kCPU)
    call torch_tensor_from_array(other, y, torch_kCPU)
    call torch_tensor_from_array(target, t, torch_kCPU)
    call torch_tensor_from_array(loss, values, torch_kCPU)
    call torch_loss_cosine_embedding(loss, input, target, other, 0.25_real64, torch_kNone)
    call check_close(values, [1 - sqrt(0.5_real64), 0.75_real64], 1e-12_real64, 'value')
  end subroutine cosine

  subroutine class_numbers()
    real(real32), target :: logits(2, 3)
    integer(int64), target :: classes(2)
    type(torch_tensor) :: input, target, loss
    type(torch_status) :: status

    logits = 0
    classes = [1, 3]
    call torch_tensor_from_array(input, logits, torch_kCPU)
    call torch_tensor_from_array(target, classes, torch_kCPU)
    call torch_loss_cross_entropy(loss, input, target, status=status)
    call check_status(status, torch_invalid_argument, 'class number 3; input_tensor has 3 classes, counted from 0')
    call torch_loss_cross_entropy(loss, input, target, ignore_index=3, status=status)
    call check(status%ok(), 'a number that does not count')
    call torch_loss_nll(loss, input, target, ignore_index=1.5, status=status)
    call check_status(status, torch_invalid_argument, 'ignore_index is 1.5')
    call torch_loss_nll(loss, input, target, ignore_index='3', status=status)
    call check_status(status, torch_invalid_argument, 'ignore_index is no integer')
  end subroutine class_numbers

  !> (output, target, loss), as other libraries have it.
  subroutine wrong_order()
    real(real32), target :: y(4, 3), t(4, 3), number
    type(torch_tensor) :: output, target, loss, empty
    type(torch_status) :: status

    y = 2
    t = 1
    call torch_tensor_from_array(output, y, torch_kCPU)
    call torch_tensor_from_array(target, t, torch_kCPU)
    call torch_tensor_from_array(loss, number, torch_kCPU)
    call torch_loss_mse(output, target, loss, status=status)
    call check_status(status, torch_shape_mismatch, 'the order of the arguments is loss_tensor, input_tensor, target_tensor')
    call torch_loss_mse(output, target, empty, status=status)
    call check_status(status, torch_invalid_argument, 'the order of the arguments is loss_tensor')
    call check_close(y, 2.0, 0.0, 'nothing is written')
    call torch_loss_mse(loss, output, target, status=status)
    call check(status%ok(), 'the right order')
    call check_close(number, 1.0, 0.0, 'its value')
  end subroutine wrong_order

  subroutine tensors_that_hold_nothing()
    real(real32), target :: x(2)
    type(torch_tensor) :: input, loss, empty
    type(torch_status) :: status

    x = 0.5
    call torch_tensor_from_array(input, x, torch_kCPU)
    call torch_loss_bce(loss, input, input, weight=empty, status=status)
    call check_status(status, torch_invalid_argument, 'torch_loss_bce: weight holds nothing')
    call torch_loss_gaussian_nll(loss, input, input, empty, status=status)
    call check_status(status, torch_invalid_argument, 'variance holds nothing')
  end subroutine tensors_that_hold_nothing

  !> Any model with two inputs and one number; its gradient is that of the formula.
  subroutine model_as_loss()
    real(real64), target :: x(2, 1), y(2, 1), number, gradient(2, 1)
    type(torch_model) :: model
    type(torch_tensor) :: input, target, loss(1), g

    x(:, 1) = [3, -1]
    y(:, 1) = [2, 4]
    call torch_model_load(model, model_file('relative_loss.pt'), torch_kCPU)
    call check_equal(torch_model_num_inputs(model), 2, 'inputs')
    call torch_tensor_from_array(input, x, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(target, y, torch_kCPU)
    call torch_tensor_from_array(loss(1), number, torch_kCPU)
    call torch_model_forward(model, [input, target], loss, requires_grad=.true.)
    call check_close(number, sum(((x - y)/y)**2)/2, tight, 'value')
    call torch_tensor_backward(loss(1))
    call torch_tensor_from_array(g, gradient, torch_kCPU)
    call torch_tensor_get_gradient(g, input)
    call check_close(gradient, (x - y)/y**2, tight, 'gradient')
  end subroutine model_as_loss

end module loss_argument_cases

program test_loss_arguments
  use loss_argument_cases
  use testing, only: add_case, run_cases
  implicit none

  call add_case('weighted_classes', weighted_classes)
  call add_case('orders_of_cross_entropy', orders_of_cross_entropy)
  call add_case('binary', binary)
  call add_case('gaussian', gaussian)
  call add_case('cosine', cosine)
  call add_case('class_numbers', class_numbers)
  call add_case('wrong_order', wrong_order)
  call add_case('tensors_that_hold_nothing', tensors_that_hold_nothing)
  call add_case('model_as_loss', model_as_loss, 'models')
  call run_cases()
end program test_loss_arguments
