// SPDX-License-Identifier: MIT
// An optimizer: what it accepts, and how it brings parameters before the fused kernels, which walk raw memory.

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/view_as_real.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <cmath>
#include <sstream>

#include "optim.h"
#include "wrapped.h"

namespace ftorch {
namespace {

std::string number_text(double number) {
  std::ostringstream text;
  text << number;
  return std::move(text).str();
}

void check_hyperparameters(const OptimizerRow& row, const std::vector<double>& values) {
  if (values.size() != row.hyperparameters.size())
    fail(ft_invalid_argument, std::to_string(values.size()) + " hyperparameters were given, " +
                                  std::to_string(row.hyperparameters.size()) + " are needed");
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto& [name, below] = row.hyperparameters[i];
    if (values[i] >= 0 && values[i] < below) continue;
    const std::string bound = std::isinf(below) ? "" : " and below " + number_text(below);
    fail(ft_invalid_argument, std::string(name) + " is " + number_text(values[i]) +
                                  "; it must be a number of at least 0" + bound);
  }
  if (const char* rule = row.broken_rule(values.data())) fail(ft_invalid_argument, rule);
}

void check_parameters(const std::vector<at::Tensor>& parameters) {
  if (parameters.empty()) fail(ft_invalid_argument, "there are no parameters");
  for (auto one = parameters.begin(); one != parameters.end(); ++one) {
    const std::string name = "parameters(" + std::to_string(one - parameters.begin() + 1) + ")";
    if (!one->requires_grad()) fail(ft_invalid_argument, name + " was made without requires_grad");
    if (!one->is_leaf())
      fail(ft_invalid_argument,
           name + " is no leaf but the result of an operation; train a tensor made with requires_grad");
    if (std::any_of(parameters.begin(), one, [&](const at::Tensor& other) { return other.is_same(*one); }))
      fail(ft_invalid_argument, name + " was given before");
  }
}

/// Complex numbers as pairs of real ones, as torch.optim steps them.
at::Tensor as_real(const at::Tensor& tensor) { return tensor.is_complex() ? at::view_as_real(tensor) : tensor; }

at::Tensor like(const at::Tensor& gradient, const at::Tensor& parameter) {
  if (gradient.strides() == parameter.strides()) return gradient;
  return at::empty_like(parameter).copy_(gradient);
}

}  // namespace

Optimizer::Optimizer(const OptimizerRow& row, std::vector<double> hyperparameters,
                     const std::vector<at::Tensor>& parameters)
    : row_(row), hyperparameters_(std::move(hyperparameters)) {
  check_hyperparameters(row_, hyperparameters_);
  check_parameters(parameters);
  state_ = row_.state(hyperparameters_.data());
  for (const at::Tensor& parameter : parameters)
    parameters_.push_back({parameter, {}, std::vector<at::Tensor>(state_.size())});
}

void Optimizer::add_to_batch(std::vector<Batch>& batches, std::vector<WriteBack>& write_back,
                             Parameter& parameter) const {
  const at::Tensor to = as_real(parameter.tensor);
  const at::Tensor from = to.is_non_overlapping_and_dense() ? to : to.contiguous();
  if (!from.is_same(to)) write_back.push_back({to, from});
  const bool first_step = !parameter.step.defined();
  if (first_step) {
    parameter.step = at::zeros({}, at::TensorOptions(at::kFloat).device(to.device()));
    for (std::size_t k = 0; k < state_.size(); ++k) {
      if (state_[k]) parameter.state[k] = at::zeros_like(from);
    }
  }
  auto batch = std::find_if(batches.begin(), batches.end(), [&](const Batch& one) {
    return one.first_step == first_step && one.parameters[0].scalar_type() == to.scalar_type() &&
           one.parameters[0].device() == to.device();
  });
  if (batch == batches.end()) {
    batch = batches.emplace(batches.end());
    batch->state.resize(state_.size());
    batch->first_step = first_step;
  }
  batch->gradients.push_back(like(as_real(parameter.tensor.grad()), from));
  batch->parameters.push_back(from);
  batch->steps.push_back(parameter.step);
  for (std::size_t k = 0; k < state_.size(); ++k) {
    if (state_[k]) batch->state[k].push_back(parameter.state[k]);
  }
}

void Optimizer::step() {
  at::NoGradGuard no_grad;
  std::vector<Batch> batches;
  std::vector<WriteBack> write_back;
  for (Parameter& parameter : parameters_) {
    const at::Tensor& gradient = parameter.tensor.grad();
    if (!gradient.defined()) continue;
    if (gradient.layout() != at::kStrided) fail(ft_invalid_argument, "a sparse gradient cannot be stepped");
    prepare_write_in_place(parameter.tensor);
    add_to_batch(batches, write_back, parameter);
  }
  for (const Batch& batch : batches) {
    for (const at::Tensor& step : batch.steps) step.add_(1);
    row_.step(hyperparameters_.data(), batch);
  }
  for (const auto& [to, from] : write_back) to.copy_(from);
}

void Optimizer::zero_gradient() {
  for (Parameter& parameter : parameters_) parameter.tensor.mutable_grad().reset();
}

}  // namespace ftorch
