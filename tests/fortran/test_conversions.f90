! SPDX-License-Identifier: MIT
!> Results into arrays of more precision or with other dimensions of one keep all numbers.
module conversions_cases
  use, intrinsic :: iso_fortran_env, only: int64, real32, real64
  use ftorch
  use model_files, only: model_file, model_numbers
  use recorder, only: last_error, record_errors
  use testing, only: check, check_close, check_equal, check_status
  implicit none
  private
  public :: model_result, precision_lost, complex_result, shapes, in_the_graph, losses, to_array
  public :: no_integers

  real(real64), parameter :: exact = 0

contains

  !> A float32 model in a program of real64.
  subroutine model_result()
    type(torch_model) :: model
    type(torch_tensor) :: x(1), y(1), weights(6), g
    real(real32), target :: xa(5, 8)
    real(real64), target :: ya(5, 4), ga(4)
    integer :: i

    xa = reshape(real(model_numbers('mlp_float32.input1.txt'), real32), shape(xa))
    call torch_model_load(model, model_file('mlp_float32.pt'), torch_kCPU)
    call torch_model_parameters(model, weights)
    call torch_tensor_from_array(x(1), xa, torch_kCPU)
    call torch_tensor_from_array(y(1), ya, torch_kCPU)
    call torch_tensor_from_array(g, ga, torch_kCPU)
    do i = 1, 2
      call torch_model_forward(model, x, y, requires_grad=i == 2)
      call check_close([ya], model_numbers('mlp_float32.output.txt'), 1.0e-6_real64, 'output')
      call check_close(ya, real(real(ya, real32), real64), exact, 'numbers of real32')
    end do
    call torch_tensor_backward(y(1))
    call torch_tensor_get_gradient(g, weights(6))
    call check_close(ga, 5.0_real64, exact, 'gradient of the last bias')
  end subroutine model_result

  subroutine precision_lost()
    type(torch_model) :: model
    type(torch_tensor) :: x(1), y(1), a
    type(torch_status) :: status
    real(real64), target :: xa(5, 8)
    real(real32), target :: ya(5, 4), aa(40)

    xa = 1
    ya = -1
    aa = -1
    call torch_model_load(model, model_file('mlp_float64.pt'), torch_kCPU)
    call torch_tensor_from_array(x(1), xa, torch_kCPU)
    call torch_tensor_from_array(y(1), ya, torch_kCPU)
    call torch_model_forward(model, x, y, status=status)
    call check_status(status, torch_dtype_mismatch, 'output_tensors(1)')
    call check_status(status, torch_dtype_mismatch, 'float64')
    call check_status(status, torch_dtype_mismatch, 'float32')
    call check_close(ya, -1.0, 0.0, 'nothing written')
    call torch_tensor_from_array(a, aa, torch_kCPU, permute_dims=[1])
    call record_errors()
    a = x(1)
    call check_equal(last_error%code, torch_shape_mismatch, 'ranks')
    call check_close(aa, -1.0, 0.0, 'nothing assigned')
  end subroutine precision_lost

  subroutine complex_result()
    type(torch_tensor) :: a, b
    type(torch_status) :: status
    complex(real32), target :: x(2)
    complex(real64), target :: y(2, 1)
    real(real64), target :: z(2)

    x = [(1.0, 2.0), (3.0, -4.0)]
    call torch_tensor_from_array(a, x, torch_kCPU)
    call torch_tensor_from_array(b, y, torch_kCPU)
    b = a
    call check_close(abs(y(:, 1) - x), exact, exact, 'assigned')
    call torch_tensor_mul(b, a, a)
    call check_close(abs(y(:, 1) - x**2), exact, 1.0e-6_real64, 'result')
    call torch_tensor_mul(a, b, b, status)
    call check_status(status, torch_dtype_mismatch, 'complex128')
    call torch_tensor_from_array(b, z, torch_kCPU)
    call torch_tensor_mul(b, a, a, status)
    call check_status(status, torch_dtype_mismatch, 'complex64')
  end subroutine complex_result

  subroutine shapes()
    type(torch_tensor) :: a, row, column, volume, section
    real(real64), target :: x(3), r(1, 3), c(3, 1), v(1, 3, 1, 1), s(4, 5)

    x = [1, 2, 3]
    s = 0
    call torch_tensor_from_array(a, x, torch_kCPU)
    call torch_tensor_from_array(row, r, torch_kCPU)
    call torch_tensor_from_array(column, c, torch_kCPU)
    call torch_tensor_from_array(volume, v, torch_kCPU)
    call torch_tensor_from_array(section, s(2:2, 1:5:2), torch_kCPU)
    row = a
    call torch_tensor_add(column, row, row)
    volume = column + 1
    section = volume
    call check_close(r(1, :), x, exact, 'row')
    call check_close(c(:, 1), 2 * x, exact, 'column')
    call check_close(v(1, :, 1, 1), 2 * x + 1, exact, 'volume')
    call check_close(s(2, 1:5:2), 2 * x + 1, exact, 'section')
    call check_close(sum(s), sum(2 * x + 1), exact, 'beside the section')
    call check_equal(volume%get_shape(), [1_int64, 3_int64, 1_int64, 1_int64], 'shape kept')
    call torch_tensor_zeros(volume, 2, [1_int64, 3_int64], torch_kFloat64, torch_kCPU)
    call torch_tensor_add(volume, a, a)
    call check_equal(volume%get_shape(), [1_int64, 3_int64], 'made with a shape')
  end subroutine shapes

  !> d(sum(y*y))/dw of y = real64(w*w) in another shape.
  subroutine in_the_graph()
    type(torch_tensor) :: w, y, total, g
    real(real32), target :: wa(3)
    real(real64), target :: ya(1, 3), ta(1, 1), ga(3)

    wa = [1, 2, 3]
    call torch_tensor_from_array(w, wa, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(y, ya, torch_kCPU)
    call torch_tensor_from_array(total, ta, torch_kCPU)
    call torch_tensor_from_array(g, ga, torch_kCPU)
    call torch_tensor_mul(y, w, w)
    call check_close(ya(1, :), real(wa**2, real64), exact, 'array')
    call torch_tensor_sum(total, y * y)
    call check_close(ta(1, 1), 98.0_real64, exact, 'total')
    call torch_tensor_backward(total)
    call torch_tensor_get_gradient(g, w)
    call check_close(ga, real(4 * wa**3, real64), exact, 'gradient')
  end subroutine in_the_graph

  subroutine losses()
    type(torch_tensor) :: x, y, loss
    real(real32), target :: xa(2), ya(2)
    real(real64), target :: l(1, 1)
    real(real64) :: number

    xa = [1, 3]
    ya = [0, 1]
    call torch_tensor_from_array(x, xa, torch_kCPU)
    call torch_tensor_from_array(y, ya, torch_kCPU)
    call torch_tensor_from_array(loss, l, torch_kCPU)
    call torch_loss_mse(loss, x, y)
    call check_close(l(1, 1), 2.5_real64, exact, 'array')
    call torch_tensor_zeros(loss, 0, [integer(int64) ::], torch_kFloat64, torch_kCPU)
    call torch_loss_mse(loss, x, y)
    number = loss
    call check_close(number, 2.5_real64, exact, 'made with a shape')
  end subroutine losses

  subroutine to_array()
    type(torch_tensor) :: x, d
    type(torch_status) :: status
    real(real32), target :: xa(2)
    real(real32) :: single(2)
    real(real64), target :: da(2)
    real(real64) :: row(1, 2), number

    xa = [1, 3]
    da = [5, 7]
    single = -1
    call torch_tensor_from_array(x, xa, torch_kCPU)
    call torch_tensor_from_array(d, da, torch_kCPU)
    row = x
    call check_close(row(1, :), [1.0_real64, 3.0_real64], exact, 'a row of real64')
    call torch_tensor_to_array(d, single, status)
    call check_status(status, torch_dtype_mismatch, 'float64')
    call check_close(single, -1.0, 0.0, 'nothing written')
    call torch_tensor_zeros(d, 2, [1_int64, 1_int64], torch_kFloat32, torch_kCPU)
    number = -1
    number = d
    call check_close(number, exact, exact, 'a number')
  end subroutine to_array

  !> Integers are not widened: no conversion but those of real and complex numbers is made.
  subroutine no_integers()
    type(torch_tensor) :: small, large, r
    type(torch_status) :: status
    real(real64) :: values(2)

    call torch_tensor_ones(small, 1, [2_int64], torch_kInt32, torch_kCPU)
    call torch_tensor_zeros(large, 1, [2_int64], torch_kInt64, torch_kCPU)
    call torch_tensor_zeros(r, 1, [2_int64], torch_kFloat64, torch_kCPU)
    call torch_tensor_add(large, small, small, status)
    call check_status(status, torch_dtype_mismatch, 'int32')
    call torch_tensor_add(r, small, small, status)
    call check_status(status, torch_dtype_mismatch, 'float64')
    call torch_tensor_to(small, r)
    values = r
    call check_close(values, 1.0_real64, exact, 'when asked for')
  end subroutine no_integers

end module conversions_cases

program test_conversions
  use conversions_cases
  use testing, only: add_case, run_cases
  implicit none

  call add_case('model_result', model_result, 'models')
  call add_case('precision_lost', precision_lost, 'models')
  call add_case('complex_result', complex_result)
  call add_case('shapes', shapes)
  call add_case('in_the_graph', in_the_graph)
  call add_case('losses', losses)
  call add_case('to_array', to_array)
  call add_case('no_integers', no_integers)
  call run_cases()
end program test_conversions
