// SPDX-License-Identifier: MIT
// Losses that LibTorch has only in Python, and what all need.

#include "training/loss_functions.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/Reduction.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/log.h>

#include <cmath>
#include <numbers>

#include "core/error.h"
#include "tensor/convert.h"

namespace ftorch {

at::Tensor gaussian_nll_loss(const at::Tensor& input, const at::Tensor& target, const at::Tensor& variance, bool full,
                             double eps, int64_t reduction) {
  const at::Tensor bounded = variance.clone();
  {
    // The gradient of what is too small is that of the least variance.
    at::NoGradGuard no_grad;
    bounded.clamp_min_(eps);
  }
  at::Tensor loss = 0.5 * (at::log(bounded) + (input - target).pow(2) / bounded);
  if (full) loss = loss + 0.5 * std::log(2 * std::numbers::pi);
  if (reduction == at::Reduction::None) return loss;
  return reduction == at::Reduction::Mean ? loss.mean() : loss.sum();
}

std::optional<at::Tensor> expanded(const std::optional<at::Tensor>& weight, const at::Tensor& input, const char* name) {
  if (!weight) return {};
  const at::IntArrayRef from = weight->sizes();
  const at::IntArrayRef to = input.sizes();
  bool fits = from.size() <= to.size();
  for (std::size_t i = 1; fits && i <= from.size(); ++i) {
    const int64_t extent = from[from.size() - i];
    fits = extent == 1 || extent == to[to.size() - i];
  }
  if (!fits)
    fail(ft_shape_mismatch, std::string(name) + " has shape " + shape_text(from) +
                                ", which does not broadcast to that of input_tensor, " + shape_text(to));
  return weight->expand(to);
}

int64_t whole_number(double value, const char* name) {
  constexpr double limit = 9007199254740992.0;
  if (!(std::abs(value) <= limit) || value != std::floor(value))
    fail(ft_invalid_argument, std::string(name) + " is " + std::to_string(value) + ", no whole number");
  return static_cast<int64_t>(value);
}

}  // namespace ftorch
