! SPDX-License-Identifier: MIT
!> Looks at the weights of vapour_pressure.pt2, freezes some, and makes an ensemble of perturbed copies.
program look_at_weights
  use, intrinsic :: iso_fortran_env, only: real64
  use ftorch
  implicit none
  integer, parameter :: members = 3
  type(torch_model) :: network, ensemble(members)
  type(torch_tensor) :: bias
  type(torch_tensor), allocatable :: parameters(:)
  real(real64), allocatable :: vector(:), values(:)
  integer :: i

  call torch_model_load(network, 'vapour_pressure.pt2', torch_kCPU)
  allocate (parameters(torch_model_num_parameters(network)))
  call torch_model_parameters(network, parameters)
  do i = 1, size(parameters)
    print '(a, t20, *(1x, i0))', torch_model_parameter_name(network, i), parameters(i)%get_shape()
  end do

  ! One weight by its name: the model's own memory.
  call torch_model_get_parameter(bias, network, 'layers.2.bias')
  call bias%zero()

  ! The first layer stays as it is in training.
  call torch_model_freeze(network, 'layers.0.*')
  do i = 1, size(parameters)
    print '(a, t20, 1x, l1)', torch_model_parameter_name(network, i), parameters(i)%requires_grad()
  end do

  ! An ensemble: copies whose weights are one vector each.
  allocate (vector(16 + 16 + 16 + 1), values(members))
  do i = 1, members
    call torch_model_clone(ensemble(i), network)
    call torch_model_parameters(ensemble(i), parameters)
    call torch_parameters_to_array(vector, parameters)
    vector = vector + 0.01_real64*i
    call torch_array_to_parameters(parameters, vector)
    values(i) = vector(size(vector))
  end do
  print '(a, *(f6.2))', 'last weight', values
end program look_at_weights
