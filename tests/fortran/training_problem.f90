! SPDX-License-Identifier: MIT
!> A small problem for trainers: a network, its optimizer, and tensors over a batch.
module training_problem
  use, intrinsic :: iso_fortran_env, only: real64
  use ftorch
  use model_files, only: model_file
  implicit none
  private
  public :: problem, make, free, numbers, number_count

  !> Of the network 8-32-32-4: its tensors, and what they hold together.
  integer, parameter :: parameter_count = 6, number_count = 32 * 8 + 32 + 32 * 32 + 32 + 4 * 32 + 4
  !> A model, its optimizer, and tensors over a batch.
  type :: problem
    real(real64), pointer :: x(:,:) => null(), y(:,:) => null(), output(:,:) => null()
    type(torch_model) :: model
    type(torch_tensor) :: inputs(1), outputs(1), target, parameters(parameter_count)
    type(torch_optim) :: optim
  end type problem

contains

  subroutine make(self, samples)
    type(problem), intent(inout) :: self
    integer, intent(in), optional :: samples
    integer :: n, i, j

    n = 12
    if (present(samples)) n = samples
    allocate (self%x(n,8), self%y(n,4), self%output(n,4))
    do j = 1, 8
      do i = 1, n
        self%x(i,j) = sin(real(i * j, real64))
        if (j <= 4) self%y(i,j) = cos(real(i + j, real64))
      end do
    end do
    call torch_model_load(self%model, model_file('mlp_float64.pt'), torch_kCPU, is_training=.true.)
    call torch_model_parameters(self%model, self%parameters)
    call torch_optim_AdamW(self%optim, self%parameters, learning_rate=0.01_real64)
    call torch_tensor_from_array(self%inputs(1), self%x, torch_kCPU)
    call torch_tensor_from_array(self%outputs(1), self%output, torch_kCPU)
    call torch_tensor_from_array(self%target, self%y, torch_kCPU)
  end subroutine make

  subroutine free(self)
    type(problem), intent(inout) :: self

    call torch_delete(self%inputs)
    call torch_delete(self%outputs)
    call torch_delete(self%target)
    deallocate (self%x, self%y, self%output)
  end subroutine free

  !> All parameters, one after the other.
  function numbers(self) result(values)
    type(problem), intent(in) :: self
    real(real64) :: values(number_count)

    call torch_parameters_to_array(values, self%parameters)
  end function numbers

end module training_problem
