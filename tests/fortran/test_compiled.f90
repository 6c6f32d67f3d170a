! SPDX-License-Identifier: MIT
!> Packages of AOTInductor: the numbers of PyTorch, checked inputs, weights that are replaced and shared.
module compiled_cases
  use, intrinsic :: iso_fortran_env, only: int64, real32, real64
  use ftorch
  use model_files, only: model_file, model_numbers
  use testing, only: check, check_close, check_equal, check_status, skip
  implicit none
  private
  public :: forward, batches, strided, refused, trained, replaced

contains

  subroutine load(model)
    type(torch_model), intent(inout) :: model
    logical :: is_there

    inquire (file=model_file('mlp_float32_compiled.pt2'), exist=is_there)
    if (.not. is_there) call skip('make_models.py could not compile a package')
    call torch_model_load(model, model_file('mlp_float32_compiled.pt2'), torch_kCPU)
  end subroutine load

  subroutine forward()
    type(torch_model) :: model
    type(torch_tensor) :: x(1), y(1)
    real(real32), target :: xa(5, 8), ya(5, 4)

    call load(model)
    xa = reshape(real(model_numbers('mlp_float32.input1.txt'), real32), shape(xa))
    call torch_tensor_from_array(x(1), xa, torch_kCPU)
    call torch_tensor_from_array(y(1), ya, torch_kCPU)
    call torch_model_forward(model, x, y)
    call check_close([ya], real(model_numbers('mlp_float32.output.txt'), real32), 1.0e-6, 'output')
    call check_equal(torch_model_num_inputs(model), 1, 'inputs')
    call check_equal(torch_model_num_parameters(model), 6, 'parameters')
    call check(torch_model_parameter_name(model, 1) == '0.weight', 'name of the first parameter')
    call check(.not. torch_model_is_training(model), 'mode')
  end subroutine forward

  !> No row, one row, and as many as there may be.
  subroutine batches()
    integer, parameter :: sizes(4) = [0, 1, 2, 100]
    type(torch_model) :: model, exported
    type(torch_tensor) :: x, y, z
    real(real32), allocatable, target :: xa(:, :), ya(:, :), za(:, :)
    integer :: i

    call load(model)
    call torch_model_load(exported, model_file('mlp_float32.pt2'), torch_kCPU)
    do i = 1, size(sizes)
      call torch_delete(x)
      call torch_delete(y)
      call torch_delete(z)
      if (allocated(xa)) deallocate (xa, ya, za)
      allocate (xa(sizes(i), 8), ya(sizes(i), 4), za(sizes(i), 4))
      call random_number(xa)
      call torch_tensor_from_array(x, xa, torch_kCPU)
      call torch_tensor_from_array(y, ya, torch_kCPU)
      call torch_tensor_from_array(z, za, torch_kCPU)
      call torch_model_forward(model, x, y)
      call torch_model_forward(exported, x, z)
      call check_close([ya], [za], 1.0e-6, 'output')
    end do
  end subroutine batches

  !> Sections with the rows of the model last: other strides than those that were compiled.
  subroutine strided()
    type(torch_model) :: model
    type(torch_tensor) :: x(1), y(1)
    real(real32), target :: xa(2, 8, 5), ya(4, 10)

    call load(model)
    xa = 99
    ya = -1
    xa(2, :, :) = transpose(reshape(real(model_numbers('mlp_float32.input1.txt'), real32), [5, 8]))
    call torch_tensor_from_array(x(1), xa(2, :, :), torch_kCPU, permute_dims=[2, 1])
    call torch_tensor_from_array(y(1), ya(:, ::2), torch_kCPU, permute_dims=[2, 1])
    call torch_model_forward(model, x, y)
    call check_close([ya(:, ::2)], &
      [transpose(reshape(real(model_numbers('mlp_float32.output.txt'), real32), [5, 4]))], 1.0e-6, 'output')
    call check_close([ya(:, 2::2)], spread(-1.0, 1, 20), 0.0, 'beside the output')
  end subroutine strided

  subroutine refused()
    type(torch_model) :: model, other
    type(torch_tensor) :: x, y
    type(torch_status) :: status
    real(real32), target :: ya(5, 4), wrong_size(5, 7), right(5, 8), many(101, 8), one_rank(8)
    real(real64), target :: wrong_dtype(5, 8)

    call load(model)
    ya = 7
    wrong_dtype = 0
    right = 0
    call torch_tensor_from_array(y, ya, torch_kCPU)
    call torch_tensor_from_array(x, wrong_size, torch_kCPU)
    call torch_model_forward(model, x, y, status=status)
    call check_status(status, torch_shape_mismatch, 'dimension 2 is 7; the model takes 8')
    call torch_delete(x)
    call torch_tensor_from_array(x, many, torch_kCPU)
    call torch_model_forward(model, x, y, status=status)
    call check_status(status, torch_shape_mismatch, 'dimension 1 is 101; the model takes 0 to 100')
    call torch_delete(x)
    call torch_tensor_from_array(x, one_rank, torch_kCPU)
    call torch_model_forward(model, x, y, status=status)
    call check_status(status, torch_shape_mismatch, 'the tensor has 1 dimension; the model takes 2')
    call torch_delete(x)
    call torch_tensor_from_array(x, wrong_dtype, torch_kCPU)
    call torch_model_forward(model, x, y, status=status)
    call check_status(status, torch_dtype_mismatch, 'the tensor is float64; the model takes float32')
    call torch_delete(x)
    call torch_tensor_from_array(x, right, torch_kCPU, requires_grad=.true.)
    call torch_model_forward(model, x, y, requires_grad=.true., status=status)
    call check_status(status, torch_autograd_error, 'has no gradients')
    call check_close([ya], spread(7.0, 1, 20), 0.0, 'the output')
    call torch_model_load(other, model_file('mlp_float32_compiled.pt2'), torch_kCPU, is_training=.true., &
      status=status)
    call check_status(status, torch_model_error, 'compiled in evaluation mode')
    call torch_model_save(model, 'compiled_again.pt2', status)
    call check_status(status, torch_model_error, 'torch_model_save_state')
    call torch_model_load(other, model_file('mlp_float64.pt2'), torch_kCPU)
    call torch_model_share_state(model, other, status)
    call check_status(status, torch_shape_mismatch, 'float64')
    call torch_model_share_state(other, model, status)
    call check_status(status, torch_model_error, 'no package of AOTInductor')
  end subroutine refused

  !> Each step of an optimizer is seen at the next pass.
  subroutine trained()
    type(torch_model) :: model, training
    type(torch_tensor) :: x, y, z, loss, parameters(6)
    type(torch_optim) :: optim
    real(real32), target :: xa(5, 8), ya(5, 4), za(5, 4), number
    real(real32) :: before(5, 4)
    integer :: i

    call load(model)
    call torch_model_load(training, model_file('mlp_float32.pt2'), torch_kCPU)
    call torch_model_share_state(model, training)
    call torch_model_parameters(training, parameters)
    call torch_optim_Adam(optim, parameters, learning_rate=0.01_real64)
    xa = reshape(real(model_numbers('mlp_float32.input1.txt'), real32), shape(xa))
    call torch_tensor_from_array(x, xa, torch_kCPU)
    call torch_tensor_from_array(y, ya, torch_kCPU)
    call torch_tensor_from_array(z, za, torch_kCPU)
    call torch_tensor_from_array(loss, number, torch_kCPU)
    do i = 1, 3
      before = ya
      call optim%zero_grad()
      call torch_model_forward(training, x, z, requires_grad=.true.)
      call torch_tensor_mean(loss, z)
      call torch_tensor_backward(loss)
      call optim%step()
      call torch_model_forward(model, x, y)
      call torch_model_forward(training, x, z)
      call check_close([ya], [za], 1.0e-6, 'output after a step')
      call check(any(abs(ya - before) > 1.0e-4), 'the step changes the output')
    end do
  end subroutine trained

  subroutine replaced()
    type(torch_model) :: model, other
    type(torch_tensor) :: x, y, z, bias, values
    real(real32), target :: xa(5, 8), ya(5, 4), za(5, 4), va(4)

    call load(model)
    call torch_model_load(other, model_file('mlp_float32.pt2'), torch_kCPU)
    call torch_model_get_parameter(bias, other, '4.bias')
    va = [1.0, 2.0, 3.0, 4.0]
    call torch_tensor_from_array(values, va, torch_kCPU)
    bias = values
    call torch_model_save_state(other, 'compiled_state.safetensors')
    call torch_model_load_state(model, 'compiled_state.safetensors')
    xa = 0.5
    call torch_tensor_from_array(x, xa, torch_kCPU)
    call torch_tensor_from_array(y, ya, torch_kCPU)
    call torch_tensor_from_array(z, za, torch_kCPU)
    call torch_model_forward(model, x, y)
    call torch_model_forward(other, x, z)
    call check_close([ya], [za], 1.0e-6, 'output')
  end subroutine replaced

end module compiled_cases

program test_compiled
  use compiled_cases
  use testing, only: add_case, run_cases
  implicit none

  call add_case('forward', forward, 'models')
  call add_case('batches', batches, 'models')
  call add_case('strided', strided, 'models')
  call add_case('refused', refused, 'models')
  call add_case('trained', trained, 'models')
  call add_case('replaced', replaced, 'models')
  call run_cases()
end program test_compiled
