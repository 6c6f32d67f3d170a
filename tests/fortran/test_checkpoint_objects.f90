! SPDX-License-Identifier: MIT
!> Into what a checkpoint's states are got: tensors of each kind, and models.
module checkpoint_objects_cases
  use, intrinsic :: iso_fortran_env, only: int64, real64
  use ftorch
  use model_files, only: model_file
  use testing, only: check, check_close, check_equal, check_status
  implicit none
  private
  public :: copies_are_kept, into_empty, into_leaf, into_attached, into_result, into_other_shape, models
  public :: parameters_of_models, tensors_of_any_dtype, optimizers, schedulers

  real(real64), parameter :: exact = 0

contains

  subroutine copies_are_kept()
    type(torch_checkpoint) :: c
    type(torch_tensor) :: t
    real(real64), target :: a(2)

    a = [1, 2]
    call torch_tensor_from_array(t, a, torch_kCPU)
    call c%put('tensor', t)
    call c%put('array', a)
    a = 0
    call c%get('tensor', t)
    call check_close(a, [1.0_real64, 2.0_real64], exact, 'the array follows the tensor')
    a = 0
    call c%get('array', a)
    call check_close(a, [1.0_real64, 2.0_real64], exact, 'the array')
    a = 3
    call c%get('tensor', a)
    call check_close(a, [1.0_real64, 2.0_real64], exact, 'an array from a tensor')
  end subroutine copies_are_kept

  !> An empty tensor becomes one of its own.
  subroutine into_empty()
    type(torch_checkpoint) :: c
    type(torch_tensor) :: t, other
    real(real64) :: a(2)

    call c%put('x', [1.0_real64, 2.0_real64])
    call c%get('x', t)
    call check(.not. t%requires_grad(), 'requires_grad')
    call t%zero()
    call c%get('x', other)
    a = other
    call check_close(a, [1.0_real64, 2.0_real64], exact, 'what the checkpoint keeps')
    a = t
    call check_close(a, 0.0_real64, exact, 'what was got first')
  end subroutine into_empty

  !> A leaf stays one, keeps its gradient, and its optimizer goes on with it.
  subroutine into_leaf()
    type(torch_checkpoint) :: c
    type(torch_tensor) :: t, loss, gradient
    type(torch_optim) :: optim
    real(real64) :: a(2)

    call torch_tensor_ones(t, 1, [2_int64], torch_kFloat64, torch_kCPU, requires_grad=.true.)
    call torch_optim_SGD(optim, [t], learning_rate=1)
    call torch_tensor_sum(loss, 3 * t)
    call torch_tensor_backward(loss)
    call c%put('x', [5.0_real64, 6.0_real64])
    call c%get('x', t)
    call check(t%requires_grad(), 'a leaf')
    call torch_tensor_get_gradient(gradient, t)
    a = gradient
    call check_close(a, 3.0_real64, exact, 'the gradient stays')
    call optim%step()
    a = t
    call check_close(a, [2.0_real64, 3.0_real64], exact, 'after a step')
  end subroutine into_leaf

  !> The array of a leaf follows; a backward pass that needs the old numbers fails.
  subroutine into_attached()
    type(torch_checkpoint) :: c
    type(torch_tensor) :: t, square
    type(torch_status) :: status
    real(real64), target :: a(2)

    a = 1
    call torch_tensor_from_array(t, a, torch_kCPU, requires_grad=.true.)
    square = t * t
    call c%put('x', [5.0_real64, 6.0_real64])
    call c%get('x', t)
    call check_close(a, [5.0_real64, 6.0_real64], exact, 'the array')
    call torch_tensor_backward(square, t, status=status)
    call check_status(status, torch_autograd_error, 'modified by an inplace operation')
  end subroutine into_attached

  !> The value of a graph is replaced; the graph stays right.
  subroutine into_result()
    type(torch_checkpoint) :: c
    type(torch_tensor) :: w, y, z, loss, gradient
    real(real64) :: a(2)

    call torch_tensor_ones(w, 1, [2_int64], torch_kFloat64, torch_kCPU, requires_grad=.true.)
    y = 2 * w
    z = y * y
    call c%put('x', [5.0_real64, 6.0_real64])
    call c%get('x', y)
    call check(.not. y%requires_grad(), 'no graph')
    a = y
    call check_close(a, [5.0_real64, 6.0_real64], exact, 'the value')
    call torch_tensor_sum(loss, z)
    call torch_tensor_backward(loss)
    call torch_tensor_get_gradient(gradient, w)
    a = gradient
    call check_close(a, 8.0_real64, exact, 'the gradient of the old value')
  end subroutine into_result

  subroutine into_other_shape()
    type(torch_checkpoint) :: c
    type(torch_tensor) :: t
    type(torch_status) :: status
    real(real64), target :: a(2)

    a = 7
    call torch_tensor_from_array(t, a, torch_kCPU)
    call c%put('x', reshape([5.0_real64, 6.0_real64], [2, 1]))
    call c%get('x', t, status)
    call check_status(status, torch_shape_mismatch, "another shape: 'x' [2, 1] instead of [2]")
    call c%put('x', [5.0, 6.0])
    call c%get('x', t, status)
    call check_status(status, torch_dtype_mismatch, "another dtype: 'x' float32 instead of float64")
    call c%get('x', a, status)
    call check_status(status, torch_dtype_mismatch, "another dtype: 'x' float32 instead of float64")
    call check_close(a, 7.0_real64, exact, 'unchanged')
  end subroutine into_other_shape

  subroutine models()
    type(torch_checkpoint) :: c
    type(torch_model) :: model, other
    type(torch_tensor) :: parameters(6), saved(6)
    type(torch_status) :: status
    integer :: i

    call torch_model_load(model, model_file('mlp_float64.pt'), torch_kCPU)
    call torch_model_load(other, model_file('mlp_float32.pt'), torch_kCPU)
    call torch_model_parameters(model, parameters)
    saved = parameters
    call c%put('model', model)
    do i = 1, 6
      call parameters(i)%zero()
    end do
    call c%get('model', other, status)
    call check_status(status, torch_dtype_mismatch, "torch_checkpoint%get: 'model': another dtype: '0.weight' float64 ")
    call c%get('model', model)
    do i = 1, 6
      call check_tensors_equal(parameters(i), saved(i))
    end do
  end subroutine models

  !> Bit for bit, whatever the shape.
  subroutine check_tensors_equal(a, b)
    type(torch_tensor), intent(in) :: a, b
    type(torch_tensor) :: largest
    real(real64) :: value

    call torch_tensor_sum(largest, (a - b)**2)
    call torch_tensor_to_array(largest, value)
    call check_close(value, 0.0_real64, exact, 'difference')
  end subroutine check_tensors_equal

  !> A parameter got as a tensor is written in the model.
  subroutine parameters_of_models()
    type(torch_checkpoint) :: c
    type(torch_model) :: model
    type(torch_tensor) :: parameters(6), again(6)
    real(real64) :: bias(4)

    call torch_model_load(model, model_file('mlp_float64.pt'), torch_kCPU)
    call torch_model_parameters(model, parameters)
    call c%put('bias', [1.0_real64, 2.0_real64, 3.0_real64, 4.0_real64])
    call c%get('bias', parameters(6))
    call torch_model_parameters(model, again)
    bias = again(6)
    call check_close(bias, [1.0_real64, 2.0_real64, 3.0_real64, 4.0_real64], exact, 'bias')
    call check(parameters(6)%requires_grad(), 'requires_grad')
  end subroutine parameters_of_models

  subroutine tensors_of_any_dtype()
    type(torch_checkpoint) :: c
    type(torch_tensor) :: ones, t
    integer, parameter :: dtypes(3) = [torch_kUInt8, torch_kFloat16, torch_kBFloat16]
    integer :: i

    do i = 1, size(dtypes)
      call torch_tensor_ones(ones, 2, [2_int64, 3_int64], dtypes(i), torch_kCPU)
      call c%put('ones', ones)
      call torch_checkpoint_save(c, 'dtypes.safetensors')
      call torch_checkpoint_load(c, 'dtypes.safetensors')
      call torch_delete(t)
      call c%get('ones', t)
      call check_equal(t%get_dtype(), dtypes(i), 'dtype')
      call check_equal(t%get_shape(), [2_int64, 3_int64], 'shape')
    end do
  end subroutine tensors_of_any_dtype

  !> One step of `w`, whose gradient is 2.
  subroutine do_step(optim, w)
    type(torch_optim), intent(in) :: optim
    type(torch_tensor), intent(in) :: w
    type(torch_tensor) :: loss

    call optim%zero_grad()
    call torch_tensor_sum(loss, 2 * w)
    call torch_tensor_backward(loss)
    call optim%step()
  end subroutine do_step

  !> An optimizer keeps its parameters, over an array of the program; another kind, and other shapes, are refused.
  subroutine optimizers()
    type(torch_checkpoint) :: c
    type(torch_tensor) :: w, v(2)
    type(torch_optim) :: momentum, other
    type(torch_status) :: status
    real(real64), target :: a(2)

    a = 1
    call torch_tensor_from_array(w, a, torch_kCPU, requires_grad=.true.)
    call torch_optim_SGD(momentum, [w], learning_rate=1, momentum=0.5)
    call do_step(momentum, w)
    call check_close(a, -1.0_real64, exact, 'the first step')
    call c%put('w', w)
    call c%put('optimizer', momentum)
    call do_step(momentum, w)
    call check_close(a, -4.0_real64, exact, 'the second step')
    call do_step(momentum, w)
    call c%get('w', w)
    call c%get('optimizer', momentum)
    call do_step(momentum, w)
    call check_close(a, -4.0_real64, exact, 'the second step again')

    call torch_optim_Adam(other, [w], learning_rate=1)
    call c%get('optimizer', other, status)
    call check(.not. status%ok(), 'another kind of optimizer')
    call torch_tensor_ones(v(1), 1, [3_int64], torch_kFloat64, torch_kCPU, requires_grad=.true.)
    call torch_optim_SGD(other, v(1:1), learning_rate=1, momentum=0.5)
    call c%get('optimizer', other, status)
    call check_status(status, torch_shape_mismatch, "torch_checkpoint%get: 'optimizer': another shape: ")
    call torch_tensor_ones(v(2), 1, [2_int64], torch_kFloat64, torch_kCPU, requires_grad=.true.)
    call torch_optim_SGD(other, v, learning_rate=1, momentum=0.5)
    call c%get('optimizer', other, status)
    call check(.not. status%ok(), 'more parameters')
    call do_step(other, v(1))
    call torch_tensor_to_array(v(2), a)
    call check_close(a, 1.0_real64, exact, 'the other parameter')
  end subroutine optimizers

  !> A scheduler goes on from its step, and its optimizer from its learning rate.
  subroutine schedulers()
    type(torch_checkpoint) :: c
    type(torch_tensor) :: w
    type(torch_optim) :: optim
    type(torch_scheduler) :: scheduler, other
    type(torch_status) :: status
    integer :: i

    call torch_tensor_ones(w, 1, [2_int64], torch_kFloat64, torch_kCPU, requires_grad=.true.)
    call torch_optim_SGD(optim, [w], learning_rate=1)
    call torch_scheduler_StepLR(scheduler, optim, step_size=3, gamma=0.5)
    do i = 1, 5
      call do_step(optim, w)
      call scheduler%step()
      if (i == 2) call c%put('optimizer', optim)
      if (i == 2) call c%put('scheduler', scheduler)
    end do
    call check_close(optim%get_learning_rate(), 0.5_real64, exact, 'after five steps')
    call torch_checkpoint_save(c, 'scheduler.safetensors')
    call torch_checkpoint_load(c, 'scheduler.safetensors')
    call c%get('optimizer', optim)
    call c%get('scheduler', scheduler)
    call check_close(optim%get_learning_rate(), 1.0_real64, exact, 'after two steps')
    call do_step(optim, w)
    call scheduler%step()
    call check_close(optim%get_learning_rate(), 0.5_real64, exact, 'after three steps')
    call torch_scheduler_ExponentialLR(other, optim, gamma=0.5)
    call c%get('scheduler', other, status)
    call check(.not. status%ok(), 'another kind of scheduler')
    call c%get('optimizer', other, status)
    call check_status(status, torch_invalid_argument, "'optimizer' is of kind optimizer, not scheduler")
  end subroutine schedulers

end module checkpoint_objects_cases

program test_checkpoint_objects
  use checkpoint_objects_cases
  use testing, only: add_case, run_cases
  implicit none

  call add_case('copies_are_kept', copies_are_kept)
  call add_case('into_empty', into_empty)
  call add_case('into_leaf', into_leaf)
  call add_case('into_attached', into_attached)
  call add_case('into_result', into_result)
  call add_case('into_other_shape', into_other_shape)
  call add_case('models', models, 'models')
  call add_case('parameters_of_models', parameters_of_models, 'models')
  call add_case('tensors_of_any_dtype', tensors_of_any_dtype)
  call add_case('optimizers', optimizers)
  call add_case('schedulers', schedulers)
  call run_cases()
end program test_checkpoint_objects
