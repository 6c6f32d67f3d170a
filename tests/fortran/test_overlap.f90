! SPDX-License-Identifier: MIT
!> Several tensors over one array: what is written through one never spoils a gradient of another in silence.
module overlap_cases
  use, intrinsic :: iso_fortran_env, only: real64
  use ftorch
  use testing, only: check, check_close, check_equal
  implicit none
  private
  public :: assigned, cleared, copied_out, stepped, optimizer_elsewhere
  public :: leaf_spoiled, leaf_after_backward, made_anew, made_anew_unwritten, array_gone
  public :: rows_apart, blocks_apart, sections_that_meet

  real(real64), parameter :: exact = 0

contains

  !> y = w*x and then x = 9 through another tensor: the gradient is the x of the product.
  subroutine assigned()
    real(real64), target :: x(2), w(2)
    type(torch_tensor) :: a, again, b, y, nine

    call prepare(x, w, a, b)
    call torch_tensor_from_array(again, x, torch_kCPU)
    y = b * a
    nine = again * 0 + 9
    again = nine
    call check_close(x, 9.0_real64, exact, 'the array')
    call check_gradient(y, b, [2.0_real64, 3.0_real64])
    x = 4
    y = a + again
    w = y
    call check_close(w, 8.0_real64, exact, 'both are the array')
  end subroutine assigned

  subroutine cleared()
    real(real64), target :: x(2), w(2)
    type(torch_tensor) :: a, again, b, y

    call prepare(x, w, a, b)
    call torch_tensor_from_array(again, x, torch_kCPU)
    y = b * a
    call again%zero()
    call check_close(x, 0.0_real64, exact, 'the array')
    call check_gradient(y, b, [2.0_real64, 3.0_real64])
  end subroutine cleared

  !> array = tensor writes to an array that is a tensor too.
  subroutine copied_out()
    real(real64), target :: x(2), w(2)
    type(torch_tensor) :: a, b, y, product

    call prepare(x, w, a, b)
    y = b * a
    product = b * b
    x = product
    call check_close(x, [25.0_real64, 49.0_real64], exact, 'the array')
    call check_gradient(y, b, [2.0_real64, 3.0_real64])
  end subroutine copied_out

  !> An optimizer moves the array that another tensor brought into a graph.
  subroutine stepped()
    real(real64), target :: x(2), w(2)
    type(torch_tensor) :: a, parameter, b, y, loss
    type(torch_optim) :: optim

    call prepare(x, w, a, b)
    call torch_tensor_from_array(parameter, x, torch_kCPU, requires_grad=.true.)
    call torch_optim_SGD(optim, [parameter], 0.5_real64)
    y = b * a
    loss = parameter * 2
    call torch_tensor_backward(loss)
    call optim%step()
    call check_close(x, [1.0_real64, 2.0_real64], exact, 'the array')
    call check_gradient(y, b, [2.0_real64, 3.0_real64])
  end subroutine stepped

  !> A step beside the array of a graph changes nothing there.
  subroutine optimizer_elsewhere()
    real(real64), target :: x(2, 2), w(2)
    type(torch_tensor) :: leaf, parameter, y, loss
    type(torch_optim) :: optim

    x = reshape([2, 3, 5, 7], [2, 2])
    call torch_tensor_from_array(leaf, x(1, :), torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(parameter, x(2, :), torch_kCPU, requires_grad=.true.)
    call torch_optim_SGD(optim, [parameter], 0.5_real64)
    y = leaf * leaf
    loss = parameter * 2
    call torch_tensor_backward(loss)
    call optim%step()
    w = x(2, :)
    call check_close(w, [2.0_real64, 6.0_real64], exact, 'the array')
    call check_gradient(y, leaf, [4.0_real64, 10.0_real64])
  end subroutine optimizer_elsewhere

  !> The graph of a leaf cannot keep a copy: its gradient arrives at that leaf. It fails instead.
  subroutine leaf_spoiled()
    real(real64), target :: x(2), w(2)
    type(torch_tensor) :: a, leaf, b, y, z
    type(torch_status) :: status

    call prepare(x, w, a, b)
    call torch_tensor_from_array(leaf, x, torch_kCPU, requires_grad=.true.)
    y = leaf * leaf
    a = b
    call torch_tensor_backward(y, status=status)
    call check_equal(status%code, torch_autograd_error, 'a graph that needs the old numbers')
    call check(index(status%message, 'modified') > 0, status%message)
    z = leaf * leaf
    call check_gradient(z, leaf, [10.0_real64, 14.0_real64])
  end subroutine leaf_spoiled

  !> After its backward pass, a leaf moves with its array.
  subroutine leaf_after_backward()
    real(real64), target :: x(2), w(2)
    type(torch_tensor) :: a, leaf, b, y

    call prepare(x, w, a, b)
    call torch_tensor_from_array(leaf, x, torch_kCPU, requires_grad=.true.)
    y = leaf * leaf
    call torch_tensor_backward(y)
    a = a - 1
    w = leaf
    call check_close(w, [1.0_real64, 2.0_real64], exact, 'the leaf')
    call torch_tensor_get_gradient(b, leaf)
    call check_close(w, [4.0_real64, 6.0_real64], exact, 'its gradient stays')
  end subroutine leaf_after_backward

  !> One variable made anew over its array, and written: the graph keeps what it was.
  subroutine made_anew()
    real(real64), target :: x(2), w(2)
    type(torch_tensor) :: a, b, y

    call prepare(x, w, a, b)
    y = b * a
    call torch_tensor_from_array(a, x, torch_kCPU)
    a = a * 5
    call check_close(x, [10.0_real64, 15.0_real64], exact, 'the array')
    call check_gradient(y, b, [2.0_real64, 3.0_real64])
  end subroutine made_anew

  subroutine made_anew_unwritten()
    real(real64), target :: x(2), w(2)
    type(torch_tensor) :: a, b, y

    call prepare(x, w, a, b)
    y = b * a
    call torch_tensor_from_array(a, x, torch_kCPU)
    call check_gradient(y, b, [2.0_real64, 3.0_real64])
  end subroutine made_anew_unwritten

  !> Graphs of arrays that are gone cost nothing: what comes to lie at their address is written at will.
  subroutine array_gone()
    real(real64), allocatable, target :: x(:)
    real(real64), allocatable, target :: w(:)
    type(torch_tensor) :: a, b, y
    integer :: i

    allocate (w(200000), source=1.0_real64)
    call torch_tensor_from_array(b, w, torch_kCPU, requires_grad=.true.)
    do i = 1, 500
      if (allocated(x)) deallocate (x)
      allocate (x(200000 - 50 * i), source=1.0_real64)
      call torch_tensor_from_array(a, x, torch_kCPU)
      a = a * 2
      if (mod(i, 100) == 0) then
        deallocate (x)
        allocate (x(200000), source=1.0_real64)
        call torch_tensor_from_array(a, x, torch_kCPU)
        y = b * a
      end if
    end do
    call check_close(x, 1.0_real64, exact, 'the array')
    call torch_tensor_backward(y)
    call check_equal(int(torch_live_tensors()), 3, 'live tensors')
  end subroutine array_gone

  !> Rows of a matrix lie in between each other and do not meet.
  subroutine rows_apart()
    real(real64), target :: x(3, 2)
    type(torch_tensor) :: leaf, other, y

    x = reshape([2, 0, 0, 3, 0, 0], [3, 2])
    call torch_tensor_from_array(leaf, x(1, :), torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(other, x(2, :), torch_kCPU)
    y = leaf * leaf
    other = leaf * 10
    call check_close(x(2, :), [20.0_real64, 30.0_real64], exact, 'the other row')
    call check_gradient(y, leaf, [4.0_real64, 6.0_real64])
  end subroutine rows_apart

  !> Blocks of rows, and every second of them.
  subroutine blocks_apart()
    real(real64), target :: x(6, 4)
    type(torch_tensor) :: upper, lower, odd, y

    x = 3
    call torch_tensor_from_array(upper, x(1:3, :), torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(lower, x(4:6, :), torch_kCPU)
    call torch_tensor_from_array(odd, x(4:6:2, 1:4:3), torch_kCPU)
    y = upper * upper
    lower = upper * 2
    odd = odd * 2
    call torch_tensor_backward(y)
    call check_close(x(5, 1), 6.0_real64, exact, 'lower')
    call check_close(x(6, 4), 12.0_real64, exact, 'odd')
  end subroutine blocks_apart

  !> Sections with one element in common.
  subroutine sections_that_meet()
    real(real64), target :: x(4, 4), w(4), gradient(4)
    type(torch_tensor) :: row, column, b, y, g

    x = 2
    w = [5, 7, 11, 13]
    call torch_tensor_from_array(row, x(3, :), torch_kCPU)
    call torch_tensor_from_array(column, x(:, 2), torch_kCPU)
    call torch_tensor_from_array(b, w, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(g, gradient, torch_kCPU)
    y = b * row
    column = b * 1
    call check_close(x(3, :), [2.0_real64, 11.0_real64, 2.0_real64, 2.0_real64], exact, 'the row')
    call torch_tensor_backward(y)
    call torch_tensor_get_gradient(g, b)
    call check_close(gradient, 2.0_real64, exact, 'gradient')
  end subroutine sections_that_meet

  !> a over x = [2, 3], and the leaf b over w = [5, 7].
  subroutine prepare(x, w, a, b)
    real(real64), intent(out), target :: x(2), w(2)
    type(torch_tensor), intent(out) :: a, b

    x = [2, 3]
    w = [5, 7]
    call torch_tensor_from_array(a, x, torch_kCPU)
    call torch_tensor_from_array(b, w, torch_kCPU, requires_grad=.true.)
  end subroutine prepare

  subroutine check_gradient(y, leaf, expected)
    type(torch_tensor), intent(in) :: y, leaf
    real(real64), intent(in) :: expected(:)
    real(real64), target :: gradient(size(expected))
    type(torch_tensor) :: g

    call torch_tensor_from_array(g, gradient, torch_kCPU)
    call torch_tensor_backward(y)
    call torch_tensor_get_gradient(g, leaf)
    call check_close(gradient, expected, exact, 'gradient')
  end subroutine check_gradient

end module overlap_cases

program test_overlap
  use overlap_cases
  use testing, only: add_case, run_cases
  implicit none

  call add_case('assigned', assigned)
  call add_case('cleared', cleared)
  call add_case('copied_out', copied_out)
  call add_case('stepped', stepped)
  call add_case('optimizer_elsewhere', optimizer_elsewhere)
  call add_case('leaf_spoiled', leaf_spoiled)
  call add_case('leaf_after_backward', leaf_after_backward)
  call add_case('made_anew', made_anew)
  call add_case('made_anew_unwritten', made_anew_unwritten)
  call add_case('array_gone', array_gone)
  call add_case('rows_apart', rows_apart)
  call add_case('blocks_apart', blocks_apart)
  call add_case('sections_that_meet', sections_that_meet)
  call run_cases()
end program test_overlap
