! SPDX-License-Identifier: MIT
!> What goes wrong in functions of the program, and that nothing of them stays.
module function_faults_cases
  use, intrinsic :: iso_c_binding, only: c_associated
  use, intrinsic :: iso_fortran_env, only: int64, real64
  use ftorch
  use node_functions, only: counted, cube, ended, faulty, two_outputs
  use testing, only: check, check_close, check_equal, check_status
  implicit none
  private
  public :: forward_faults, backward_faults, create_graph, ends, ends_after_faults, leaf_written, target_refused
  public :: region

  integer, parameter :: dp = real64

contains

  subroutine forward_faults()
    call forward_fault('forward fails', torch_model_error, &
                       'torch_apply: forward of the function failed: the pressure is negative')
    call forward_fault('forward without message', torch_io_error, 'forward of the function failed: it gave no message')
    call forward_fault('forward calls wrongly', torch_invalid_argument, 'failed: torch_tensor_sum: ')
    call forward_fault('no output', torch_invalid_argument, 'forward of the function left outputs(1) empty')
  end subroutine forward_faults

  subroutine backward_faults()
    call backward_fault('backward fails', torch_model_error, &
                        'torch_tensor_backward: backward of the function failed: the adjoint does not converge')
    call backward_fault('no gradient', torch_autograd_error, &
                        'backward of the function left input_gradients(1) empty; inputs(1), float64 [2], needs it')
    call backward_fault('wrong shape', torch_shape_mismatch, 'input_gradients(1) has shape [3], inputs(1) [2]')
    call backward_fault('wrong dtype', torch_dtype_mismatch, 'input_gradients(1) has dtype float32, inputs(1) float64')
    call backward_fault('end without begin', torch_invalid_argument, 'no region without gradients is open')
  end subroutine backward_faults

  subroutine create_graph()
    real(dp), target :: x(2)
    type(torch_tensor) :: a, y(1), g(1)
    type(torch_status) :: status

    x = [2, 3]
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    call torch_apply(y, cube(), [a])
    call torch_grad(g, y, [a], create_graph=.true., status=status)
    call check_status(status, torch_autograd_error, 'torch_grad: create_graph reaches a torch_function')
    call torch_jvp(g(1), y(1), a, a, status)
    call check_status(status, torch_autograd_error, 'create_graph reaches a torch_function')
    call torch_grad(g, y, [a])
    call check_close(values(g(1)), 3 * x**2, 0.0_dp, 'the graph is there')
  end subroutine create_graph

  subroutine ends()
    real(dp), target :: x(2)
    type(torch_tensor) :: a, y(1)
    type(counted) :: f
    integer(int64) :: before
    integer :: i

    x = [2, 3]
    allocate (f%ballast(1000))
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    call torch_apply(y, f, [a])
    before = torch_live_tensors()
    ended = 0
    do i = 1, 10000
      call torch_apply(y, f, [a])
      if (mod(i, 2) == 0) call torch_tensor_backward(y(1))
    end do
    call check_equal(ended, 10000, 'functions')
    call check_equal(int(torch_live_tensors() - before), 0, 'tensors')
    call torch_delete(y)
    call check_equal(ended, 10001, 'the last one')
  end subroutine ends

  subroutine ends_after_faults()
    real(dp), target :: x(2)
    type(torch_tensor) :: a, y(1), g(1)
    type(torch_status) :: status
    integer(int64) :: before
    integer :: i

    x = [2, 3]
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    before = torch_live_tensors()
    do i = 1, 1000
      call torch_apply(y, faulty(fault='forward fails'), [a], status)
      call torch_apply(y, faulty(fault='no gradient'), [a])
      call torch_tensor_backward(y(1), status=status)
      call torch_apply(y, faulty(fault='wrong shape'), [a])
      call torch_grad(g, y, [a], status=status)
      call torch_apply(y, cube(), [a])
      call torch_grad(g, y, [a], create_graph=.true., status=status)
      call torch_delete(y)
    end do
    call check(.not. status%ok(), 'failures')
    call check_equal(int(torch_live_tensors() - before), 0, 'tensors')
  end subroutine ends_after_faults

  subroutine leaf_written()
    real(dp), target :: x(2)
    type(torch_tensor) :: a, y(1)
    type(torch_status) :: status

    x = [2, 3]
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    call torch_apply(y, cube(), [a])
    call torch_no_grad_begin()
    a = a * 2
    call torch_no_grad_end()
    call torch_tensor_backward(y(1), status=status)
    call check_status(status, torch_autograd_error, 'modified by an inplace operation')
  end subroutine leaf_written

  subroutine target_refused()
    real(dp), target :: x(2), z(3), w(2)
    type(torch_tensor) :: a, y(2), nobody(0), none
    type(torch_status) :: status

    x = [2, 3]
    z = 7
    w = 8
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(y(1), w, torch_kCPU)
    call torch_tensor_from_array(y(2), z, torch_kCPU)
    call torch_apply(y, two_outputs(), [a, a], status)
    call check_status(status, torch_shape_mismatch, 'torch_apply: outputs(2): the value has shape [2]')
    call check_close(w, [8.0_dp, 8.0_dp], 0.0_dp, 'the first is untouched')
    call torch_apply(nobody, cube(), [a], status)
    call check_status(status, torch_invalid_argument, 'outputs has no elements')
    call torch_apply(y, cube(), [none], status)
    call check_status(status, torch_invalid_argument, 'inputs(1): the tensor holds nothing')
  end subroutine target_refused

  subroutine region()
    real(dp), target :: x(2)
    type(torch_tensor) :: a, y(1)
    type(torch_status) :: status

    x = [2, 3]
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    call torch_apply(y, faulty(fault='region left open'), [a])
    call check(y(1)%requires_grad(), 'graph')
    y(1) = a * a
    call check(y(1)%requires_grad(), 'a region of forward ends with it')
    call torch_no_grad_end(status)
    call check_status(status, torch_invalid_argument, 'no region')
  end subroutine region

  subroutine forward_fault(fault, code, text)
    character(len=*), intent(in) :: fault, text
    integer, intent(in) :: code
    real(dp), target :: x(2), z(2)
    type(torch_tensor) :: a, y(1)
    type(torch_status) :: status

    x = [2, 3]
    z = 7
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(y(1), z, torch_kCPU)
    call torch_apply(y, faulty(fault=fault), [a], status)
    call check_status(status, code, text)
    call check_close(z, [7.0_dp, 7.0_dp], 0.0_dp, 'untouched')
    call torch_apply(y, cube(), [a], status)
    call check(status%ok(), 'the next one')
  end subroutine forward_fault

  subroutine backward_fault(fault, code, text)
    character(len=*), intent(in) :: fault, text
    integer, intent(in) :: code
    real(dp), target :: x(2)
    type(torch_tensor) :: a, y(1), g(1)
    type(torch_status) :: status

    x = [2, 3]
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    call torch_apply(y, faulty(fault=fault), [a])
    call torch_tensor_backward(y(1), retain_graph=.true., status=status)
    call check_status(status, code, text)
    call torch_grad(g, y, [a], status=status)
    call check(.not. status%ok(), 'torch_grad fails likewise')
    call check(.not. c_associated(g(1)%p), 'nothing written')
    call torch_tensor_get_gradient(g(1), a, status)
    call check_status(status, torch_autograd_error, 'no backward pass')
    call torch_tensor_backward(a * a, status=status)
    call check(status%ok(), 'the next pass')
  end subroutine backward_fault

  function values(tensor) result(numbers)
    type(torch_tensor), intent(in) :: tensor
    real(dp), allocatable :: numbers(:)

    allocate (numbers(product(tensor%get_shape())))
    call torch_tensor_to_array(tensor, numbers)
  end function values

end module function_faults_cases

program test_function_faults
  use function_faults_cases
  use testing, only: add_case, run_cases
  implicit none

  call add_case('forward_faults', forward_faults)
  call add_case('backward_faults', backward_faults)
  call add_case('create_graph', create_graph)
  call add_case('ends', ends)
  call add_case('ends_after_faults', ends_after_faults)
  call add_case('leaf_written', leaf_written)
  call add_case('target_refused', target_refused)
  call add_case('region', region)
  call run_cases()
end program test_function_faults
