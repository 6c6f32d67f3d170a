! SPDX-License-Identifier: MIT
!> Exported programs: the numbers and gradients of PyTorch, training as with TorchScript, and what is refused.
module exported_cases
  use, intrinsic :: iso_fortran_env, only: real32, real64
  use ftorch
  use model_files, only: model_file, model_numbers
  use testing, only: check, check_close, check_equal, check_status
  implicit none
  private
  public :: forward, strided, gradients, names, training, saved, state_of_torchscript
  public :: refused_files, refused_inputs, missing_library

contains

  subroutine forward()
    character(len=11), parameter :: files(2) = [character(len=11) :: 'mlp_float32', 'convolution']
    type(torch_model) :: model
    type(torch_tensor) :: x(1), y(1)
    real(real32), target :: xa(5, 8), ya(5, 4), xc(4, 2, 6), yc(4, 3, 6)

    xa = reshape(real(model_numbers('mlp_float32.input1.txt'), real32), shape(xa))
    call torch_tensor_from_array(x(1), xa, torch_kCPU)
    call torch_tensor_from_array(y(1), ya, torch_kCPU)
    call torch_model_load(model, model_file(trim(files(1)) // '.pt2'), torch_kCPU)
    call torch_model_forward(model, x, y)
    call check_close([ya], real(model_numbers('mlp_float32.output.txt'), real32), 1.0e-6, 'mlp')
    xc = reshape(real(model_numbers('convolution.input1.txt'), real32), shape(xc))
    call torch_tensor_from_array(x(1), xc, torch_kCPU)
    call torch_tensor_from_array(y(1), yc, torch_kCPU)
    call torch_model_load(model, model_file(trim(files(2)) // '.pt2'), torch_kCPU)
    call torch_model_forward(model, x, y)
    call check_close([yc], real(model_numbers('convolution.output.txt'), real32), 1.0e-6, 'convolution')
  end subroutine forward

  !> Input and output are sections, with the rows of the model last.
  subroutine strided()
    type(torch_model) :: model
    type(torch_tensor) :: x(1), y(1)
    real(real64), target :: xa(2, 8, 5), ya(4, 10)

    xa = 99
    ya = -1
    xa(2, :, :) = transpose(reshape(model_numbers('mlp_float64.input1.txt'), [5, 8]))
    call torch_tensor_from_array(x(1), xa(2, :, :), torch_kCPU, permute_dims=[2, 1])
    call torch_tensor_from_array(y(1), ya(:, ::2), torch_kCPU, permute_dims=[2, 1])
    call torch_model_load(model, model_file('mlp_float64.pt2'), torch_kCPU)
    call torch_model_forward(model, x, y)
    call check_close(ya(:, ::2), &
      transpose(reshape(model_numbers('mlp_float64.output.txt'), [5, 4])), 1.0e-14_real64, 'output')
    call check_close(ya(:, 2::2), -1.0_real64, 0.0_real64, 'beside the output')
  end subroutine strided

  !> Of the sum of all outputs.
  subroutine gradients()
    type(torch_model) :: model
    type(torch_tensor) :: x(1), y(1), gradient, parameters(6)
    real(real64), target :: xa(5, 8), ya(5, 4)
    real(real64) :: first(32, 8), last(4), of_input(5, 8)
    real(real64), parameter :: tolerance = 1.0e-13_real64

    xa = reshape(model_numbers('mlp_float64.input1.txt'), shape(xa))
    call torch_tensor_from_array(x(1), xa, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(y(1), ya, torch_kCPU)
    call torch_model_load(model, model_file('mlp_float64.pt2'), torch_kCPU)
    call torch_model_forward(model, x, y, requires_grad=.true.)
    call torch_tensor_backward(y(1))
    call torch_model_parameters(model, parameters)
    call torch_tensor_get_gradient(gradient, parameters(1))
    first = gradient
    call check_close([first], model_numbers('mlp_float64.gradient1.txt'), tolerance, 'first parameter')
    call torch_tensor_get_gradient(gradient, parameters(6))
    last = gradient
    call check_close(last, model_numbers('mlp_float64.gradient6.txt'), tolerance, 'last parameter')
    call torch_tensor_get_gradient(gradient, x(1))
    of_input = gradient
    call check_close([of_input], model_numbers('mlp_float64.input_gradient.txt'), tolerance, 'input')
  end subroutine gradients

  subroutine names()
    type(torch_model) :: model

    call torch_model_load(model, model_file('two_inputs.pt2'), torch_kCPU)
    call check_equal(torch_model_num_inputs(model), 2, 'inputs')
    call check_equal(torch_model_num_outputs(model), 1, 'outputs')
    call torch_model_load(model, model_file('mlp_float32.pt2'), torch_kCPU)
    call check_equal(torch_model_num_parameters(model), 6, 'parameters')
    call check(torch_model_parameter_name(model, 1) == '0.weight', 'name of the first parameter')
  end subroutine names

  !> Twenty steps of Adam end at the parameters that TorchScript gets.
  subroutine training()
    real(real32) :: exported(32, 8), scripted(32, 8)

    call train('mlp_float32.pt2', exported)
    call train('mlp_float32.pt', scripted)
    call check_close(exported, scripted, 1.0e-6, 'weights after training')
  end subroutine training

  subroutine train(name, weights, file)
    character(len=*), intent(in) :: name
    real(real32), intent(out) :: weights(32, 8)
    character(len=*), intent(in), optional :: file
    type(torch_model) :: model
    type(torch_tensor) :: x(1), y(1), target, loss, parameters(6)
    type(torch_optim) :: optim
    real(real32), target :: xa(16, 8), ya(16, 4), ta(16, 4), number
    real(real32) :: first
    integer :: i

    xa = reshape([(sin(real(i)), i=1, size(xa))], shape(xa))
    ta = xa(:, :4)*xa(:, 5:)
    call torch_model_load(model, model_file(name), torch_kCPU, is_training=.true.)
    call torch_model_parameters(model, parameters)
    call torch_optim_Adam(optim, parameters, learning_rate=0.01)
    call torch_tensor_from_array(x(1), xa, torch_kCPU)
    call torch_tensor_from_array(y(1), ya, torch_kCPU)
    call torch_tensor_from_array(target, ta, torch_kCPU)
    call torch_tensor_from_array(loss, number, torch_kCPU)
    first = 0
    do i = 1, 20
      call optim%zero_grad()
      call torch_model_forward(model, x, y, requires_grad=.true.)
      call torch_loss_mse(loss, y(1), target)
      if (i == 1) first = number
      call torch_tensor_backward(loss)
      call optim%step()
    end do
    call check(number < first, name // ' learns')
    call get_weights(model, weights)
    if (present(file)) call torch_model_save(model, file)
  end subroutine train

  subroutine get_weights(model, weights)
    type(torch_model), intent(in) :: model
    real(real32), intent(out) :: weights(32, 8)
    type(torch_tensor) :: weight

    call torch_model_get_parameter(weight, model, '0.weight')
    weights = weight
  end subroutine get_weights

  subroutine saved()
    character(len=*), parameter :: file = 'trained.pt2'
    type(torch_model) :: model
    real(real32) :: before(32, 8), after(32, 8)

    call train('mlp_float32.pt2', before, file)
    call torch_model_load(model, file, torch_kCPU)
    call get_weights(model, after)
    call check_close(after, before, 0.0, 'weights in the file')
    call delete_file(file)
  end subroutine saved

  !> The exported program of the same network takes it, from a file of state and from a checkpoint.
  subroutine state_of_torchscript()
    character(len=*), parameter :: file = 'scripted.pt', state = 'scripted.safetensors'
    type(torch_model) :: scripted, model
    type(torch_checkpoint) :: checkpoint
    real(real32) :: trained(32, 8), weights(32, 8)

    call train('mlp_float32.pt', trained, file)
    call torch_model_load(scripted, file, torch_kCPU)
    call torch_model_save_state(scripted, state)
    call torch_model_load(model, model_file('mlp_float32.pt2'), torch_kCPU)
    call torch_model_load_state(model, state)
    call get_weights(model, weights)
    call check_close(weights, trained, 0.0, 'from a file of state')
    call checkpoint%put('model', scripted)
    call torch_model_load(model, model_file('mlp_float32.pt2'), torch_kCPU)
    call checkpoint%get('model', model)
    call get_weights(model, weights)
    call check_close(weights, trained, 0.0, 'from a checkpoint')
    call delete_file(file)
    call delete_file(state)
  end subroutine state_of_torchscript

  subroutine delete_file(name)
    character(len=*), intent(in) :: name
    integer :: unit

    open (newunit=unit, file=name, status='old')
    close (unit, status='delete')
  end subroutine delete_file

  subroutine refused_files()
    type(torch_model) :: model
    type(torch_status) :: status

    call torch_model_load(model, model_file('truncated.pt2'), torch_kCPU, status=status)
    call check_status(status, torch_model_error, 'cut short')
    call torch_model_load(model, model_file('unknown_operator.pt2'), torch_kCPU, status=status)
    call check_status(status, torch_model_error, 'node tanh, torch.ops.lab.fold.default')
    call check_status(status, torch_model_error, 'not known')
  end subroutine refused_files

  subroutine refused_inputs()
    type(torch_model) :: model
    type(torch_tensor) :: x(2), y(1)
    type(torch_status) :: status
    real(real32), target :: short(5, 7), long(101, 8), wide(101, 4), ya(5, 4), row(8)
    real(real64), target :: double(5, 8)

    ya = -1
    call torch_model_load(model, model_file('mlp_float32.pt2'), torch_kCPU)
    call torch_tensor_from_array(y(1), ya, torch_kCPU)
    call torch_tensor_from_array(x(1), short, torch_kCPU)
    call torch_tensor_from_array(x(2), short, torch_kCPU)
    call torch_model_forward(model, x, y, status=status)
    call check_status(status, torch_invalid_argument, 'takes 1 input (input); 2 were given')
    call torch_model_forward(model, x(:1), y, status=status)
    call check_status(status, torch_shape_mismatch, 'input_tensors(1), input: dimension 2 is 7; the model takes 8')
    call torch_tensor_from_array(x(1), row, torch_kCPU)
    call torch_model_forward(model, x(:1), y, status=status)
    call check_status(status, torch_shape_mismatch, 'the tensor has 1 dimension; the model takes 2')
    call torch_tensor_from_array(x(1), double, torch_kCPU)
    call torch_model_forward(model, x(:1), y, status=status)
    call check_status(status, torch_dtype_mismatch, 'the tensor is float64; the model takes float32')
    call check_close(ya, -1.0, 0.0, 'the output')
    call torch_tensor_from_array(x(1), long, torch_kCPU)
    call torch_tensor_from_array(y(1), wide, torch_kCPU)
    call torch_model_forward(model, x(:1), y, status=status)
    call check_status(status, torch_shape_mismatch, 'dimension 1 is 101; the model takes 0 to 100')
  end subroutine refused_inputs

  subroutine missing_library()
    type(torch_status) :: status

    call torch_load_library('no_such_folder/extension.so', status)
    call check_status(status, torch_io_error, "library 'no_such_folder/extension.so'")
    call torch_load_library('  ', status)
    call check_status(status, torch_invalid_argument, 'the name is empty')
  end subroutine missing_library

end module exported_cases

program test_exported
  use exported_cases
  use testing, only: add_case, run_cases
  implicit none

  call add_case('forward', forward, 'models')
  call add_case('strided', strided, 'models')
  call add_case('gradients', gradients, 'models')
  call add_case('names', names, 'models')
  call add_case('training', training, 'models')
  call add_case('saved', saved, 'models')
  call add_case('state_of_torchscript', state_of_torchscript, 'models')
  call add_case('refused_files', refused_files, 'models')
  call add_case('refused_inputs', refused_inputs, 'models')
  call add_case('missing_library', missing_library)
  call run_cases()
end program test_exported
