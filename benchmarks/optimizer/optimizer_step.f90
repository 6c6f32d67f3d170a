! SPDX-License-Identifier: MIT
!> Steps of an optimizer on small parameters, those of networks 8-32-32-4: `optimizer_step OPTIMIZER PARAMETERS STEPS`.
program optimizer_step
  use, intrinsic :: iso_fortran_env, only: int64, real64
  use ftorch
  implicit none
  integer(int64), parameter :: shapes(2, 6) = reshape([32, 8, 1, 32, 32, 32, 1, 32, 4, 32, 1, 4], [2, 6])
  type(torch_tensor), allocatable :: weights(:)
  type(torch_tensor) :: loss
  type(torch_optim) :: optim
  character(len=32) :: optimizer, argument
  real(real64) :: total
  integer :: parameters, steps, i

  call get_command_argument(1, optimizer)
  call get_command_argument(2, argument)
  read (argument, *) parameters
  call get_command_argument(3, argument)
  read (argument, *) steps
  allocate(weights(parameters))
  do i = 1, parameters
    call torch_tensor_ones(weights(i), 2, shapes(:, mod(i - 1, 6) + 1), torch_kFloat32, torch_kCPU, requires_grad=.true.)
    call torch_tensor_sum(loss, weights(i) * weights(i))
    call torch_tensor_backward(loss)
  end do
  select case (optimizer)
  case ('SGD')
    call torch_optim_SGD(optim, weights, momentum=0.9)
  case ('Adam')
    call torch_optim_Adam(optim, weights)
  case ('AdamW')
    call torch_optim_AdamW(optim, weights)
  case default
    error stop 'no such optimizer'
  end select
  do i = 1, steps
    call optim%step()
  end do
  total = 0
  do i = 1, parameters
    total = total + element(weights(i))
  end do
  print '(es20.12)', total

contains

  !> One element of a tensor; all have one value.
  function element(weight) result(value)
    type(torch_tensor), intent(in) :: weight
    real(real64) :: value
    real, target :: number
    type(torch_tensor) :: mean

    call torch_tensor_from_array(mean, number, torch_kCPU)
    call torch_tensor_mean(mean, weight)
    value = number
  end function element

end program optimizer_step
