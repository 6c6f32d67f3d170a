! SPDX-License-Identifier: MIT
!> Sessions: a model bound to arrays once, whose runs read and write them.
module session_cases
  use, intrinsic :: iso_c_binding, only: c_associated
  use, intrinsic :: iso_fortran_env, only: int64, real32, real64
  use ftorch
  use model_files, only: model_file, model_numbers
  use testing, only: check, check_close, check_equal, check_status
  implicit none
  private
  public :: numbers, local_tensors, rebinding, every_kind, copies, warmup, refused, empty, long_run

  !> A component of a type of the program, as a model component has it.
  type :: closure
    type(torch_session) :: session
    real(real32) :: x(3), y(3)
  end type closure

  character(len=*), parameter :: forms(2) = [character(len=3) :: 'pt', 'pt2']

contains

  !> The results of PyTorch, for the numbers that the array has at each run.
  subroutine numbers()
    real(real32), target :: x(5, 8), y(5, 4)
    type(torch_tensor) :: input(1), output(1)
    type(torch_model) :: model
    type(torch_session) :: session
    integer :: i

    call torch_tensor_from_array(input(1), x, torch_kCPU)
    call torch_tensor_from_array(output(1), y, torch_kCPU)
    do i = 1, size(forms)
      x = 0
      y = 9
      call torch_model_load(model, model_file('mlp_float32.' // trim(forms(i))), torch_kCPU)
      call torch_session_create(session, model, input, output)
      call check_close(y, 9.0, 0.0, 'binding writes nothing')
      call torch_delete(model)
      x = reshape(real(model_numbers('mlp_float32.input1.txt'), real32), shape(x))
      call session%run()
      call check_close([y], real(model_numbers('mlp_float32.output.txt'), real32), 1.0e-6, trim(forms(i)))
      y = 0
      call torch_session_run(session)
      call check_close([y], real(model_numbers('mlp_float32.output.txt'), real32), 1.0e-6, 'again')
    end do
  end subroutine numbers

  subroutine bind_scaling(session, x, y)
    type(torch_session), intent(inout) :: session
    real(real32), intent(inout), target :: x(:), y(:)
    type(torch_tensor) :: input(1), output(1)
    type(torch_model) :: model

    call torch_model_load(model, model_file('scaling.pt'), torch_kCPU)
    call torch_tensor_from_array(input(1), x, torch_kCPU)
    call torch_tensor_from_array(output(1), y, torch_kCPU)
    call torch_session_create(session, model, input, output)
  end subroutine bind_scaling

  !> Tensors and model are gone before the first run.
  subroutine local_tensors()
    real(real32), target :: x(3), y(3)
    type(torch_session) :: session

    x = 0
    call bind_scaling(session, x, y)
    call check_equal([torch_live_tensors(), torch_live_sessions()], [0_int64, 1_int64], 'live objects')
    x = [1, 2, 3]
    call session%run()
    call check_close(y, 2*x, 0.0, 'twice')
    call torch_session_delete(session)
    call check_equal([torch_live_models(), torch_live_sessions()], [0_int64, 0_int64], 'live objects')
  end subroutine local_tensors

  !> Columns one after the other, other sizes, tensors.
  subroutine rebinding()
    real(real32), target :: x(3, 4), y(3, 4), longer(6), result(6)
    real(real32), pointer :: row(:)
    type(torch_tensor) :: tensor
    type(torch_session) :: session
    type(torch_status) :: status
    integer :: i

    call bind_scaling(session, x(:, 1), y(:, 1))
    x = reshape([(real(i), i=1, 12)], shape(x))
    y = 0
    do i = 1, 4
      call session%rebind(1, x(:, i))
      call session%rebind_output(1, y(:, i))
      call session%run()
    end do
    call check_close(y, 2*x, 0.0, 'columns')
    longer = 7
    call session%rebind(1, longer)
    call session%run(status)
    call check_status(status, torch_shape_mismatch, 'outputs(1)')
    call session%rebind_output(1, result)
    call session%run()
    call check_close(result, 14.0, 0.0, 'longer')
    row => x(2, :)
    call session%rebind(1, row)
    call torch_tensor_zeros(tensor, 1, [4_int64], torch_kFloat32, torch_kCPU)
    call session%rebind_output(1, tensor)
    call session%run()
    call torch_tensor_to_array(tensor, result(:4))
    call check_close(result(:4), 2*x(2, :), 0.0, 'a row, to a tensor')
    call session%rebind(2, longer, status)
    call check_status(status, torch_invalid_argument, 'i is 2; the session has 1 inputs')
    call session%rebind(1, x, status)
    call check_status(status, torch_shape_mismatch, '[3, 4]')
    nullify (row)
    call session%rebind(1, row, status)
    call check_status(status, torch_invalid_argument, 'not associated')
  end subroutine rebinding

  !> Numbers of double precision in rank 3, complex numbers, and a scalar.
  subroutine every_kind()
    real(real64), target :: x(2, 2, 2), y(2, 2, 2), number, result
    complex(real64), target :: z(2), w(2)
    type(torch_tensor) :: input(1), output(1)
    type(torch_model) :: model
    type(torch_session) :: session

    x = 1
    z = (1, 2)
    call torch_model_load(model, model_file('default_input.pt'), torch_kCPU)
    call torch_tensor_from_array(input(1), x, torch_kCPU)
    call torch_tensor_from_array(output(1), y, torch_kCPU)
    call torch_session_create(session, model, input, output)
    call session%run()
    call check_close([y], 3.0_real64, 0.0_real64, 'rank 3')
    call torch_tensor_from_array(input(1), z, torch_kCPU)
    call torch_tensor_from_array(output(1), w, torch_kCPU)
    call torch_session_create(session, model, input, output)
    z = [(2, 3), (4, 5)]
    call session%run()
    call check_close([w%re, w%im], [6, 12, 9, 15]*1.0_real64, 0.0_real64, 'complex')
    call torch_tensor_from_array(input(1), number, torch_kCPU)
    call torch_tensor_from_array(output(1), result, torch_kCPU)
    number = 0
    call torch_session_create(session, model, input, output)
    number = 5
    call session%run()
    call check_close(result, 15.0_real64, 0.0_real64, 'a scalar')
  end subroutine every_kind

  !> Variables share a session, in types of the program and arrays as well; the last one ends it.
  subroutine copies()
    type(closure), target :: first, second
    type(torch_session) :: several(2)
    type(torch_session), allocatable :: made

    call bind_scaling(first%session, first%x, first%y)
    second%session = first%session
    several = first%session
    allocate (made)
    made = several(2)
    call check_equal([torch_live_sessions()], [5_int64], 'handles')
    call torch_delete(first%session)
    call torch_delete(first%session)
    call check(.not. c_associated(first%session%p), 'deleted twice')
    first%x = 4
    call made%run()
    call check_close(first%y, 8.0, 0.0, 'the array that was bound')
    deallocate (made)
    several(1) = several(2)
    several(2) = several(2)
    first%x = 5
    call several(1)%run()
    call check_close(first%y, 10.0, 0.0, 'again')
    call torch_delete(several)
    call torch_delete(second%session)
    call check_equal([torch_live_sessions(), torch_live_models()], [0_int64, 0_int64], 'live objects')
  end subroutine copies

  subroutine warmup()
    real(real32), target :: x(5, 8), y(5, 4), wrong(5, 3)
    type(torch_tensor) :: input(1), output(1)
    type(torch_model) :: model
    type(torch_status) :: status

    x = 1
    y = 9
    call torch_model_load(model, model_file('mlp_float32.pt'), torch_kCPU)
    call torch_tensor_from_array(input(1), x, torch_kCPU)
    call torch_tensor_from_array(output(1), y, torch_kCPU)
    call torch_model_warmup(model, input, output, status)
    call check(status%ok(), 'warm')
    call check_close(y, 9.0, 0.0, 'nothing is written')
    call torch_tensor_from_array(output(1), wrong, torch_kCPU)
    call torch_model_warmup(model, input, output, status)
    call check_status(status, torch_shape_mismatch, 'outputs(1)')
  end subroutine warmup

  !> A session that could not be made is empty.
  subroutine refused()
    real(real32), target :: x(5, 8), y(5, 4), wrong(5, 3)
    type(torch_tensor) :: input(1), output(1), none(1)
    type(torch_model) :: model
    type(torch_session) :: session
    type(torch_status) :: status

    x = 1
    wrong = 9
    call torch_tensor_from_array(input(1), x, torch_kCPU)
    call torch_tensor_from_array(output(1), y, torch_kCPU)
    call torch_session_create(session, model, input, output, status)
    call check_status(status, torch_invalid_argument, 'the model')
    call torch_model_load(model, model_file('mlp_float32.pt'), torch_kCPU)
    call torch_session_create(session, model, none, output, status)
    call check_status(status, torch_invalid_argument, 'inputs(1)')
    call torch_session_create(session, model, input, output, -1, status)
    call check_status(status, torch_invalid_argument, 'number of threads is -1')
    call torch_session_create(session, model, input, output)
    call torch_tensor_from_array(output(1), wrong, torch_kCPU)
    call torch_session_create(session, model, input, output, status)
    call check_status(status, torch_shape_mismatch, 'outputs(1)')
    call check(.not. c_associated(session%p), 'the session is empty')
    call check_close(wrong, 9.0, 0.0, 'nothing is written')
  end subroutine refused

  subroutine empty()
    real(real32), target :: x(2)
    type(torch_session) :: session, copy
    type(torch_status) :: status

    call session%run(status)
    call check_status(status, torch_invalid_argument, 'the session holds nothing')
    call session%rebind(1, x, status)
    call check_status(status, torch_invalid_argument, 'the session holds nothing')
    copy = session
    call torch_delete(copy)
    call check(.not. c_associated(copy%p), 'a copy')
  end subroutine empty

  !> Thousands of runs and bindings leave nothing.
  subroutine long_run()
    real(real32), target :: x(5, 8), y(5, 4)
    type(torch_tensor) :: input(1), output(1)
    type(torch_model) :: model
    type(torch_session) :: session
    integer :: i

    x = 1
    call torch_model_load(model, model_file('mlp_float32.pt2'), torch_kCPU)
    do i = 1, 200
      call torch_tensor_from_array(input(1), x, torch_kCPU)
      call torch_tensor_from_array(output(1), y, torch_kCPU)
      call torch_session_create(session, model, input, output)
      call session%run()
    end do
    call check_equal([torch_live_sessions(), torch_live_tensors()], [1_int64, 2_int64], 'live objects')
  end subroutine long_run

end module session_cases

program test_session
  use session_cases
  use testing, only: add_case, run_cases
  implicit none

  call add_case('numbers', numbers, 'models')
  call add_case('local_tensors', local_tensors, 'models')
  call add_case('rebinding', rebinding, 'models')
  call add_case('every_kind', every_kind, 'models')
  call add_case('copies', copies, 'models')
  call add_case('warmup', warmup, 'models')
  call add_case('refused', refused, 'models')
  call add_case('empty', empty)
  call add_case('long_run', long_run, 'models')
  call run_cases()
end program test_session
