! SPDX-License-Identifier: MIT
!> The gradient of a parameter, as the mean over the rows of all ranks: rank r has r + 1 rows with the value r + 1.
program mean_gradient
  use, intrinsic :: iso_fortran_env, only: real64
  use ftorch
  use ftorch_mpi
  implicit none
  include 'mpif.h'
  type(torch_communicator) :: communicator
  type(torch_tensor) :: weight(1), loss, gradient
  real(real64), target :: weights(1), values(1)
  real(real64) :: expected
  integer :: rows, i, error

  call MPI_Init(error)
  call torch_communicator_create(communicator, MPI_COMM_WORLD)
  rows = communicator%rank() + 1
  weights = 0.5_real64
  values = 0
  call torch_tensor_from_array(weight(1), weights, torch_kCPU, requires_grad=.true.)
  call torch_tensor_from_array(gradient, values, torch_kCPU)
  loss = torch_sum(weight(1) * real(rows, real64))
  call torch_tensor_backward(loss)
  call torch_mpi_average_gradients(communicator, weight, rows)
  call torch_tensor_get_gradient(gradient, weight(1))
  expected = sum([(real(i, real64)**2, i = 1, communicator%size())]) / sum([(i, i = 1, communicator%size())])
  if (abs(values(1) - expected) > 1e-12_real64) error stop 'mean_gradient: not the mean over all rows'
  if (communicator%rank() == 0) print '(i0, a, f0.4)', communicator%size(), ' ranks, mean gradient ', values
  call torch_communicator_delete(communicator)
  call MPI_Finalize(error)
end program mean_gradient
