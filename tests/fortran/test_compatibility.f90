! SPDX-License-Identifier: MIT
!> A program of the established API: every name, argument order and keyword of the compatible core.
module partial_imports
  use ftorch, only: assignment(=), operator(+), torch_tensor
  use ftorch_tensor, only: operator(*), torch_tensor_ones
  implicit none
  private
  public :: sum_and_product

contains

  !> c = a + b * a with the operators that these lines import.
  subroutine sum_and_product(a, b, c)
    type(torch_tensor), intent(in) :: a, b
    type(torch_tensor), intent(inout) :: c

    c = a + b * a
  end subroutine sum_and_product

end module partial_imports

module tensor_imports
  use ftorch_tensor, only: assignment(=), operator(+), operator(-), operator(*), operator(/), &
    operator(**), torch_tensor, torch_tensor_from_array
  use ftorch_model, only: torch_model, torch_model_load
  use ftorch_optim, only: torch_optim, torch_optim_SGD
  use ftorch_loss, only: torch_loss_mse
  use ftorch_types, only: ftorch_int, torch_kFloat32
  use ftorch_devices, only: torch_kCPU
  implicit none
  public
end module tensor_imports

module compatibility_cases
  use, intrinsic :: iso_c_binding, only: c_associated, c_int64_t, c_loc
  use, intrinsic :: iso_fortran_env, only: int8, int16, int32, int64, real32, real64
  use child_process, only: run_child
  use ftorch
  use ftorch_test_utils, only: allclose, isclose, test_print
  use model_files, only: model_file
  use partial_imports, only: sum_and_product
  use testing, only: check, check_equal
  implicit none
  private
  public :: constants, constructors, from_array, queries, operators, derivatives, model_calls
  public :: training, test_utils, imports, delete, print_all, print_child

contains

  subroutine constants()
    call check_equal([torch_kCPU, torch_kCUDA, torch_kHIP, torch_kXPU, torch_kMPS] + 0_int64, &
      [0_int64, 1_int64, 1_int64, 12_int64, 13_int64], 'devices')
    call check_equal([torch_kUInt8, torch_kInt8, torch_kInt16, torch_kInt32, torch_kInt64, &
      torch_kFloat16, torch_kFloat32, torch_kFloat64] + 0_int64, &
      [0_int64, 1_int64, 2_int64, 3_int64, 4_int64, 5_int64, 6_int64, 7_int64], 'dtypes')
    call check_equal([torch_kNone, torch_kMean, torch_kSum] + 0_int64, &
      [0_int64, 1_int64, 2_int64], 'reductions')
    call check_equal(ftorch_int, int32, 'ftorch_int')
  end subroutine constants

  subroutine constructors()
    type(torch_tensor) :: tensor
    integer, parameter :: ndims = 2
    integer(c_int64_t), dimension(ndims) :: tensor_shape = [2, 3]
    integer, parameter :: dtype = torch_kFloat32

    call torch_tensor_empty(tensor, ndims, tensor_shape, dtype, torch_kCPU)
    call torch_tensor_zeros(tensor, ndims, tensor_shape, dtype, torch_kCPU, device_index=-1, &
      requires_grad=.false.)
    call torch_tensor_ones(tensor, ndims, tensor_shape, dtype, torch_kCPU, -1, .true.)
    call check(c_associated(tensor%p), 'p')
    call check(tensor%requires_grad(), 'requires_grad')
  end subroutine constructors

  subroutine from_array()
    real(real32), dimension(2, 3), target :: in_data
    real(real64), dimension(:), allocatable, target :: line
    type(torch_tensor) :: tensor
    integer(ftorch_int), parameter :: tensor_layout(2) = [1, 2]
    integer(c_int64_t), parameter :: extents(2) = [2, 3]

    in_data = 1
    allocate (line(4))
    line = 1
    call torch_tensor_from_array(tensor, in_data, torch_kCPU)
    call torch_tensor_from_array(tensor, in_data, tensor_layout, torch_kCPU)
    call torch_tensor_from_array(tensor, in_data, tensor_layout, torch_kCPU, -1, .true.)
    call check(tensor%requires_grad(), 'with layout')
    call torch_tensor_from_array(tensor, in_data, torch_kCPU, device_index=-1, requires_grad=.true.)
    call check(tensor%requires_grad(), 'without layout')
    call torch_tensor_from_array(tensor, in_data, torch_kCPU, permute_dims=[2, 1])
    call check_equal(tensor%get_shape(), [3_int64, 2_int64], 'permute_dims')
    call torch_tensor_from_array(tensor, line, torch_kCPU)
    call check_equal(tensor%get_dtype(), torch_kFloat64, 'allocatable')
    call torch_tensor_from_blob(tensor, c_loc(in_data), 2, extents, tensor_layout, torch_kFloat32, &
      torch_kCPU)
    call torch_tensor_from_blob(tensor, c_loc(in_data), 2, extents, tensor_layout, torch_kFloat32, &
      torch_kCPU, -1, .true.)
    call check(tensor%requires_grad(), 'blob')
  end subroutine from_array

  subroutine queries()
    type(torch_tensor) :: tensor, target_tensor
    integer(c_int64_t), parameter :: extents(2) = [2, 3]

    call torch_tensor_ones(tensor, 2, extents, torch_kFloat32, torch_kCPU)
    call check_equal(tensor%get_rank() + torch_tensor_get_rank(tensor), 4, 'rank')
    call check_equal(int(tensor%get_shape(), int64), [2_int64, 3_int64], 'shape')
    call check_equal(int(torch_tensor_get_shape(tensor), int64), [2_int64, 3_int64], 'shape')
    call check_equal(size(tensor%get_stride()) + size(torch_tensor_get_stride(tensor)), 4, 'stride')
    call check_equal(tensor%get_dtype(), torch_tensor_get_dtype(tensor), 'dtype')
    call check_equal(tensor%get_device_type(), torch_tensor_get_device_type(tensor), 'device')
    call check_equal(tensor%get_device_index(), torch_tensor_get_device_index(tensor), 'index')
    call check(.not. tensor%requires_grad(), 'requires_grad')
    call check(.not. torch_tensor_requires_grad(tensor), 'torch_tensor_requires_grad')
    call torch_tensor_empty(target_tensor, 2, extents, torch_kFloat32, torch_kCPU)
    call torch_tensor_to(tensor, target_tensor)
    call torch_tensor_to(tensor, target_tensor, non_blocking=.false.)
    call torch_tensor_zero(tensor)
    call tensor%zero()
    call torch_tensor_zero_grad(tensor)
    call tensor%zero_grad()
  end subroutine queries

  subroutine operators()
    real(real32), dimension(2), target :: in_1 = [1.0, 2.0], in_2 = [3.0, 4.0], out_data
    type(torch_tensor) :: a, b, q

    call torch_tensor_from_array(a, in_1, torch_kCPU)
    call torch_tensor_from_array(b, in_2, torch_kCPU)
    call torch_tensor_from_array(q, out_data, torch_kCPU)
    q = a
    q = a + b
    q = a - b
    q = -a
    q = a * b
    q = 2.0 * a
    q = a * 2.0
    q = a / b
    q = a / 2.0
    q = a**2
    q = a**2_int8
    q = a**2_int16
    q = a**2_int64
    q = a**0.5
    q = a**0.5_real64
    q = 3.0 * (a**2 - b / 2.0)
    call check(allclose(out_data, 3 * (in_1**2 - in_2 / 2), test_name='operators', rtol=1e-6), 'q')
  end subroutine operators

  subroutine derivatives()
    real(real32), dimension(2), target :: in_data = [2.0, 3.0], external = [1.0, 1.0], gradient
    type(torch_tensor) :: a, q, external_gradient, dqda

    call torch_tensor_from_array(a, in_data, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(external_gradient, external, torch_kCPU)
    call torch_tensor_from_array(dqda, gradient, torch_kCPU)
    q = a * a
    call torch_tensor_backward(q, external_gradient)
    call torch_tensor_get_gradient(dqda, a)
    call check(allclose(gradient, 2 * in_data, 'external'), 'external gradient')
    call torch_tensor_zero_grad(a)
    q = a * a
    call torch_tensor_backward(q, external_gradient, retain_graph=.true.)
    call torch_tensor_backward(q, retain_graph=.true.)
    call torch_tensor_backward(q)
    call torch_tensor_get_gradient(dqda, a)
    call check(allclose(gradient, 6 * in_data, 'accumulated', print_result=.false.), 'three times')
    call torch_tensor_sum(q, a)
    call torch_tensor_mean(q, a)
    call check(q%requires_grad(), 'mean')
  end subroutine derivatives

  subroutine model_calls()
    type(torch_model) :: model
    type(torch_tensor), dimension(1) :: in_tensors, out_tensors, parameters
    real(real32), dimension(3), target :: in_data = [1.0, 2.0, 3.0], out_data

    call torch_tensor_from_array(in_tensors(1), in_data, torch_kCPU)
    call torch_tensor_from_array(out_tensors(1), out_data, torch_kCPU)
    call torch_model_load(model, model_file('scaling.pt'), torch_kCPU)
    call torch_model_load(model, model_file('scaling.pt'), torch_kCPU, device_index=-1, &
      requires_grad=.true., is_training=.false.)
    call torch_model_forward(model, in_tensors, out_tensors)
    call torch_model_forward(model, in_tensors, out_tensors, requires_grad=.true.)
    call check(allclose(out_data, 2 * in_data, test_name='forward'), 'my_net = 2*x')
    call check(.not. model%is_training(), 'is_training')
    call check(.not. torch_model_is_training(model), 'torch_model_is_training')
    call torch_model_parameters(model, parameters)
    call check(parameters(1)%requires_grad(), 'parameters')
    call torch_model_save(model, 'compatibility.pt')
    call torch_model_load(model, 'compatibility.pt', torch_kCPU)
    call torch_delete(in_tensors)
    call torch_delete(out_tensors)
    call torch_delete(model)
    call check(.not. c_associated(model%p), 'deleted')
  end subroutine model_calls

  subroutine training()
    type(torch_model) :: model
    type(torch_optim) :: optim
    type(torch_tensor) :: input(1), output(1), parameters(1), target, loss
    real(real32), dimension(4), target :: x = [1.0, 2.0, 3.0, 4.0], y, prediction
    real(real32), target :: loss_value(1)
    integer :: step

    y = 5 * x
    call torch_tensor_from_array(input(1), x, torch_kCPU)
    call torch_tensor_from_array(output(1), prediction, torch_kCPU)
    call torch_tensor_from_array(target, y, torch_kCPU)
    call torch_tensor_from_array(loss, loss_value, torch_kCPU)
    call torch_model_load(model, model_file('scaling.pt'), torch_kCPU, is_training=.true.)
    call torch_model_parameters(model, parameters)
    call torch_optim_Adam(optim, parameters, learning_rate=1e-3, beta_1=0.9, beta_2=0.999, &
      eps=1e-8, weight_decay=0.0, amsgrad=.false.)
    call torch_optim_AdamW(optim, parameters, learning_rate=1e-3, beta_1=0.9, beta_2=0.999, &
      eps=1e-8, weight_decay=1e-2, amsgrad=.true.)
    call torch_optim_SGD(optim, parameters, learning_rate=2e-2, momentum=0.0, weight_decay=0.0, &
      dampening=0.0, nesterov=.false.)
    do step = 1, 100
      call optim%zero_grad()
      call torch_model_forward(model, input, output, requires_grad=.true.)
      call torch_loss_mse(loss, output(1), target, reduction_type=torch_kMean)
      call torch_tensor_backward(loss)
      call optim%step()
    end do
    call torch_optim_zero_grad(optim)
    call torch_optim_step(optim)
    call check(loss_value(1) < 1e-6, 'loss')
    call check(allclose(prediction, y, test_name='training', rtol=1e-3), 'my_net = 5*x')
    call torch_loss_cross_entropy(loss, input(1), target)
    call torch_loss_cross_entropy(loss, input(1), target, torch_kSum)
    call torch_delete(optim)
  end subroutine training

  subroutine test_utils()
    real(real32) :: matrix(2, 2) = 1, cube(1, 1, 2) = 2

    call check(isclose(1.0, 1.0, 'equal'), 'equal')
    call check(isclose(1.0_real64, 1.001_real64, test_name='near', rtol=1e-2_real64), 'near')
    call check(.not. isclose(1.0, 1.1, 'far', print_result=.false.), 'far')
    call check(isclose(100.0, 100.01, 'relative', 1e-3, .false.), 'relative')
    call check(allclose([1.0, 2.0], [1.0, 2.0], 'rank 1'), 'rank 1')
    call check(allclose(matrix, matrix, 'rank 2'), 'rank 2')
    call check(allclose(cube, cube, 'rank 3'), 'rank 3')
    call check(.not. allclose([1.0, 2.0], [1.0, 2.1], 'far', print_result=.false.), 'one far')
    call test_print('name', 'message', .true.)
  end subroutine test_utils

  subroutine imports()
    use tensor_imports
    type(torch_tensor) :: a, b, c
    real(real32), target :: x(1) = 2, y(1) = 3, z(1)

    call torch_tensor_from_array(a, x, torch_kCPU)
    call torch_tensor_from_array(b, y, torch_kCPU)
    call torch_tensor_from_array(c, z, torch_kCPU)
    call sum_and_product(a, b, c)
    call check(isclose(z(1), 8.0, 'imports'), 'from two modules')
    c = (a - b) * a / b + a**2
    call check(isclose(z(1), -2.0 / 3 + 4, 'imports'), 'from one module')
  end subroutine imports

  subroutine delete()
    type(torch_tensor) :: tensor, tensors(2)
    type(torch_model) :: model
    type(torch_optim) :: optim
    integer :: i

    call torch_tensor_ones(tensor, 1, [2_int64], torch_kFloat32, torch_kCPU)
    do i = 1, 2
      call torch_tensor_ones(tensors(i), 1, [2_int64], torch_kFloat32, torch_kCPU)
    end do
    call torch_delete(tensor)
    call torch_delete(tensors)
    call torch_delete(model)
    call torch_delete(optim)
    call torch_tensor_delete(tensor)
    call torch_tensor_delete(tensors)
    call torch_model_delete(model)
    call torch_optim_delete(optim)
    call check(.not. (c_associated(tensor%p) .or. c_associated(tensors(2)%p)), 'p')
  end subroutine delete

  subroutine print_all()
    character(len=:), allocatable :: text
    integer :: exit_status

    call run_child('print_child', exit_status, text)
    call check_equal(exit_status, 0, 'exit status')
    call check(index(text, 'CPUFloatType{2}') > 0, text)
  end subroutine print_all

  subroutine print_child()
    type(torch_tensor) :: tensor
    type(torch_model) :: model

    call torch_tensor_ones(tensor, 1, [2_int64], torch_kFloat32, torch_kCPU)
    call torch_tensor_print(tensor)
    call tensor%print()
    call torch_model_load(model, model_file('scaling.pt'), torch_kCPU)
    call torch_model_print_parameters(model)
    call model%print_parameters()
    call check(.true., 'printed')
  end subroutine print_child

end module compatibility_cases

program test_compatibility
  use compatibility_cases
  use testing, only: add_case, run_cases
  implicit none

  call add_case('constants', constants, 'models')
  call add_case('constructors', constructors, 'models')
  call add_case('from_array', from_array, 'models')
  call add_case('queries', queries, 'models')
  call add_case('operators', operators, 'models')
  call add_case('derivatives', derivatives, 'models')
  call add_case('model_calls', model_calls, 'models')
  call add_case('training', training, 'models')
  call add_case('test_utils', test_utils, 'models')
  call add_case('imports', imports, 'models')
  call add_case('delete', delete, 'models')
  call add_case('print_all', print_all, 'models')
  call add_case('print_child', print_child, 'child')
  call run_cases()
end program test_compatibility
