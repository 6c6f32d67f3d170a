! SPDX-License-Identifier: MIT
!> Writing into a part of a tensor, in the graph.
module set_slice_cases
  use, intrinsic :: iso_fortran_env, only: int64, real32, real64
  use ftorch
  use model_files, only: model_file
  use testing, only: check, check_close, check_equal, check_status
  implicit none
  private
  public :: arrays, as_fortran, gradients, loop, fill, dtypes, aliases, empty_sections, leaves, parameters, refused

  real(real64), parameter :: exact = 0

contains

  subroutine arrays()
    type(torch_tensor) :: x, v
    real(real64), target :: xa(4, 3), va(2, 3)
    type(torch_status) :: status
    real(real64) :: expected(4, 3)

    xa = 1
    va = reshape([1, 2, 3, 4, 5, 6], shape(va))
    expected = xa
    expected(2:3, :) = va
    call torch_tensor_from_array(x, xa, torch_kCPU)
    call torch_tensor_from_array(v, va, torch_kCPU)
    call torch_tensor_set_slice(x, 1, 2, 3, v)
    call check_close(xa, expected, exact, 'the array is written')
    va = -1
    call check_close(xa, expected, exact, 'a copy')
    call torch_tensor_set_slice(x, 2, 3_int64, 3_int64, x * 0, status)
    call check_status(status, torch_shape_mismatch, 'the section has shape [4, 1]')
  end subroutine arrays

  !> Every section along every dimension of a tensor of rank 3.
  subroutine as_fortran()
    type(torch_tensor) :: x, y, v
    real(real64), target :: a(3, 4, 2)
    real(real64) :: got(3, 4, 2), expected(3, 4, 2)
    integer :: i, dim, first, last

    a = reshape([(real(i, real64), i=1, 24)], shape(a))
    call torch_tensor_from_array(x, a, torch_kCPU)
    do dim = 1, 3
      do first = 1, size(a, dim)
        do last = first, size(a, dim)
          y = x * 1
          expected = a
          select case (dim)
          case (1)
            expected(first:last, :, :) = -a(first:last, :, :)
            call torch_tensor_from_array(v, a(first:last, :, :), torch_kCPU)
          case (2)
            expected(:, first:last, :) = -a(:, first:last, :)
            call torch_tensor_from_array(v, a(:, first:last, :), torch_kCPU)
          case (3)
            expected(:, :, first:last) = -a(:, :, first:last)
            call torch_tensor_from_array(v, a(:, :, first:last), torch_kCPU)
          end select
          call torch_tensor_set_slice(y, dim, first, last, -v)
          got = y
          call check_close(got, expected, exact, 'section')
        end do
      end do
    end do
  end subroutine as_fortran

  !> d/dw and d/dv of sum(x*x), x = 2 w with x(2:3) = 3 v.
  subroutine gradients()
    type(torch_tensor) :: w, v, x, total, g
    real(real64), target :: wa(4), va(2), xa(4), ga(4), ha(2)

    wa = [1, 2, 3, 4]
    va = [5, 6]
    call torch_tensor_from_array(w, wa, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(v, va, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(x, xa, torch_kCPU)
    x = w * 2
    call torch_tensor_set_slice(x, 1, 2, 3, v * 3)
    call check_close(xa, [2.0_real64, 15.0_real64, 18.0_real64, 8.0_real64], exact, 'the array follows')
    call torch_tensor_sum(total, x * x)
    call torch_tensor_backward(total)
    call torch_tensor_from_array(g, ga, torch_kCPU)
    call torch_tensor_get_gradient(g, w)
    call check_close(ga, [8.0_real64, 0.0_real64, 0.0_real64, 32.0_real64], exact, 'with respect to the old x')
    call torch_tensor_from_array(g, ha, torch_kCPU)
    call torch_tensor_get_gradient(g, v)
    call check_close(ha, 18 * va, exact, 'with respect to values')
  end subroutine gradients

  !> A time series that is written step by step: u(i) = w u(i-1), so that d(sum u)/dw = sum i w**(i-1).
  subroutine loop()
    type(torch_tensor) :: series, u, w, total, g
    real(real64), target :: wa, sa(5), ga
    integer :: i

    wa = 0.5_real64
    sa = 0
    call torch_tensor_from_array(w, wa, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(series, sa, torch_kCPU)
    call torch_tensor_from_array(g, ga, torch_kCPU)
    call torch_tensor_ones(u, 0, [integer(int64) ::], torch_kFloat64, torch_kCPU)
    do i = 1, 5
      u = w * u
      call torch_tensor_set_slice(series, 1, i, i, u)
    end do
    call torch_tensor_sum(total, series)
    call torch_tensor_backward(total)
    call torch_tensor_get_gradient(g, w)
    call check_close(sa, [(wa**i, i=1, 5)], 1.0e-15_real64, 'series')
    call check_close(ga, sum([(i * wa**(i - 1), i=1, 5)]), 1.0e-14_real64, 'gradient')
  end subroutine loop

  subroutine fill()
    type(torch_tensor) :: x, number, row
    real(real64), target :: xa(3, 2), na, ra(2)

    xa = 0
    na = 7
    ra = [1, 2]
    call torch_tensor_from_array(x, xa, torch_kCPU)
    call torch_tensor_from_array(number, na, torch_kCPU)
    call torch_tensor_from_array(row, ra, torch_kCPU)
    call torch_tensor_set_slice(x, 1, 2, 3, number)
    call check_close([xa], [0.0_real64, 7.0_real64, 7.0_real64, 0.0_real64, 7.0_real64, 7.0_real64], exact, 'rank 0 fills')
    call torch_tensor_set_slice(x, 1, 1, 1, row)
    call check_close(xa(1, :), ra, exact, 'dimensions of one do not count')
  end subroutine fill

  subroutine dtypes()
    type(torch_tensor) :: x, narrow
    type(torch_status) :: status
    real(real64), target :: xa(3)
    real(real32), target :: na(1)

    xa = 0
    na = 0.1
    call torch_tensor_from_array(x, xa, torch_kCPU)
    call torch_tensor_from_array(narrow, na, torch_kCPU)
    call torch_tensor_set_slice(x, 1, 2, 2, narrow)
    call check_close(xa(2), real(0.1, real64), exact, 'float32 into float64')
    call torch_tensor_set_slice(narrow, 1, 1, 1, x, status)
    call check_status(status, torch_dtype_mismatch, 'torch_tensor_set_slice: values has dtype float64, the tensor float32')
    call check_close(na, 0.1, 0.0, 'nothing written')
  end subroutine dtypes

  !> Values that share memory with x.
  subroutine aliases()
    type(torch_tensor) :: x, part
    real(real64), target :: xa(5)
    real(real64) :: expected(5)

    xa = [1, 2, 3, 4, 5]
    expected = xa
    expected(2:5) = xa(1:4)
    call torch_tensor_from_array(x, xa, torch_kCPU)
    call torch_tensor_from_array(part, xa(1:4), torch_kCPU)
    call torch_tensor_set_slice(x, 1, 2, 5, part)
    call check_close(xa, expected, exact, 'an overlapping section')
    call torch_tensor_set_slice(x, 1, 1, 5, x)
    call check_close(xa, expected, exact, 'x itself')
  end subroutine aliases

  subroutine empty_sections()
    type(torch_tensor) :: x, none
    real(real64) :: got(3)

    call torch_tensor_ones(x, 1, [3_int64], torch_kFloat64, torch_kCPU)
    call torch_tensor_zeros(none, 1, [0_int64], torch_kFloat64, torch_kCPU)
    call torch_tensor_set_slice(x, 1, 1, 0, none)
    call torch_tensor_set_slice(x, 1, 4, 3, none)
    got = x
    call check_close(got, 1.0_real64, exact, 'nothing to write')
  end subroutine empty_sections

  !> Numbers go into a leaf outside the graph, and it stays a leaf; a value of a graph makes it one too.
  subroutine leaves()
    type(torch_tensor) :: w, v, number, total, g
    real(real64), target :: wa(3), va(1), ga(3)

    wa = [1, 2, 3]
    va = 5
    call torch_tensor_from_array(w, wa, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(g, ga, torch_kCPU)
    call torch_tensor_full(number, 0, [integer(int64) ::], 9.0_real64, torch_kFloat64, torch_kCPU)
    call torch_tensor_set_slice(w, 1, 2, 2, number)
    call check_close(wa, [1.0_real64, 9.0_real64, 3.0_real64], exact, 'written in place')
    call torch_tensor_sum(total, w * w)
    call torch_tensor_backward(total)
    call torch_tensor_get_gradient(g, w)
    call check_close(ga, 2 * wa, exact, 'still a leaf')
    call torch_tensor_from_array(v, va, torch_kCPU, requires_grad=.true.)
    call torch_tensor_set_slice(w, 1, 3, 3, v * 2)
    call check_close(wa, [1.0_real64, 9.0_real64, 10.0_real64], exact, 'a value of a graph')
    call torch_tensor_sum(total, w * w)
    call torch_tensor_backward(total)
    call torch_tensor_from_array(g, ga(1:1), torch_kCPU)
    call torch_tensor_get_gradient(g, v)
    call check_close(ga(1), 40.0_real64, exact, 'gradient of the value')
  end subroutine leaves

  subroutine parameters()
    type(torch_model) :: model
    type(torch_tensor) :: weights(6), again(6), number
    real(real32) :: bias(4)

    call torch_model_load(model, model_file('mlp_float32.pt'), torch_kCPU, requires_grad=.true.)
    call torch_model_parameters(model, weights)
    call torch_tensor_full(number, 0, [integer(int64) ::], 7.0, torch_kFloat32, torch_kCPU)
    call torch_tensor_set_slice(weights(6), 1, 2, 3, number)
    call torch_model_parameters(model, again)
    bias = again(6)
    call check_close(bias(2:3), 7.0, 0.0, 'the model has the numbers')
    call check(again(6)%requires_grad(), 'a parameter still')
  end subroutine parameters

  subroutine refused()
    type(torch_tensor) :: x, v, number, empty
    type(torch_status) :: status
    real(real64), target :: xa(4, 3), va(2, 3), na

    xa = 1
    va = 2
    na = 3
    call torch_tensor_from_array(x, xa, torch_kCPU)
    call torch_tensor_from_array(v, va, torch_kCPU)
    call torch_tensor_from_array(number, na, torch_kCPU)
    call torch_tensor_set_slice(x, 0, 1, 2, v, status)
    call check_status(status, torch_invalid_argument, 'dim is 0, not from 1 to 2; the tensor has shape [4, 3]')
    call torch_tensor_set_slice(x, 3, 1, 2, v, status)
    call check_status(status, torch_invalid_argument, 'dim is 3, not from 1 to 2')
    call torch_tensor_set_slice(x, -1, 1, 2, v, status)
    call check_status(status, torch_invalid_argument, 'dim is -1')
    call torch_tensor_set_slice(x, 1, 0, 1, v, status)
    call check_status(status, torch_invalid_argument, 'first is 0 and last is 1, no section of the 4 elements along dim 1')
    call torch_tensor_set_slice(x, 1, 4, 5, v, status)
    call check_status(status, torch_invalid_argument, 'first is 4 and last is 5')
    call torch_tensor_set_slice(x, 1, 3, 1, v, status)
    call check_status(status, torch_invalid_argument, 'first is 3 and last is 1')
    call torch_tensor_set_slice(x, 1, 1, 3, v, status)
    call check_status(status, torch_shape_mismatch, 'values has shape [2, 3], the section has shape [3, 3]')
    call torch_tensor_set_slice(x, 1, 1, 2, empty, status)
    call check_status(status, torch_invalid_argument, 'values holds nothing')
    call torch_tensor_set_slice(empty, 1, 1, 2, v, status)
    call check_status(status, torch_invalid_argument, 'x holds nothing')
    call torch_tensor_set_slice(number, 1, 1, 1, number, status)
    call check_status(status, torch_invalid_argument, 'dim is 1, but the tensor has no dimensions')
    call check_close(xa, 1.0_real64, exact, 'nothing written')
  end subroutine refused

end module set_slice_cases

program test_set_slice
  use set_slice_cases
  use testing, only: add_case, run_cases
  implicit none

  call add_case('arrays', arrays)
  call add_case('as_fortran', as_fortran)
  call add_case('gradients', gradients)
  call add_case('loop', loop)
  call add_case('fill', fill)
  call add_case('dtypes', dtypes)
  call add_case('aliases', aliases)
  call add_case('empty_sections', empty_sections)
  call add_case('leaves', leaves)
  call add_case('parameters', parameters, 'models')
  call add_case('refused', refused)
  call run_cases()
end program test_set_slice
