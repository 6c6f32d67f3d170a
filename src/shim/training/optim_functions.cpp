// SPDX-License-Identifier: MIT
// Steps of optimizers for which ATen has no fused kernel.

#include "training/optim_functions.h"

#include <ATen/ops/_foreach_abs.h>
#include <ATen/ops/_foreach_add.h>
#include <ATen/ops/_foreach_addcdiv.h>
#include <ATen/ops/_foreach_addcmul.h>
#include <ATen/ops/_foreach_div.h>
#include <ATen/ops/_foreach_lerp.h>
#include <ATen/ops/_foreach_maximum.h>
#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/_foreach_neg.h>
#include <ATen/ops/_foreach_sqrt.h>

#include <cmath>

namespace ftorch {
namespace {

/// Gradients of what is to be made small, with the L2 penalty in them.
TensorVector penalized(const TensorVector& gradients, const TensorVector& parameters, double weight_decay,
                       bool maximize) {
  const TensorVector downward = maximize ? at::_foreach_neg(gradients) : gradients;
  return weight_decay != 0 ? at::_foreach_add(downward, parameters, weight_decay) : downward;
}

/// The same, or the decay of AdamW, which is done at once.
TensorVector decayed(const TensorVector& gradients, const TensorVector& parameters, double learning_rate,
                     double weight_decay, bool is_decoupled, bool maximize) {
  if (is_decoupled && weight_decay != 0) at::_foreach_mul_(parameters, 1 - learning_rate * weight_decay);
  return penalized(gradients, parameters, is_decoupled ? 0 : weight_decay, maximize);
}

double number_in(const at::Tensor& scalar) { return *static_cast<const float*>(scalar.unsafeGetTensorImpl()->data()); }

/// f(step) for the number of steps of each parameter.
template <class F>
std::vector<at::Scalar> for_each_step(const TensorVector& steps, const F& f) {
  std::vector<at::Scalar> numbers;
  for (const at::Tensor& step : steps) numbers.emplace_back(f(number_in(step)));
  return numbers;
}

}  // namespace

void rmsprop(const TensorVector& parameters, const TensorVector& gradients, const TensorVector& square_avg,
             const TensorVector& momentum_buffer, const TensorVector& grad_avg, double learning_rate, double alpha,
             double eps, double weight_decay, double momentum, bool centered, bool maximize) {
  const TensorVector gradient = penalized(gradients, parameters, weight_decay, maximize);
  at::_foreach_mul_(square_avg, alpha);
  at::_foreach_addcmul_(square_avg, gradient, gradient, 1 - alpha);
  TensorVector scale;
  if (centered) {
    at::_foreach_lerp_(grad_avg, gradient, 1 - alpha);
    scale = at::_foreach_addcmul(square_avg, grad_avg, grad_avg, -1);
    at::_foreach_sqrt_(scale);
  } else {
    scale = at::_foreach_sqrt(square_avg);
  }
  at::_foreach_add_(scale, eps);
  if (momentum > 0) {
    at::_foreach_mul_(momentum_buffer, momentum);
    at::_foreach_addcdiv_(momentum_buffer, gradient, scale);
    at::_foreach_add_(parameters, momentum_buffer, -learning_rate);
  } else {
    at::_foreach_addcdiv_(parameters, gradient, scale, -learning_rate);
  }
}

void adamax(const TensorVector& parameters, const TensorVector& gradients, const TensorVector& exp_avg,
            const TensorVector& exp_inf, const TensorVector& steps, double learning_rate, double beta_1, double beta_2,
            double eps, double weight_decay, bool maximize) {
  const TensorVector gradient = penalized(gradients, parameters, weight_decay, maximize);
  at::_foreach_lerp_(exp_avg, gradient, 1 - beta_1);
  const TensorVector size = at::_foreach_abs(gradient);
  at::_foreach_add_(size, eps);
  at::_foreach_mul_(exp_inf, beta_2);
  at::_foreach_maximum_(exp_inf, size);
  const auto scale = for_each_step(steps, [&](double step) { return -learning_rate / (1 - std::pow(beta_1, step)); });
  at::_foreach_addcdiv_(parameters, exp_avg, exp_inf, scale);
}

void nadam(const TensorVector& parameters, const TensorVector& gradients, const TensorVector& mu_product,
           const TensorVector& exp_avg, const TensorVector& exp_avg_sq, const TensorVector& steps, double learning_rate,
           double beta_1, double beta_2, double eps, double weight_decay, double momentum_decay,
           bool decoupled_weight_decay, bool maximize) {
  const TensorVector gradient = decayed(gradients, parameters, learning_rate, weight_decay, decoupled_weight_decay,
                                        maximize);
  const auto mu_of = [&](double step) { return beta_1 * (1 - 0.5 * std::pow(0.96, step * momentum_decay)); };
  std::vector<at::Scalar> of_gradient, of_average;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const double step = number_in(steps[i]);
    const double mu = mu_of(step), mu_next = mu_of(step + 1);
    mu_product[i].mul_(mu);
    const double product = number_in(mu_product[i]);
    of_gradient.emplace_back(-learning_rate * (1 - mu) / (1 - product));
    of_average.emplace_back(-learning_rate * mu_next / (1 - product * mu_next));
  }
  at::_foreach_lerp_(exp_avg, gradient, 1 - beta_1);
  at::_foreach_mul_(exp_avg_sq, beta_2);
  at::_foreach_addcmul_(exp_avg_sq, gradient, gradient, 1 - beta_2);
  const TensorVector scale = at::_foreach_div(
      exp_avg_sq, for_each_step(steps, [&](double step) { return 1 - std::pow(beta_2, step); }));
  at::_foreach_sqrt_(scale);
  at::_foreach_add_(scale, eps);
  at::_foreach_addcdiv_(parameters, gradient, scale, of_gradient);
  at::_foreach_addcdiv_(parameters, exp_avg, scale, of_average);
}

void radam(const TensorVector& parameters, const TensorVector& gradients, const TensorVector& exp_avg,
           const TensorVector& exp_avg_sq, const TensorVector& steps, double learning_rate, double beta_1,
           double beta_2, double eps, double weight_decay, bool decoupled_weight_decay, bool maximize) {
  const TensorVector gradient = decayed(gradients, parameters, learning_rate, weight_decay, decoupled_weight_decay,
                                        maximize);
  at::_foreach_lerp_(exp_avg, gradient, 1 - beta_1);
  at::_foreach_mul_(exp_avg_sq, beta_2);
  at::_foreach_addcmul_(exp_avg_sq, gradient, gradient, 1 - beta_2);
  const double rho_inf = 2 / (1 - beta_2) - 1;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const double step = number_in(steps[i]);
    const double correction = 1 - std::pow(beta_2, step);
    const double rho = rho_inf - 2 * step * std::pow(beta_2, step) / correction;
    const at::Tensor average = exp_avg[i].div(1 - std::pow(beta_1, step)).mul_(learning_rate);
    if (rho > 5) {
      const double rectification = std::sqrt((rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho));
      average.mul_(exp_avg_sq[i].sqrt().add_(eps).reciprocal_().mul_(std::sqrt(correction))).mul_(rectification);
    }
    parameters[i].sub_(average);
  }
}

}  // namespace ftorch
