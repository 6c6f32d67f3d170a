! SPDX-License-Identifier: MIT
!> Checks of adjoints that the program wrote.
module gradcheck_cases
  use, intrinsic :: iso_fortran_env, only: real32, real64
  use ftorch
  use node_functions, only: affine, cube, faulty, integer_output, single, stateful, two_outputs
  use testing, only: check, check_close
  implicit none
  private
  public :: gradcheck_right, gradcheck_wrong, gradcheck_refused, dot_product

  integer, parameter :: dp = real64

contains

  subroutine gradcheck_right()
    real(dp), target :: x(2), b(2), m(2, 3)
    real(real32), target :: s(2, 2)
    type(torch_tensor) :: tx, tb, tm, ts
    type(affine) :: f

    x = [2, 3]
    b = [1, 0]
    f%w = reshape([1, 2, 3, 4], [2, 2]) * 1.0_dp
    call torch_tensor_from_array(tx, x, torch_kCPU)
    call torch_tensor_from_array(tb, b, torch_kCPU, requires_grad=.true.)
    call check(torch_gradcheck(cube(factor=0.5_dp), [tx]), 'cube')
    call check(torch_gradcheck(f, [tx, tb]), 'affine')
    call check(torch_gradcheck(stateful(), [tx], step=1.0e-5_dp, tolerance=1.0e-6_dp), 'sine')
    call check(torch_gradcheck(integer_output(), [tx], num_outputs=2), 'integers beside')
    call random_number(m)
    call torch_tensor_from_array(tm, m, torch_kCPU)
    call check(torch_gradcheck(two_outputs(), [tm, tm], num_outputs=2), 'matrices')
    call random_number(s)
    call torch_tensor_from_array(ts, s, torch_kCPU)
    call check(torch_gradcheck(single(), [ts]), 'single precision')
    call torch_no_grad_begin()
    call check(torch_gradcheck(cube(), [tx]), 'in a region without gradients')
    call torch_no_grad_end()
    call check_close(x, [2.0_dp, 3.0_dp], 0.0_dp, 'inputs stay')
  end subroutine gradcheck_right

  subroutine gradcheck_wrong()
    real(dp), target :: x(2)
    type(torch_tensor) :: tx
    character(len=:), allocatable :: message

    x = [2, 3]
    call torch_tensor_from_array(tx, x, torch_kCPU)
    call check(.not. torch_gradcheck(faulty(fault='wrong adjoint'), [tx], message=message), 'wrong')
    call check(index(message, 'the derivative of outputs(1) at (1) by inputs(1) at (1) is 2.5; ' // &
                              'central differences give 2') == 1, message)
    call check(torch_gradcheck(faulty(fault='wrong adjoint'), [tx], tolerance=0.5_dp), 'within a wide tolerance')
  end subroutine gradcheck_wrong

  subroutine gradcheck_refused()
    real(dp), target :: x(2)
    integer, target :: i(2)
    type(torch_tensor) :: tx, ti

    x = [2, 3]
    i = 1
    call torch_tensor_from_array(tx, x, torch_kCPU)
    call torch_tensor_from_array(ti, i, torch_kCPU)
    call torch_set_error_handler(remember)
    call check(.not. torch_gradcheck(cube(), [ti]), 'nothing to vary')
    call expect('torch_gradcheck: inputs has no real tensor')
    call check(.not. torch_gradcheck(cube(), [tx], step=-1.0_dp), 'step')
    call expect('torch_gradcheck: step is -1')
    call check(.not. torch_gradcheck(cube(), [tx], tolerance=0.0_dp), 'tolerance')
    call expect('torch_gradcheck: tolerance is')
    call check(.not. torch_gradcheck(faulty(fault='backward fails'), [tx]), 'backward')
    call expect('the adjoint does not converge')
    call check(.not. torch_gradcheck(faulty(fault='forward fails'), [tx]), 'forward')
    call expect('the pressure is negative')
    call torch_set_error_handler()
  end subroutine gradcheck_refused

  subroutine dot_product()
    real(dp), target :: x(2)
    type(torch_tensor) :: a, y(1)
    real(dp) :: difference

    x = [2, 3]
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    call torch_apply(y, cube(), [a * 2])
    difference = torch_dot_product_test(y(1) * a, a)
    call check(difference < 1.0e-8_dp, 'right')
    call torch_apply(y, faulty(fault='wrong adjoint'), [a * 2])
    difference = torch_dot_product_test(y(1) * a, a)
    call check(difference > 1.0e-2_dp, 'wrong')
    call torch_tensor_backward(y(1))
  end subroutine dot_product

  character(len=200) function last_message(set)
    character(len=*), intent(in), optional :: set
    character(len=200), save :: kept = ''

    if (present(set)) kept = set
    last_message = kept
  end function last_message

  subroutine remember(status)
    type(torch_status), intent(in) :: status
    character(len=200) :: ignored

    ignored = last_message(status%message)
  end subroutine remember

  subroutine expect(text)
    character(len=*), intent(in) :: text

    call check(index(last_message(), text) > 0, last_message())
  end subroutine expect

end module gradcheck_cases

program test_gradcheck
  use gradcheck_cases
  use testing, only: add_case, run_cases
  implicit none

  call add_case('right', gradcheck_right)
  call add_case('wrong', gradcheck_wrong)
  call add_case('refused', gradcheck_refused)
  call add_case('dot_product', dot_product)
  call run_cases()
end program test_gradcheck
