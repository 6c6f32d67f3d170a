! SPDX-License-Identifier: MIT
!> A training loop with two groups, a falling learning rate, clipped gradients, and steps that may be left out.
program training_loop
  use, intrinsic :: iso_fortran_env, only: real64
  use ftorch
  implicit none
  integer, parameter :: columns = 32, parts = 4
  real(real64), target :: temperature(columns, 1)  ! [°C]
  real(real64), target :: pressure(columns, 1)     ! [hPa], from the network
  real(real64), target :: truth(columns, 1)        ! [hPa], from the formula
  real(real64), target :: loss_value               ! [hPa²]
  real(real64) :: norm
  type(torch_model) :: network
  type(torch_tensor) :: input(1), output(1), target_output, loss, parameters(4)
  type(torch_optim) :: optimizer
  type(torch_scheduler) :: warm_up, decay, schedule
  integer :: step, part, i

  call torch_tensor_from_array(input(1), temperature, torch_kCPU)
  call torch_tensor_from_array(output(1), pressure, torch_kCPU)
  call torch_tensor_from_array(target_output, truth, torch_kCPU)
  call torch_tensor_from_array(loss, loss_value, torch_kCPU)
  call torch_model_load(network, 'vapour_pressure.pt2', torch_kCPU, is_training=.true.)
  call torch_model_parameters(network, parameters)

  ! Weights decay, biases do not.
  call torch_optim_AdamW(optimizer, parameters([1, 3]), learning_rate=0.02, weight_decay=1.0e-4)
  call optimizer%add_parameters(parameters([2, 4]), weight_decay=0)
  call optimizer%skip_nonfinite(.true.)

  ! 50 steps up, then down as a cosine.
  call torch_scheduler_LinearLR(warm_up, optimizer, start_factor=0.1, total_iters=50)
  call torch_scheduler_CosineAnnealingLR(decay, optimizer, T_max=950)
  call torch_scheduler_SequentialLR(schedule, optimizer, [warm_up, decay], [50])

  do step = 1, 1000
    call optimizer%zero_grad()
    ! Gradients of several backward passes add up: four parts are one large batch.
    do part = 1, parts
      temperature(:, 1) = [(5 + 35*sin(0.37_real64*((parts*step + part)*columns + i)), i = 1, columns)]
      truth = saturation_pressure(temperature)
      ! What a sensor may say in the middle of the night.
      if (step == 300) truth(1, 1) = huge(truth)
      call torch_model_forward(network, input, output, requires_grad=.true.)
      call torch_loss_mse(loss, output(1), target_output)
      call torch_tensor_backward(loss/real(parts, real64))
    end do
    call torch_clip_grad_norm(parameters, 100, norm)
    call optimizer%step()
    call schedule%step()

    if (mod(step, 250) == 0) print '(a, i5, a, f6.2, a, f7.4, a, i0)', 'step', step, ': error ', sqrt(loss_value), &
      ' hPa, learning rate ', optimizer%get_learning_rate(), ', left out: ', optimizer%skipped()
  end do

contains

  !> Magnus formula over water with the coefficients of Sonntag (1990): [hPa] from [°C].
  elemental function saturation_pressure(t) result(e)
    real(real64), intent(in) :: t
    real(real64) :: e

    e = 6.112_real64*exp(17.62_real64*t/(243.12_real64 + t))
  end function saturation_pressure
end program training_loop
