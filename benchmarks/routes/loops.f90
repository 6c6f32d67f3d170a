! SPDX-License-Identifier: MIT
!> The network as loops over its weights: `loops MODEL BATCH CALLS`.
program loops
  use, intrinsic :: iso_fortran_env, only: real32
  use ftorch, only: torch_kCPU, torch_model, torch_model_get_parameter, torch_model_load, torch_tensor, torch_tensor_to_array
  use routes, only: argument, print_results, sample
  implicit none
  real(real32), allocatable, target :: x(:, :), y(:, :)
  real(real32) :: weight1(32, 8), bias1(32), weight2(32, 32), bias2(32), weight3(4, 32), bias3(4)
  type(torch_model) :: model
  character(len=1024) :: filename
  integer :: i

  call get_command_argument(1, filename)
  call sample(x, y, argument(2))
  call torch_model_load(model, filename, torch_kCPU)
  call read_matrix('0.weight', weight1)
  call read_vector('0.bias', bias1)
  call read_matrix('2.weight', weight2)
  call read_vector('2.bias', bias2)
  call read_matrix('4.weight', weight3)
  call read_vector('4.bias', bias3)
  do i = 1, argument(3)
    call forward(x, y)
  end do
  call print_results(y)

contains

  subroutine forward(x, y)
    real(real32), intent(in) :: x(:, :)
    real(real32), intent(out) :: y(:, :)
    real(real32) :: hidden(32), other(32)
    integer :: column, i

    do column = 1, size(x, 2)
      hidden = bias1
      do i = 1, 8
        hidden = hidden + weight1(:, i) * x(i, column)
      end do
      hidden = tanh(hidden)
      other = bias2
      do i = 1, 32
        other = other + weight2(:, i) * hidden(i)
      end do
      other = tanh(other)
      y(:, column) = bias3
      do i = 1, 32
        y(:, column) = y(:, column) + weight3(:, i) * other(i)
      end do
    end do
  end subroutine forward

  subroutine read_matrix(name, numbers)
    character(len=*), intent(in) :: name
    real(real32), intent(out) :: numbers(:, :)
    type(torch_tensor) :: parameter

    call torch_model_get_parameter(parameter, model, name)
    call torch_tensor_to_array(parameter, numbers)
  end subroutine read_matrix

  subroutine read_vector(name, numbers)
    character(len=*), intent(in) :: name
    real(real32), intent(out) :: numbers(:)
    type(torch_tensor) :: parameter

    call torch_model_get_parameter(parameter, model, name)
    call torch_tensor_to_array(parameter, numbers)
  end subroutine read_vector

end program loops
