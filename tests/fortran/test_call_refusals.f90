! SPDX-License-Identifier: MIT
!> Operators by name that are refused: nothing is written.
module call_refusals_cases
  use, intrinsic :: iso_c_binding, only: c_associated
  use, intrinsic :: iso_fortran_env, only: int64, real64
  use ftorch
  use testing, only: check, check_close, check_equal, check_status
  implicit none
  private
  public :: names, wrong_arguments, wrong_outputs, one_array, writing
  public :: statistics, long_lists, kept

  real(real64), parameter :: exact = 0

contains

  function vector(values) result(t)
    real(real64), intent(in) :: values(:)
    type(torch_tensor) :: t
    real(real64), target :: array(size(values))
    type(torch_tensor) :: over

    array = values
    call torch_tensor_from_array(over, array, torch_kCPU)
    t = over * 1
  end function vector

  subroutine names()
    type(torch_tensor) :: x, y
    type(torch_status) :: status

    x = vector([3.0_real64])
    call torch_call(y, 'aten::clmp', [torch_argument(x)], status)
    call check_status(status, torch_invalid_argument, "no operator 'aten::clmp'")
    call check_status(status, torch_invalid_argument, 'aten::clamp')
    call torch_call(y, 'aten::clamp.Tensr', [torch_argument(x)], status)
    call check_status(status, torch_invalid_argument, "has no overload 'Tensr'; there are:")
    call check_status(status, torch_invalid_argument, 'aten::clamp.Tensor(Tensor self')
    call torch_call(y, '', [torch_argument(x)], status)
    call check_status(status, torch_invalid_argument, 'no operator')
    call torch_call(y, '::', [torch_argument(x)], status)
    call check_status(status, torch_invalid_argument, 'no operator')
    call torch_call(y, 'mine::own', [torch_argument(x)], status)
    call check_status(status, torch_invalid_argument, 'torch_load_library')
    call torch_call(y, 'aten::from_file', [torch_argument('/etc/passwd')], status)
    call check_status(status, torch_invalid_argument, 'more than compute with tensors')
    call torch_call(y, 'aten::_backward', [torch_argument(x), torch_argument([x])], status)
    call check_status(status, torch_invalid_argument, 'more than compute with tensors')
    call check(.not. c_associated(y%p), 'still empty')
  end subroutine names

  subroutine wrong_arguments()
    type(torch_tensor) :: x, y
    type(torch_status) :: status

    x = vector([3.0_real64])
    call torch_call(y, 'aten::exp', [torch_argument ::], status)
    call check_status(status, torch_invalid_argument, "argument 1, 'self', is missing")
    call torch_call(y, 'aten::exp', [torch_argument(x), torch_argument(1)], status)
    call check_status(status, torch_invalid_argument, '2 arguments are given, not at most 1')
    call torch_call(y, 'aten::exp', [torch_argument('x')], status)
    call check_status(status, torch_invalid_argument, "argument 1, 'self', is wrong: a value of type String is given, not Tensor")
    call torch_call(y, 'aten::exp', [torch_argument()], status)
    call check_status(status, torch_invalid_argument, 'a value of type None is given, not Tensor')
    call torch_call(y, 'aten::sum', [torch_argument(x), torch_argument([0.5, 1.0])], status)
    call check_status(status, torch_invalid_argument, "argument 2, 'dim', is wrong")
    call torch_call(y, 'aten::flip', [torch_argument(x), torch_argument([5])], status)
    call check_status(status, torch_shape_mismatch, 'torch_call: aten::flip: Dimension out of range')
    call torch_call(y, 'aten::to', [torch_argument(x), torch_argument(4711)], status)
    call check_status(status, torch_invalid_argument, '4711')
    call torch_call(y, 'aten::zeros', [torch_argument([2]), torch_argument(), torch_argument(), torch_argument('nowhere')], status)
    call check_status(status, torch_invalid_argument, "argument 4, 'device', is wrong")
    call check(.not. c_associated(y%p), 'still empty')
  end subroutine wrong_arguments

  subroutine wrong_outputs()
    type(torch_tensor) :: x, y(3), none(0)
    type(torch_status) :: status

    x = vector([3.0_real64, 1.0_real64])
    call torch_call(y, 'aten::exp', [torch_argument(x)], status)
    call check_status(status, torch_invalid_argument, 'returns 1 results, but outputs has 3 elements')
    call torch_call(none, 'aten::exp', [torch_argument(x)], status)
    call check_status(status, torch_invalid_argument, 'returns 1 results, but outputs has 0 elements')
    call check(.not. c_associated(y(1)%p), 'still empty')
  end subroutine wrong_outputs

  !> Two results over one array would be written over each other.
  subroutine one_array()
    real(real64), target :: line(6), x(2, 3)
    type(torch_tensor) :: outputs(2), a
    type(torch_status) :: status

    line = 7
    x = 1
    call torch_tensor_from_array(a, x, torch_kCPU)
    call torch_tensor_from_array(outputs(1), line(1:3), torch_kCPU)
    call torch_tensor_from_array(outputs(2), line(2:4), torch_kCPU)
    call torch_call(outputs, 'aten::unbind.int', [torch_argument(a)], status)
    call check_status(status, torch_invalid_argument, 'outputs(2): the tensor shares its memory with outputs(1)')
    call check_close(line, spread(7.0_real64, 1, 6), 0.0_real64, 'nothing was written')
  end subroutine one_array

  subroutine writing()
    type(torch_tensor) :: x, y
    type(torch_status) :: status
    real(real64) :: got(1)

    x = vector([3.0_real64])
    call torch_call(y, 'aten::add_', [torch_argument(x), torch_argument(1)], status)
    call check_status(status, torch_invalid_argument, "writes its arguments; call the form that returns its result")
    call torch_call(y, 'aten::add.out', [torch_argument(x), torch_argument(x), torch_argument(1), torch_argument(x)], status)
    call check_status(status, torch_invalid_argument, 'writes its arguments')
    got = x
    call check_close(got, 3.0_real64, exact, 'not written')
  end subroutine writing

  subroutine statistics()
    type(torch_tensor) :: x, mean, var, y
    type(torch_status) :: status
    type(torch_argument) :: arguments(9)
    real(real64) :: got(2)

    call torch_tensor_randn(x, 2, [5_int64, 2_int64], torch_kFloat64, torch_kCPU)
    call torch_tensor_zeros(mean, 1, [2_int64], torch_kFloat64, torch_kCPU)
    call torch_tensor_ones(var, 1, [2_int64], torch_kFloat64, torch_kCPU)
    arguments = [torch_argument(x), torch_argument(), torch_argument(), torch_argument(mean), torch_argument(var), &
                 torch_argument(.true.), torch_argument(0.1), torch_argument(1.0e-5), torch_argument(.false.)]
    call torch_call(y, 'aten::batch_norm', arguments, status)
    call check_status(status, torch_invalid_argument, "writes its argument 'running_mean' in training")
    got = mean
    call check_close(got, exact, exact, 'not written')
    arguments(6) = torch_argument(.false.)
    call torch_call(y, 'aten::batch_norm', arguments)
    call check_equal(y%get_shape(), [5_int64, 2_int64], 'in evaluation')
    arguments(4:6) = [torch_argument(), torch_argument(), torch_argument(.true.)]
    call torch_call(y, 'aten::batch_norm', arguments)
    call torch_call(y, 'aten::mean', [torch_argument(y), torch_argument([0])])
    got = y
    call check_close(got, exact, 1.0e-12_real64, 'in training without statistics')
  end subroutine statistics

  subroutine long_lists()
    type(torch_tensor) :: x, y, many(65)
    type(torch_status) :: status
    integer :: i

    x = vector([3.0_real64])
    call torch_call(y, 'aten::flip', [torch_argument(x), torch_argument([(0, i=1, 65)])], status)
    call check_status(status, torch_invalid_argument, 'torch_call: arguments(2) has 65 elements; a list has at most 64')
    call torch_call(y, 'einsum', [torch_argument(repeat('i', 513)), torch_argument([x])], status)
    call check_status(status, torch_invalid_argument, 'arguments(1) has 513 elements')
    do i = 1, 65
      many(i) = x * i
    end do
    call torch_call(y, 'aten::cat', [torch_argument(many(:64)), torch_argument(0)])
    call check_equal(y%get_shape(), [64_int64], 'as many as there may be')
  end subroutine long_lists

  !> Arguments that are kept name tensors, and hold no memory of theirs.
  subroutine kept()
    type(torch_tensor) :: x, y
    type(torch_status) :: status
    type(torch_argument) :: arguments(2)
    real(real64) :: got(1)

    x = vector([3.0_real64])
    arguments = [torch_argument(x), torch_argument(2)]
    call torch_call(y, 'mul', arguments)
    call torch_call(y, 'mul', arguments)
    got = y
    call check_close(got, 6.0_real64, exact, 'used twice')
    call torch_delete(x)
    call torch_call(y, 'mul', arguments, status)
    call check_status(status, torch_invalid_argument, 'arguments(1): the tensor was released')
    call torch_call(y, 'mul', [torch_argument(x), torch_argument(2)], status)
    call check_status(status, torch_invalid_argument, 'arguments(1): the tensor holds nothing')
    got = y
    call check_close(got, 6.0_real64, exact, 'nothing written')
  end subroutine kept

end module call_refusals_cases

program test_call_refusals
  use call_refusals_cases
  use testing, only: add_case, run_cases
  implicit none

  call add_case('names', names)
  call add_case('wrong_arguments', wrong_arguments)
  call add_case('wrong_outputs', wrong_outputs)
  call add_case('one_array', one_array)
  call add_case('writing', writing)
  call add_case('statistics', statistics)
  call add_case('long_lists', long_lists)
  call add_case('kept', kept)
  call run_cases()
end program test_call_refusals
