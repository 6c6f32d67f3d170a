! SPDX-License-Identifier: MIT
!> Resident memory over a month of model time: `memory MODEL FORWARDS EXPRESSIONS STEPS GRADIENTS JACOBIANS` prints the
!> growth of each in MB.
program memory
  use, intrinsic :: iso_fortran_env, only: int64, real32, real64
  use ftorch
  use ftorch_intrinsics, only: abs, cos, exp, sin, sqrt, sum, tanh
  implicit none
  real(real64), parameter :: limit = 8.0_real64
  real(real32), target :: input(1, 8), output(1, 4), truth(1, 4), loss_value(1)
  real(real64), target :: x_values(1000), y_values(1000), z_values(1000)
  type(torch_tensor) :: inputs(1), outputs(1), target_tensor, loss, parameters(6), x, y, z, d, leaf, total
  type(torch_model) :: model
  type(torch_optim) :: optim
  character(len=1024) :: filename
  logical :: failed

  call get_command_argument(1, filename)
  call random_number(input)
  call random_number(truth)
  call random_number(x_values)
  call random_number(y_values)
  call random_number(z_values)
  call torch_tensor_from_array(inputs(1), input, torch_kCPU)
  call torch_tensor_from_array(outputs(1), output, torch_kCPU)
  call torch_tensor_from_array(target_tensor, truth, torch_kCPU)
  call torch_tensor_from_array(loss, loss_value, torch_kCPU)
  call torch_tensor_from_array(x, x_values, torch_kCPU)
  call torch_tensor_from_array(y, y_values, torch_kCPU)
  call torch_tensor_from_array(z, z_values, torch_kCPU)
  call torch_model_load(model, filename, torch_kCPU, requires_grad=.true., is_training=.true.)
  call torch_model_parameters(model, parameters)
  call torch_optim_Adam(optim, parameters)

  call torch_tensor_full(leaf, 1, [10_int64], 0.5_real64, torch_kFloat64, torch_kCPU)
  call leaf%set_requires_grad(.true.)

  failed = .false.
  call measure('forward passes', forward, count_from(2))
  call measure('lines d = x*y + z', expression, count_from(3))
  call measure('training steps', step, count_from(4))
  call measure('gradients of ten operators', gradient, count_from(5))
  call measure('Jacobians', jacobian, count_from(6))
  if (failed) error stop 1

contains

  subroutine forward()
    call torch_model_forward(model, inputs, outputs)
  end subroutine forward

  subroutine expression()
    d = x * y + z
  end subroutine expression

  subroutine step()
    call optim%zero_grad()
    call torch_model_forward(model, inputs, outputs, requires_grad=.true.)
    call torch_loss_mse(loss, outputs(1), target_tensor)
    call torch_tensor_backward(loss)
    call optim%step()
  end subroutine step

  subroutine gradient()
    total = sum(tanh(exp(sin(leaf) * 0.5_real64 - cos(leaf)) + sqrt(abs(leaf) + leaf * leaf)))
    call leaf%zero_grad()
    call torch_tensor_backward(total)
  end subroutine gradient

  subroutine jacobian()
    d = tanh(exp(sin(leaf) * 0.5_real64 - cos(leaf)) + sqrt(abs(leaf) + leaf * leaf))
    call torch_jacobian(total, d, leaf)
  end subroutine jacobian

  subroutine measure(name, work, iterations)
    character(len=*), intent(in) :: name
    interface
      subroutine work()
        implicit none
      end subroutine work
    end interface
    integer(int64), intent(in) :: iterations
    real(real64) :: growth
    integer(int64) :: i

    do i = 1, iterations / 100
      call work()
    end do
    growth = resident()
    do i = 1, iterations
      call work()
    end do
    growth = resident() - growth
    print '(i10,1x,a,f8.2,a)', iterations, name, growth, ' MB'
    if (growth > limit) failed = .true.
  end subroutine measure

  !> Resident memory of this process in MB, from the kernel.
  function resident() result(megabytes)
    real(real64) :: megabytes
    integer :: unit
    integer(int64) :: pages(2)

    open (newunit=unit, file='/proc/self/statm', action='read', status='old')
    read (unit, *) pages
    close (unit)
    megabytes = real(pages(2), real64) * 4096 / 1.0e6_real64
  end function resident

  function count_from(position) result(number)
    integer, intent(in) :: position
    integer(int64) :: number
    character(len=32) :: argument

    call get_command_argument(position, argument)
    read (argument, *) number
  end function count_from

end program memory
