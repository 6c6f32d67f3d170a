! SPDX-License-Identifier: MIT
!> Runs a file of either format again and again: `model_forward FILE SIZES SIZES CALLS`, with the sizes of input and output as
!> PyTorch counts dimensions, `1,24,8`.
program model_forward
  use, intrinsic :: iso_fortran_env, only: real32, real64
  use ftorch, only: torch_kCPU, torch_model, torch_model_forward, torch_model_load, torch_tensor, torch_tensor_from_array
  implicit none
  real(real32), allocatable, target :: numbers(:), results(:)
  type(torch_tensor) :: input, output
  type(torch_model) :: model
  character(len=1024) :: filename, argument
  integer :: calls, i

  call get_command_argument(1, filename)
  call get_command_argument(4, argument)
  read (argument, *) calls
  allocate (numbers(product(sizes(2))), results(product(sizes(3))))
  numbers = [(sin(0.1_real32 * real(i, real32)), i=1, size(numbers))]
  call wrap(input, numbers, sizes(2))
  call wrap(output, results, sizes(3))
  call torch_model_load(model, filename, torch_kCPU)
  do i = 1, calls
    call torch_model_forward(model, input, output)
  end do
  print '(2es24.16)', sum(real(results, real64)), sum(real(results, real64)**2)

contains

  function sizes(place)
    integer, intent(in) :: place
    integer, allocatable :: sizes(:)
    character(len=32) :: text
    integer :: i

    call get_command_argument(place, text)
    allocate (sizes(1 + count([(text(i:i) == ',', i=1, len(text))])))
    read (text, *) sizes
  end function sizes

  !> The last dimension of PyTorch lies contiguous, as eager mode has it: it is the first of the array.
  subroutine wrap(tensor, numbers, sizes)
    type(torch_tensor), intent(inout) :: tensor
    real(real32), intent(in), contiguous, target :: numbers(:)
    integer, intent(in) :: sizes(:)
    real(real32), pointer :: matrix(:, :), series(:, :, :), images(:, :, :, :)

    select case (size(sizes))
    case (2)
      matrix(1:sizes(2), 1:sizes(1)) => numbers
      call torch_tensor_from_array(tensor, matrix, torch_kCPU, permute_dims=[2, 1])
    case (3)
      series(1:sizes(3), 1:sizes(2), 1:sizes(1)) => numbers
      call torch_tensor_from_array(tensor, series, torch_kCPU, permute_dims=[3, 2, 1])
    case (4)
      images(1:sizes(4), 1:sizes(3), 1:sizes(2), 1:sizes(1)) => numbers
      call torch_tensor_from_array(tensor, images, torch_kCPU, permute_dims=[4, 3, 2, 1])
    case default
      error stop 'no such rank'
    end select
  end subroutine wrap

end program model_forward
