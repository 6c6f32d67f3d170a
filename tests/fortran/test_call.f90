! SPDX-License-Identifier: MIT
!> Operators of LibTorch by their names.
module call_cases
  use, intrinsic :: iso_c_binding, only: c_associated, c_bool
  use, intrinsic :: iso_fortran_env, only: int64, real32, real64
  use ftorch
  use testing, only: check, check_close, check_equal, check_status
  implicit none
  private
  public :: numbers, overloads, lists, texts, several, lists_of_results, results_that_are_numbers, no_result
  public :: gradients, views, views_of_expressions, written_results, random, expressions

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

  subroutine numbers()
    type(torch_tensor) :: x, y
    real(real64) :: got(4)
    real(real64), parameter :: values(4) = [-2.0_real64, 0.25_real64, 0.75_real64, 3.0_real64]

    x = vector(values)
    call torch_call(y, 'aten::clamp', [torch_argument(x), torch_argument(0.0), torch_argument(1)])
    got = y
    call check_close(got, min(max(values, exact), 1.0_real64), exact, 'both ends')
    call torch_call(y, 'clamp', [torch_argument(x), torch_argument(), torch_argument(0.5_real64)])
    got = y
    call check_close(got, min(values, 0.5_real64), exact, 'none and real64')
    call torch_call(y, 'clamp', [torch_argument(x), torch_argument(0_int64)])
    got = y
    call check_close(got, max(values, exact), exact, 'a default left out')
    call torch_call(y, 'aten::add', [torch_argument(x), torch_argument((0.0_real64, 1.0_real64))])
    call check_equal(y%get_dtype(), torch_kComplexDouble, 'complex')
  end subroutine numbers

  !> Keyword arguments of Python by position; a number where an overload wants a tensor.
  subroutine overloads()
    type(torch_tensor) :: x, y, z
    real(real64) :: got(2)

    x = vector([1.0_real64, 2.0_real64])
    y = vector([10.0_real64, 20.0_real64])
    call torch_call(z, 'aten::add.Tensor', [torch_argument(x), torch_argument(y), torch_argument(3)])
    got = z
    call check_close(got, [31.0_real64, 62.0_real64], exact, 'alpha')
    call torch_call(z, 'aten::atan2.default', [torch_argument(x), torch_argument(2.0)])
    got = z
    call check_close(got, atan2([1.0_real64, 2.0_real64], 2.0_real64), 1.0e-15_real64, 'a number as a tensor')
    call torch_call(z, '  aten::pow ', [torch_argument(2), torch_argument(x)])
    got = z
    call check_close(got, [2.0_real64, 4.0_real64], exact, 'a number first')
  end subroutine overloads

  subroutine lists()
    type(torch_tensor) :: x, y, z
    real(real64), target :: a(2, 3, 4)
    real(real64) :: sums(3), flipped(2, 3, 4), both(4), moved(4, 2, 3)
    integer :: i

    a = reshape([(real(i, real64), i=1, 24)], shape(a))
    call torch_tensor_from_array(x, a, torch_kCPU)
    call torch_call(y, 'aten::sum', [torch_argument(x), torch_argument([0, 2]), torch_argument(.false.)])
    sums = y
    call check_close(sums, sum(sum(a, 3), 1), exact, 'two dimensions')
    call torch_call(y, 'aten::flip', [torch_argument(x), torch_argument([2_int64])])
    flipped = y
    call check_close(flipped, a(:, :, 4:1:-1), exact, 'flip')
    call torch_call(y, 'aten::permute', [torch_argument(x), torch_argument([2, 0, 1])])
    moved = y
    call check_close(moved, reshape(a, [4, 2, 3], order=[2, 3, 1]), exact, 'permute')
    y = vector([1.0_real64, 2.0_real64])
    z = vector([3.0_real64, 4.0_real64])
    call torch_call(y, 'aten::cat', [torch_argument([y, z]), torch_argument(0)])
    both = y
    call check_close(both, [1.0_real64, 2.0_real64, 3.0_real64, 4.0_real64], exact, 'tensors')
    call torch_call(y, 'aten::sum', [torch_argument(x), torch_argument([1, 2]), torch_argument(logical(.true., c_bool)), &
                                     torch_argument(torch_kFloat32)])
    call check_equal(y%get_dtype(), torch_kFloat32, 'a dtype')
    call check_equal(y%get_shape(), [2_int64, 1_int64, 1_int64], 'keepdim')
  end subroutine lists

  subroutine texts()
    type(torch_tensor) :: a, b, c
    real(real64), target :: x(2, 3), y(3, 2)
    real(real64) :: got(2, 2)
    integer :: i

    x = reshape([(real(i, real64), i=1, 6)], shape(x))
    y = reshape([(real(i, real64), i=2, 7)], shape(y))
    call torch_tensor_from_array(a, x, torch_kCPU)
    call torch_tensor_from_array(b, y, torch_kCPU)
    call torch_call(c, 'einsum', [torch_argument('ij,jk->ik'), torch_argument([a, b])])
    got = c
    call check_close(got, matmul(x, y), exact, 'einsum')
    call torch_call(c, 'aten::div', [torch_argument(a), torch_argument(2), torch_argument('floor')])
    call check_close(sum(x), 21.0_real64, exact, 'unchanged')
    call torch_call(c, 'aten::zeros', [torch_argument([2, 2]), torch_argument(torch_kFloat64), torch_argument(), &
                                       torch_argument('cpu')])
    got = c
    call check_close(got, exact, exact, 'a device')
  end subroutine texts

  subroutine several()
    type(torch_tensor) :: x, outputs(2)
    real(real64), target :: values(2)
    integer(int64) :: places(2)

    x = vector([3.0_real64, 9.0_real64, 1.0_real64, 7.0_real64])
    call torch_tensor_from_array(outputs(1), values, torch_kCPU)
    call torch_call(outputs, 'aten::topk', [torch_argument(x), torch_argument(2)])
    places = outputs(2)
    call check_close(values, [9.0_real64, 7.0_real64], exact, 'into an array')
    call check_equal(places, [1_int64, 3_int64], 'into an empty tensor')
  end subroutine several

  subroutine lists_of_results()
    type(torch_tensor) :: x, parts(3)
    type(torch_status) :: status
    real(real64) :: pair(2), one(1)

    x = vector([1.0_real64, 2.0_real64, 3.0_real64, 4.0_real64, 5.0_real64])
    call torch_call(parts, 'aten::split', [torch_argument(x), torch_argument(2)])
    pair = parts(2)
    one = parts(3)
    call check_close(pair, [3.0_real64, 4.0_real64], exact, 'second')
    call check_close(one, 5.0_real64, exact, 'third')
    call parts(1)%zero()
    pair = parts(2)
    call check_close(pair, [3.0_real64, 4.0_real64], exact, 'memory of its own')
    call torch_call(parts(:2), 'aten::split', [torch_argument(x), torch_argument(2)], status)
    call check_status(status, torch_invalid_argument, 'returns 3 results, but outputs has 2 elements')
  end subroutine lists_of_results

  subroutine results_that_are_numbers()
    type(torch_tensor) :: x, n

    x = vector([1.5_real64])
    call torch_call(n, 'aten::item', [torch_argument(x)])
    call check_close(n%item(), 1.5_real64, exact, 'a real')
    call check_equal(n%get_dtype(), torch_kFloat64, 'dtype of a real')
    call torch_call(n, 'aten::size', [torch_argument(x), torch_argument(0)])
    call check_close(n%item(), 1.0_real64, exact, 'an integer')
    call check_equal(n%get_dtype(), torch_kInt64, 'dtype of an integer')
    call torch_call(n, 'aten::equal', [torch_argument(x), torch_argument(x)])
    call check_equal(n%get_dtype(), torch_kBool, 'dtype of a logical')
  end subroutine results_that_are_numbers

  !> A gradient that is not asked for is None.
  subroutine no_result()
    type(torch_tensor) :: x, w, g, outputs(3)
    type(torch_status) :: status
    real(real64), target :: kept(1)
    type(torch_argument) :: arguments(11)

    call torch_tensor_ones(x, 4, [1_int64, 1_int64, 3_int64, 3_int64], torch_kFloat64, torch_kCPU)
    call torch_tensor_ones(w, 4, [1_int64, 1_int64, 3_int64, 3_int64], torch_kFloat64, torch_kCPU)
    call torch_tensor_ones(g, 4, [1_int64, 1_int64, 1_int64, 1_int64], torch_kFloat64, torch_kCPU)
    arguments = [torch_argument(g), torch_argument(x), torch_argument(w), torch_argument(), torch_argument([1, 1]), &
                 torch_argument([0, 0]), torch_argument([1, 1]), torch_argument(.false.), torch_argument([0, 0]), &
                 torch_argument(1), torch_argument([.true., .false., .false.])]
    outputs(2) = x * 2
    call torch_call(outputs, 'aten::convolution_backward', arguments)
    call check(c_associated(outputs(1)%p), 'asked for')
    call check(.not. c_associated(outputs(2)%p), 'not asked for, and there before')
    call check(.not. c_associated(outputs(3)%p), 'not asked for')
    kept = -1
    call torch_tensor_from_array(outputs(3), kept, torch_kCPU)
    outputs(1) = w * 3
    call torch_call(outputs, 'aten::convolution_backward', arguments, status)
    call check_status(status, torch_invalid_argument, 'outputs(3): the operator returns no tensor')
    call torch_call(g, 'aten::sum', [torch_argument(outputs(1))])
    call check_close(g%item(), 27.0_real64, exact, 'nothing written')
  end subroutine no_result

  subroutine gradients()
    type(torch_tensor) :: x, y, g
    real(real64), target :: xa(3), ga(3)

    xa = [-1, 2, 3]
    call torch_tensor_from_array(x, xa, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(g, ga, torch_kCPU)
    call torch_call(y, 'aten::special_xlog1py', [torch_argument(x * x), torch_argument(x * x)])
    call torch_tensor_sum(y, y)
    call torch_tensor_backward(y)
    call torch_tensor_get_gradient(g, x)
    call check_close(ga, 2 * xa * (log(1 + xa**2) + xa**2 / (1 + xa**2)), 1.0e-14_real64, 'chain rule')
  end subroutine gradients

  !> What the operator returns as a view is a copy, and the graph has no memory of the program.
  subroutine views()
    type(torch_tensor) :: x, w, y, g
    real(real64), target :: xa(2, 3), wa(3, 2), ga(3, 2)
    real(real64) :: ya(3, 2)

    xa = reshape([1, 2, 3, 4, 5, 6], shape(xa))
    wa = 1
    call torch_tensor_from_array(x, xa, torch_kCPU)
    call torch_tensor_from_array(w, wa, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(g, ga, torch_kCPU)
    call torch_call(y, 'aten::t', [torch_argument(x)])
    xa(1, 1) = 100
    ya = y
    call check_close(ya(1, 1), 1.0_real64, exact, 'a copy')
    xa(1, 1) = 1
    call torch_call(y, 'aten::mul', [torch_argument(w), torch_argument(y)])
    call torch_call(y, 'aten::dropout', [torch_argument(y), torch_argument(0.5), torch_argument(.false.)])
    call torch_tensor_backward(y)
    call torch_tensor_get_gradient(g, w)
    call check_close(ga, transpose(xa), exact, 'gradient')
    call torch_tensor_from_array(x, xa, torch_kCPU, permute_dims=[2, 1])
    call torch_call(y, 'aten::mul', [torch_argument(w), torch_argument(x)])
    call torch_tensor_zero_grad(w)
    xa = -7
    call torch_tensor_backward(y)
    call torch_tensor_get_gradient(g, w)
    call check_close(ga(2, 1), 3.0_real64, exact, 'the array was written after the operation')
  end subroutine views

  subroutine views_of_expressions()
    type(torch_tensor) :: x, y, g
    real(real64), target :: xa(4), ga(4)
    real(real64) :: ya(2)

    xa = [1, 2, 3, 4]
    call torch_tensor_from_array(x, xa, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(g, ga, torch_kCPU)
    call torch_call(y, 'aten::slice', [torch_argument(x), torch_argument(0), torch_argument(1), torch_argument(3)])
    ya = y
    call check_close(ya, [2.0_real64, 3.0_real64], exact, 'slice')
    call torch_tensor_backward(y * y)
    call torch_tensor_get_gradient(g, x)
    call check_close(ga, [0.0_real64, 4.0_real64, 6.0_real64, 0.0_real64], exact, 'gradient')
  end subroutine views_of_expressions

  !> Into what there is, as any result; also over an argument.
  subroutine written_results()
    type(torch_tensor) :: x, y
    type(torch_status) :: status
    real(real64), target :: xa(2), wrong(3)
    real(real32), target :: narrow(2)

    xa = [4, 9]
    wrong = -1
    narrow = -1
    call torch_tensor_from_array(x, xa, torch_kCPU)
    call torch_call(x, 'sqrt', [torch_argument(x)])
    call check_close(xa, [2.0_real64, 3.0_real64], exact, 'over its argument')
    call torch_tensor_from_array(y, wrong, torch_kCPU)
    call torch_call(y, 'sqrt', [torch_argument(x)], status)
    call check_status(status, torch_shape_mismatch, 'torch_call: sqrt: outputs(1): the value has shape [2]')
    call check_close(wrong, -1.0_real64, exact, 'nothing written')
    call torch_tensor_from_array(y, narrow, torch_kCPU)
    call torch_call(y, 'sqrt', [torch_argument(x)], status)
    call check_status(status, torch_dtype_mismatch, 'float64')
    call check_close(narrow, -1.0, 0.0, 'nothing rounded')
  end subroutine written_results

  subroutine random()
    type(torch_tensor) :: x, y
    real(real64) :: a(100), b(100)

    call torch_tensor_ones(x, 1, [100_int64], torch_kFloat64, torch_kCPU)
    call torch_manual_seed(5)
    call torch_call(y, 'aten::dropout', [torch_argument(x), torch_argument(0.5), torch_argument(.true.)])
    a = y
    call torch_manual_seed(5)
    call torch_call(y, 'aten::dropout', [torch_argument(x), torch_argument(0.5), torch_argument(.true.)])
    b = y
    call check(any(a > 1) .and. any(a < 1), 'random')
    call check_close(b, a, exact, 'the same seed')
  end subroutine random

  function added(a, b) result(c)
    type(torch_tensor), intent(in) :: a, b
    type(torch_tensor) :: c

    call torch_call(c, 'add', [torch_argument(a), torch_argument(b)])
  end function added

  !> Temporaries live as long as the call.
  subroutine expressions()
    type(torch_tensor) :: x, y
    real(real64) :: got(2)
    integer :: i

    x = vector([1.0_real64, 2.0_real64])
    do i = 1, 3
      call torch_call(y, 'aten::add', [torch_argument(x * i), torch_argument(x + x * 2)])
      got = y
      call check_close(got, (i + 3) * [1.0_real64, 2.0_real64], exact, 'temporaries')
    end do
    call torch_call(y, 'aten::add', [torch_argument(vector([3.0_real64, 4.0_real64])), torch_argument(added(x, x * 2))])
    got = y
    call check_close(got, [6.0_real64, 10.0_real64], exact, 'functions, of which one calls an operator')
    call torch_call(y, 'aten::cat', [torch_argument([x * 2, x]), torch_argument(0)])
    call check_equal(y%get_shape(), [4_int64], 'an array of temporaries')
  end subroutine expressions

end module call_cases

program test_call
  use call_cases
  use testing, only: add_case, run_cases
  implicit none

  call add_case('numbers', numbers)
  call add_case('overloads', overloads)
  call add_case('lists', lists)
  call add_case('texts', texts)
  call add_case('several', several)
  call add_case('lists_of_results', lists_of_results)
  call add_case('results_that_are_numbers', results_that_are_numbers)
  call add_case('no_result', no_result)
  call add_case('gradients', gradients)
  call add_case('views', views)
  call add_case('views_of_expressions', views_of_expressions)
  call add_case('written_results', written_results)
  call add_case('random', random)
  call add_case('expressions', expressions)
  call run_cases()
end program test_call
