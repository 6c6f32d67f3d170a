! SPDX-License-Identifier: MIT
!> Models that keep tensors, write their input, or return one memory twice.
module model_state_cases
  use, intrinsic :: iso_fortran_env, only: int64, real64
  use ftorch
  use model_files, only: model_file
  use testing, only: check, check_close, check_equal, check_status
  implicit none
  private
  public :: returned_state, kept_input, kept_input_nested, written_input, written_input_in_graph
  public :: one_memory, shared_outputs, no_graph, loop_without_gradients

  real(real64), parameter :: exact = 0

contains

  !> Results of three calls, which add [1, 2] each, stay what they were.
  subroutine returned_state()
    character(len=22), parameter :: names(2) = &
      [character(len=22) :: 'accumulating', 'accumulating_attribute']
    type(torch_model) :: model
    type(torch_tensor) :: x(1), y(3)
    real(real64), target :: xa(2), first(2)
    real(real64) :: values(2)
    integer :: i, k

    xa = [1, 2]
    call torch_tensor_from_array(x(1), xa, torch_kCPU)
    do k = 1, size(names)
      call torch_model_load(model, model_file(trim(names(k)) // '.pt'), torch_kCPU)
      call torch_delete(y)
      call torch_tensor_from_array(y(1), first, torch_kCPU)
      call torch_tensor_zeros(y(2), 1, [2_int64], torch_kFloat64, torch_kCPU)
      call torch_tensor_zeros(y(3), 1, [2_int64], torch_kFloat64, torch_kCPU)
      do i = 1, 3
        call torch_model_forward(model, x, y(i:i))
      end do
      do i = 1, 3
        values = y(i)
        call check_close(values, i * xa, exact, names(k))
      end do
      call check_close(first, xa, exact, 'the array')
    end do
  end subroutine returned_state

  subroutine kept_input()
    call run_delay('delay.pt')
    call run_delay('delay_attribute.pt')
    call run_delay('delay_list.pt')
  end subroutine kept_input

  subroutine kept_input_nested()
    call run_delay('nested_delay.pt')
  end subroutine kept_input_nested

  !> The model returns the input of the call before, whatever the array holds by then.
  subroutine run_delay(name)
    character(len=*), intent(in) :: name
    type(torch_model) :: model
    type(torch_tensor) :: x(1), y(1)
    real(real64), target :: xa(2), ya(2)
    integer :: i

    call torch_model_load(model, model_file(name), torch_kCPU)
    call torch_tensor_from_array(x(1), xa, torch_kCPU)
    call torch_tensor_from_array(y(1), ya, torch_kCPU)
    do i = 1, 4
      xa = [i, 10 * i]
      call torch_model_forward(model, x, y, requires_grad=mod(i, 2) == 0)
      call check_close(ya, real([i - 1, 10 * (i - 1)], real64), exact, name)
      xa = -1
    end do
  end subroutine run_delay

  subroutine written_input()
    type(torch_model) :: model
    type(torch_tensor) :: x(1), y(1)
    real(real64), target :: xa(3, 2), ya(2)

    xa = 0
    xa(2, :) = [1, 2]
    call torch_model_load(model, model_file('doubling.pt'), torch_kCPU)
    call torch_tensor_from_array(x(1), xa(2, :), torch_kCPU)
    call torch_tensor_from_array(y(1), ya, torch_kCPU)
    call torch_model_forward(model, x, y)
    call check_close(xa(2, :), [2.0_real64, 4.0_real64], exact, 'the array follows')
    call check_close(ya, [3.0_real64, 5.0_real64], exact, 'output')
    call check_close(sum(abs(xa)), 6.0_real64, exact, 'beside the section')
  end subroutine written_input

  !> A graph holds the input, by the tensor that the model writes and by another over the array.
  subroutine written_input_in_graph()
    type(torch_model) :: model
    type(torch_tensor) :: x(1), other, y(1), w, l, g
    real(real64), target :: xa(2), wa(2), ya(2)
    real(real64) :: values(2)
    integer :: i

    wa = 3
    call torch_model_load(model, model_file('doubling.pt'), torch_kCPU)
    call torch_tensor_from_array(x(1), xa, torch_kCPU)
    call torch_tensor_from_array(other, xa, torch_kCPU)
    call torch_tensor_from_array(y(1), ya, torch_kCPU)
    call torch_tensor_from_array(w, wa, torch_kCPU, requires_grad=.true.)
    do i = 1, 2
      xa = [5, 7]
      call w%zero_grad()
      if (i == 1) l = w * x(1)
      if (i == 2) l = w * other
      call torch_model_forward(model, x, y)
      call check_close(xa, [10.0_real64, 14.0_real64], exact, 'the array follows')
      values = other
      call check_close(values, xa, exact, 'and the other tensor')
      call torch_tensor_backward(l)
      call torch_tensor_get_gradient(g, w)
      values = g
      call check_close(values, [5.0_real64, 7.0_real64], exact, 'gradient')
    end do
  end subroutine written_input_in_graph

  subroutine one_memory()
    type(torch_model) :: model
    type(torch_tensor) :: x(1), y(3)
    real(real64), target :: xa(2)
    real(real64) :: values(2), part(1)
    integer :: i

    xa = [1, 2]
    call torch_model_load(model, model_file('twin.pt'), torch_kCPU)
    call torch_tensor_from_array(x(1), xa, torch_kCPU)
    do i = 1, 2
      call torch_tensor_zeros(y(i), 1, [2_int64], torch_kFloat64, torch_kCPU)
    end do
    call torch_tensor_zeros(y(3), 1, [1_int64], torch_kFloat64, torch_kCPU)
    call torch_model_forward(model, x, y)
    call torch_tensor_zero(y(1))
    values = y(2)
    call check_close(values, [2.0_real64, 4.0_real64], exact, 'the second')
    call torch_tensor_zero(y(2))
    part = y(3)
    call check_close(part, 2.0_real64, exact, 'the third')
  end subroutine one_memory

  !> Outputs over one memory are refused before the model runs: its state is as before.
  subroutine shared_outputs()
    type(torch_model) :: model
    type(torch_tensor) :: x(1), y(2), part
    type(torch_status) :: status
    real(real64), target :: xa(2), ya(3)

    xa = 1
    ya = -1
    call torch_tensor_from_array(x(1), xa, torch_kCPU)
    call torch_tensor_from_array(y(1), ya(1:2), torch_kCPU)
    call torch_tensor_from_array(y(2), ya(2:3), torch_kCPU)
    call torch_tensor_zeros(part, 1, [1_int64], torch_kFloat64, torch_kCPU)
    call torch_model_load(model, model_file('twin.pt'), torch_kCPU)
    call torch_model_forward(model, x, [y(1), y(2), part], status=status)
    call check_status(status, torch_invalid_argument, 'output_tensors(2)')
    call torch_model_forward(model, x, [y(1), part, y(1)], status=status)
    call check_status(status, torch_invalid_argument, 'output_tensors(1)')
    call check_close(ya, -1.0_real64, exact, 'nothing written')
    call torch_model_load(model, model_file('accumulating.pt'), torch_kCPU)
    call torch_model_forward(model, x, y, status=status)
    call check_status(status, torch_invalid_argument, 'shares its memory')
    call torch_model_forward(model, x, y(1:1))
    call check_close(ya(1:2), 1.0_real64, exact, 'it had not run')
  end subroutine shared_outputs

  !> Whatever ran before, a pass without gradients gives a tensor that follows its array.
  subroutine no_graph()
    logical, parameter :: graph(11) = [.true., .true., .true., .false., .false., .true., .false., &
                                       .false., .true., .false., .false.]
    type(torch_model) :: model
    type(torch_tensor) :: x(1), y(1)
    real(real64), target :: xa(5, 8), ya(5, 4)
    real(real64) :: values(5, 4)
    integer :: i

    xa = 1
    call torch_model_load(model, model_file('mlp_float64.pt'), torch_kCPU)
    call torch_tensor_from_array(x(1), xa, torch_kCPU)
    call torch_tensor_from_array(y(1), ya, torch_kCPU)
    do i = 1, size(graph)
      call torch_model_forward(model, x, y, requires_grad=graph(i))
      call check(y(1)%requires_grad() .eqv. graph(i), 'requires_grad')
      ya = 7
      values = y(1)
      call check(all(abs(values - 7) <= 0) .neqv. graph(i), 'follows the array')
    end do
  end subroutine no_graph

  !> u = u + net(u), after a pass with gradients: memory and tensors do not grow.
  subroutine loop_without_gradients()
    type(torch_model) :: model
    type(torch_tensor) :: u(1), y(1)
    integer(int64) :: live
    integer(int64) :: before
    integer :: i

    before = 0
    call torch_model_load(model, model_file('recurrent.pt'), torch_kCPU)
    call torch_tensor_ones(u(1), 1, [2_int64], torch_kFloat64, torch_kCPU)
    call torch_tensor_ones(y(1), 1, [2_int64], torch_kFloat64, torch_kCPU)
    do i = 1, 3
      call torch_model_forward(model, u, y, requires_grad=.true.)
    end do
    live = torch_live_tensors()
    do i = 1, 30000
      call torch_model_forward(model, u, y)
      call torch_tensor_add(u(1), u(1), y(1))
      if (i == 10000) before = resident_kilobytes()
    end do
    call check(.not. u(1)%requires_grad(), 'no graph')
    call check_equal([torch_live_tensors()], [live], 'live tensors')
    call check(resident_kilobytes() - before < 1000, 'resident memory grows')
  end subroutine loop_without_gradients

  integer(int64) function resident_kilobytes()
    integer :: unit
    integer(int64) :: pages  ! of address space, too, of which sanitizers take much

    open (newunit=unit, file='/proc/self/statm', action='read')
    read (unit, *) pages, pages
    close (unit)
    resident_kilobytes = 4 * pages
  end function resident_kilobytes

end module model_state_cases

program test_model_state
  use model_state_cases
  use testing, only: add_case, run_cases
  implicit none

  call add_case('returned_state', returned_state, 'models')
  call add_case('kept_input', kept_input, 'models')
  call add_case('kept_input_nested', kept_input_nested, 'models')
  call add_case('written_input', written_input, 'models')
  call add_case('written_input_in_graph', written_input_in_graph, 'models')
  call add_case('one_memory', one_memory, 'models')
  call add_case('shared_outputs', shared_outputs, 'models')
  call add_case('no_graph', no_graph, 'models')
  call add_case('loop_without_gradients', loop_without_gradients, 'models')
  call run_cases()
end program test_model_state
