! SPDX-License-Identifier: MIT
!> Tensors made of numbers, random generators, numbers of tensors, and copies on devices.
module constructors_cases
  use, intrinsic :: ieee_arithmetic, only: ieee_is_nan
  use, intrinsic :: iso_c_binding, only: c_bool
  use, intrinsic :: iso_fortran_env, only: int8, int16, int32, int64, real32, real64
  use ftorch
  use recorder, only: last_error, record_errors
  use testing, only: check, check_close, check_equal, check_status
  implicit none
  private
  public :: filled, kinds, refused, random, generator_state, sequences, identity, items, to_device, leaves

  real(real64), parameter :: exact = 0

contains

  subroutine filled()
    type(torch_tensor) :: t
    real(real32) :: a(2, 3)

    call torch_tensor_full(t, 2, [2_int64, 3_int64], 2.5, torch_kFloat32, torch_kCPU)
    a = t
    call check_close(a, 2.5, 0.0, 'real32')
    call check(.not. t%requires_grad(), 'no leaf')
    call torch_tensor_full(t, 2, [2_int64, 3_int64], 1, torch_kFloat32, torch_kCPU, requires_grad=.true.)
    call check(t%requires_grad(), 'a leaf')
  end subroutine filled

  !> A value of every kind.
  subroutine kinds()
    type(torch_tensor) :: t
    integer(int64) :: large
    complex(real64) :: z
    logical(c_bool) :: flag
    integer(int16) :: small

    call torch_tensor_full(t, 0, [integer(int64) ::], 2_int64**53 + 1, torch_kInt64, torch_kCPU)
    large = t
    call check(large == 2_int64**53 + 1, 'an integer is not rounded')
    call torch_tensor_full(t, 0, [integer(int64) ::], (1.0_real64, -2.0_real64), torch_kComplexDouble, torch_kCPU)
    z = t
    call check_close(abs(z - (1.0_real64, -2.0_real64)), exact, exact, 'complex')
    call torch_tensor_full(t, 0, [integer(int64) ::], .true., torch_kBool, torch_kCPU)
    flag = t
    call check(logical(flag), 'logical')
    call torch_tensor_full(t, 0, [integer(int64) ::], logical(.true., c_bool), torch_kBool, torch_kCPU)
    call check_close(t%item(), 1.0_real64, exact, 'c_bool')
    call torch_tensor_full(t, 0, [integer(int64) ::], 300_int16, torch_kInt16, torch_kCPU)
    small = t
    call check_equal(int(small), 300, 'int16')
    call torch_tensor_full(t, 0, [integer(int64) ::], 5_int8, torch_kFloat64, torch_kCPU)
    call check_close(t%item(), 5.0_real64, exact, 'int8')
    call torch_tensor_full(t, 0, [integer(int64) ::], 0.1_real64, torch_kFloat64, torch_kCPU)
    call check_close(t%item(), 0.1_real64, exact, 'real64')
    call torch_tensor_full(t, 0, [integer(int64) ::], (3.0, 4.0), torch_kComplexFloat, torch_kCPU)
    call check_equal(t%get_dtype(), torch_kComplexFloat, 'complex of real32')
  end subroutine kinds

  subroutine refused()
    type(torch_tensor) :: t
    type(torch_status) :: status

    call torch_tensor_full(t, 1, [2_int64], 300, torch_kInt8, torch_kCPU, status=status)
    call check_status(status, torch_dtype_mismatch, 'torch_tensor_full: value is 300, which the dtype int8 cannot hold')
    call check(.not. associated_handle(t), 'empty')
    call torch_tensor_full(t, 1, [2_int64], 'text', torch_kInt8, torch_kCPU, status=status)
    call check_status(status, torch_invalid_argument, 'value is no number')
    call torch_tensor_full(t, 2, [2_int64], 1, torch_kInt8, torch_kCPU, status=status)
    call check_status(status, torch_invalid_argument, 'ndims is 2')
    call torch_tensor_rand(t, 1, [2_int64], torch_kInt32, torch_kCPU, status=status)
    call check_status(status, torch_dtype_mismatch, 'torch_tensor_rand: the dtype is int32')
    call torch_tensor_randn(t, 1, [2_int64], torch_kFloat32, torch_kCUDA, 99, status=status)
    call check_status(status, torch_device_unavailable, 'torch_tensor_randn')
    call torch_tensor_randint(t, 1, [2_int64], 5, 5, torch_kInt32, torch_kCPU, status=status)
    call check_status(status, torch_invalid_argument, 'low is 5 and high is 5')
    call torch_tensor_arange(t, 0, 5, 0, torch_kInt32, torch_kCPU, status=status)
    call check_status(status, torch_invalid_argument, 'step is 0')
    call torch_tensor_linspace(t, 0, 5, 2.5, torch_kFloat32, torch_kCPU, status=status)
    call check_status(status, torch_invalid_argument, 'steps is 2.5')
    call torch_tensor_eye(t, -1, torch_kFloat32, torch_kCPU, status=status)
    call check_status(status, torch_invalid_argument, 'negative extent')
    call torch_tensor_eye(t, 2, torch_kInt32, torch_kCPU, requires_grad=.true., status=status)
    call check_status(status, torch_dtype_mismatch, 'requires_grad')
    call check(.not. associated_handle(t), 'still empty')
  end subroutine refused

  function associated_handle(t) result(holds)
    use, intrinsic :: iso_c_binding, only: c_associated
    type(torch_tensor), intent(in) :: t
    logical :: holds

    holds = c_associated(t%p)
  end function associated_handle

  subroutine random()
    type(torch_tensor) :: t
    real(real64) :: x(1000), y(1000)
    integer(int32) :: n(1000)

    call torch_manual_seed(7)
    call torch_tensor_rand(t, 1, [1000_int64], torch_kFloat64, torch_kCPU)
    x = t
    call check(all(x >= 0 .and. x < 1), 'within [0, 1)')
    call torch_tensor_randn(t, 1, [1000_int64], torch_kFloat64, torch_kCPU)
    y = t
    call check_close(sum(y) / 1000, exact, 0.2_real64, 'mean')
    call check_close(sum(y**2) / 1000, 1.0_real64, 0.2_real64, 'variance')
    call torch_tensor_randint(t, 1, [1000_int64], -2, 3, torch_kInt32, torch_kCPU)
    n = t
    call check_equal(minval(n), -2, 'least')
    call check_equal(maxval(n), 2, 'high is no result')
    call torch_manual_seed(7_int64)
    call torch_tensor_rand(t, 1, [1000_int64], torch_kFloat64, torch_kCPU)
    y = t
    call check_close(y, x, exact, 'the same seed')
  end subroutine random

  subroutine generator_state()
    type(torch_tensor) :: t, state, kept
    type(torch_checkpoint) :: checkpoint
    type(torch_status) :: status
    real(real64) :: x(100), y(100)

    call torch_manual_seed(-3_int8)
    call torch_get_rng_state(state)
    call check_equal(state%get_dtype(), torch_kUInt8, 'bytes')
    call checkpoint%put('generator', state)
    call torch_tensor_randn(t, 1, [100_int64], torch_kFloat64, torch_kCPU)
    x = t
    call checkpoint%get('generator', kept)
    call torch_set_rng_state(kept)
    call torch_tensor_randn(t, 1, [100_int64], torch_kFloat64, torch_kCPU)
    y = t
    call check_close(y, x, exact, 'the state comes again')
    call torch_set_rng_state(t, status)
    call check_status(status, torch_dtype_mismatch, 'torch_set_rng_state: state has dtype float64')
    call torch_tensor_zeros(t, 1, [8_int64], torch_kUInt8, torch_kCPU)
    call torch_set_rng_state(t, status)
    call check(.not. status%ok(), 'another number of bytes')
    call torch_tensor_zeros(t, 1, [8_int64], torch_kFloat32, torch_kCPU)
    call torch_get_rng_state(t, status)
    call check(.not. status%ok(), 'a tensor of another shape')
  end subroutine generator_state

  subroutine sequences()
    type(torch_tensor) :: t
    integer(int64) :: n(5)
    integer(int32) :: m(3)
    real(real64) :: x(4), y(11)
    integer :: i

    call torch_tensor_arange(t, 0, 5, dtype=torch_kInt64, device_type=torch_kCPU)
    n = t
    call check_equal(n, [(int(i, int64), i=0, 4)], 'step 1')
    call torch_tensor_arange(t, 5_int8, -1, -2, torch_kInt32, torch_kCPU)
    m = t
    call check_equal(int(m, int64), [5_int64, 3_int64, 1_int64], 'step -2')
    call torch_tensor_arange(t, 0.0, 1.0_real64, 0.25, torch_kFloat64, torch_kCPU, requires_grad=.true.)
    x = t
    call check_close(x, [(0.25_real64 * i, i=0, 3)], exact, 'step 0.25')
    call check(t%requires_grad(), 'a leaf')
    call torch_tensor_linspace(t, -1, 1.0, 11, torch_kFloat64, torch_kCPU)
    y = t
    call check_close(y, [(-1 + 0.2_real64 * i, i=0, 10)], 1.0e-15_real64, 'linspace')
  end subroutine sequences

  subroutine identity()
    type(torch_tensor) :: t
    real(real32) :: a(3, 3), b(2, 4)

    call torch_tensor_eye(t, 3, torch_kFloat32, torch_kCPU)
    a = t
    call check_close([a], [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0], 0.0, 'square')
    call torch_tensor_eye(t, 2_int64, torch_kFloat32, torch_kCPU, m=4)
    b = t
    call check_close([b], [1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0], 0.0, 'wide')
  end subroutine identity

  subroutine items()
    type(torch_tensor) :: t
    real(real64), target :: x(1, 1)
    real(real64) :: number

    x = 0.1_real64
    call torch_tensor_from_array(t, x, torch_kCPU, requires_grad=.true.)
    call check_close(t%item(), 0.1_real64, exact, 'type-bound')
    number = torch_tensor_item(t * 2)
    call check_close(number, 0.2_real64, exact, 'of an expression')
    call record_errors()
    call torch_tensor_zeros(t, 1, [3_int64], torch_kFloat32, torch_kCPU)
    number = t%item()
    call check_equal(last_error%code, torch_shape_mismatch, 'three elements')
    call check(ieee_is_nan(number), 'no number')
    call torch_tensor_zeros(t, 0, [integer(int64) ::], torch_kComplexFloat, torch_kCPU)
    number = torch_tensor_item(t)
    call check_equal(last_error%code, torch_dtype_mismatch, 'complex')
    call torch_tensor_full(t, 0, [integer(int64) ::], 2_int64**60, torch_kInt64, torch_kCPU)
    number = t%item()
    call check(index(last_error%message, '2**53') > 0, 'would be rounded')
  end subroutine items

  subroutine to_device()
    type(torch_tensor) :: x, y, g
    type(torch_status) :: status
    real(real64), target :: xa(3), ga(3)

    xa = [1, 2, 3]
    call torch_tensor_from_array(x, xa, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(g, ga, torch_kCPU)
    y = torch_to_device(x * 2, torch_kCPU)
    call check_equal(y%get_device_type(), torch_kCPU, 'device')
    call torch_tensor_backward(y * y)
    call torch_tensor_get_gradient(g, x)
    call check_close(ga, 8 * xa, exact, 'gradient')
    call torch_tensor_to_device(y, x, torch_kCPU, 0)
    xa(1) = 5
    ga = y
    call check_close(ga, [1.0_real64, 2.0_real64, 3.0_real64], exact, 'a copy')
    call torch_tensor_to_device(y, x, torch_kCUDA, 99, status)
    call check_status(status, torch_device_unavailable, 'cuda device 99 was asked for')
    call torch_tensor_to_device(y, x, 77, status=status)
    call check_status(status, torch_invalid_argument, 'device type 77')
    call record_errors()
    y = torch_to_device(x, torch_kCUDA, 99)
    call check_equal(last_error%code, torch_device_unavailable, 'function')
    call check(index(last_error%message, 'torch_to_device') > 0, 'procedure')
  end subroutine to_device

  !> A random leaf takes part in a graph.
  subroutine leaves()
    type(torch_tensor) :: w, g, total
    real(real64) :: wa(4), ga(4)

    call torch_tensor_randn(w, 1, [4_int64], torch_kFloat64, torch_kCPU, requires_grad=.true.)
    call torch_tensor_sum(total, w * w)
    call torch_tensor_backward(total)
    call torch_tensor_get_gradient(g, w)
    wa = w
    ga = g
    call check_close(ga, 2 * wa, exact, 'gradient')
  end subroutine leaves

end module constructors_cases

program test_constructors
  use constructors_cases
  use testing, only: add_case, run_cases
  implicit none

  call add_case('filled', filled)
  call add_case('kinds', kinds)
  call add_case('refused', refused)
  call add_case('random', random)
  call add_case('generator_state', generator_state)
  call add_case('sequences', sequences)
  call add_case('identity', identity)
  call add_case('items', items)
  call add_case('to_device', to_device)
  call add_case('leaves', leaves)
  call run_cases()
end program test_constructors
