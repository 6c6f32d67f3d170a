! SPDX-License-Identifier: MIT
!> Tensors that end before the graphs that hold them: the array may go, and the gradients stay right.
module array_gone_cases
  use, intrinsic :: iso_c_binding, only: c_loc
  use, intrinsic :: iso_fortran_env, only: int64, real64
  use ftorch
  use testing, only: check, check_close, check_equal, check_status
  implicit none
  private
  public :: local_array, automatic_deallocation, deleted, another_array, blob, leaf, row, several, leaf_on_itself

  real(real64), parameter :: exact = 0, numbers(3) = [2, 3, 5]

contains

  !> y = w*x, of which only the graph holds x at the end; `how` says what becomes of x.
  subroutine forward(w, y, how)
    type(torch_tensor), intent(in) :: w
    type(torch_tensor), intent(inout) :: y
    character(len=*), intent(in) :: how
    real(real64), target :: local(3)
    real(real64), allocatable, target :: heap(:), other(:)
    real(real64), pointer :: matrix(:, :)
    type(torch_tensor) :: x, again

    local = numbers
    allocate (heap(3), source=numbers)
    allocate (other(3), source=7.0_real64)
    allocate (matrix(4, 3), source=11.0_real64)
    matrix(2, :) = numbers
    select case (how)
    case ('local')
      call torch_tensor_from_array(x, local, torch_kCPU)
    case ('row')
      call torch_tensor_from_array(x, matrix(2, :), torch_kCPU)
    case ('leaf')
      call torch_tensor_from_array(x, heap, torch_kCPU, requires_grad=.true.)
    case ('blob')
      call torch_tensor_from_blob(x, c_loc(heap), 1, [3_int64], [1], torch_kFloat64, torch_kCPU)
    case default
      call torch_tensor_from_array(x, heap, torch_kCPU)
    end select
    y = w * x
    if (how == 'several') then
      call torch_tensor_from_array(again, heap, torch_kCPU)
      y = y + w * again
    end if
    if (how == 'another') call torch_tensor_from_array(x, other, torch_kCPU)
    if (how == 'deleted' .or. how == 'leaf' .or. how == 'several' .or. how == 'blob') call torch_delete(x)
    if (how == 'row') call torch_delete(x)
    if (how /= 'scope' .and. how /= 'several') heap = -1
    if (how == 'several') again = w * 0 + 1
    if (how /= 'scope') deallocate (heap)
    deallocate (matrix)
  end subroutine forward

  !> The gradient of w is x, as it was.
  subroutine run(how, expected)
    character(len=*), intent(in) :: how
    real(real64), intent(in) :: expected(3)
    real(real64), target :: weights(3)
    real(real64) :: gradient(3)
    type(torch_tensor) :: w, y, g

    weights = 1
    call torch_tensor_from_array(w, weights, torch_kCPU, requires_grad=.true.)
    call forward(w, y, how)
    call overwrite()
    call torch_tensor_backward(y)
    call torch_tensor_get_gradient(g, w)
    gradient = g
    call check_close(gradient, expected, exact, 'gradient')
    call check_equal(int(torch_live_tensors()), 3, 'live tensors')
  end subroutine run

  !> Other work on stack and heap.
  subroutine overwrite()
    real(real64) :: stack(2000)
    real(real64), allocatable :: heap(:)
    integer :: i

    call random_number(stack)
    do i = 1, 100
      allocate (heap(3), source=77.0_real64)
      if (sum(heap) + sum(stack) < 0) print *, heap
      deallocate (heap)
    end do
  end subroutine overwrite

  subroutine local_array()
    call run('local', numbers)
  end subroutine local_array

  subroutine automatic_deallocation()
    call run('scope', numbers)
  end subroutine automatic_deallocation

  subroutine deleted()
    call run('deleted', numbers)
  end subroutine deleted

  subroutine another_array()
    call run('another', numbers)
  end subroutine another_array

  subroutine blob()
    call run('blob', numbers)
  end subroutine blob

  !> A leaf is the array, of which a graph has no copy.
  subroutine leaf()
    real(real64), target :: weights(3)
    type(torch_tensor) :: w, y
    type(torch_status) :: status

    weights = 1
    call torch_tensor_from_array(w, weights, torch_kCPU, requires_grad=.true.)
    call forward(w, y, 'leaf')
    call overwrite()
    call torch_tensor_backward(y, status=status)
    call check_status(status, torch_autograd_error, 'modified by an inplace operation')
  end subroutine leaf

  subroutine row()
    call run('row', numbers)
  end subroutine row

  !> Two tensors over one array, of which one is released and the other written.
  subroutine several()
    call run('several', 2 * numbers)
  end subroutine several

  !> array = leaf, tensor over the array = leaf: nothing changes, and nothing is refused.
  subroutine leaf_on_itself()
    real(real64), target :: x(3)
    real(real64) :: gradient(3)
    type(torch_tensor) :: w, same, y, g
    type(torch_status) :: status

    x = numbers
    call torch_tensor_from_array(w, x, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(same, x, torch_kCPU)
    y = w * w
    x = w
    call torch_tensor_to_array(w, x)
    same = w
    call torch_tensor_to(w, same)
    call check_close(x, numbers, exact, 'the array')
    call torch_tensor_backward(y, status=status)
    call check(status%ok(), 'backward after copies of the leaf onto itself')
    call torch_tensor_get_gradient(g, w)
    gradient = g
    call check_close(gradient, 2 * numbers, exact, 'gradient')
  end subroutine leaf_on_itself

end module array_gone_cases

program test_array_gone
  use array_gone_cases
  use testing, only: add_case, run_cases
  implicit none

  call add_case('local_array', local_array)
  call add_case('automatic_deallocation', automatic_deallocation)
  call add_case('deleted', deleted)
  call add_case('another_array', another_array)
  call add_case('blob', blob)
  call add_case('leaf', leaf)
  call add_case('row', row)
  call add_case('several', several)
  call add_case('leaf_on_itself', leaf_on_itself)
  call run_cases()
end program test_array_gone
