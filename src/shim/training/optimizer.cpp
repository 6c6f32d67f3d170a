// SPDX-License-Identifier: MIT
// What optimizers have in common: groups of parameters and their hyperparameters.

#include <ATen/core/grad_mode.h>
#include <ATen/ops/_foreach_norm.h>

#include <algorithm>
#include <cmath>

#include "training/optim.h"

namespace ftorch {

void Optimizer::check_values(const std::vector<double>& hyperparameters) const {
  check_hyperparameters(row_.hyperparameters, hyperparameters);
  if (const char* rule = row_.broken_rule(hyperparameters.data())) fail(ft_invalid_argument, rule);
}

void Optimizer::add_group(std::vector<double> hyperparameters, std::vector<Parameter> parameters) {
  check_values(hyperparameters);
  std::vector<const Parameter*> all;
  for (const Parameter& parameter : parameters_) all.push_back(&parameter);
  for (Parameter& parameter : parameters) {
    parameter.group = groups_.size();
    if (!groups_.empty()) parameter.name += " of group " + std::to_string(groups_.size() + 1);
    all.push_back(&parameter);
  }
  check_distinct(all);
  check_disjoint(all);
  if (groups_.empty()) defaults_ = hyperparameters;
  parameters_.reserve(all.size());
  groups_.push_back({std::move(hyperparameters), {}});
  std::move(parameters.begin(), parameters.end(), std::back_inserter(parameters_));
}

std::optional<std::size_t> Optimizer::place_of(std::string_view hyperparameter) const {
  const auto has_name = [&](const Hyperparameter& one) { return one.name == hyperparameter; };
  const auto found = std::find_if(row_.hyperparameters.begin(), row_.hyperparameters.end(), has_name);
  if (found == row_.hyperparameters.end()) return std::nullopt;
  return static_cast<std::size_t>(found - row_.hyperparameters.begin());
}

void Optimizer::set_hyperparameter(std::size_t group, std::size_t place, double value) {
  check_range(row_.hyperparameters[place], value);
  groups_[group].hyperparameters[place] = value;
  if (place > 0) hyperparameters_changed(group);
}

bool Optimizer::step_with(double /*loss*/, bool /*is_first*/) {
  step();
  return false;
}

void Optimizer::zero_gradient() {
  for (Parameter& parameter : parameters_) parameter.gradient().reset();
}

/// The largest absolute value is finite exactly if all are.
bool Optimizer::skips(const std::vector<at::Tensor>& gradients) {
  std::vector<at::Tensor> with_numbers;
  for (const at::Tensor& gradient : gradients) {
    if (gradient.numel() > 0) with_numbers.push_back(gradient);
  }
  if (with_numbers.empty()) return false;
  const auto norms = at::_foreach_norm(with_numbers, INFINITY);
  const auto is_finite = [](const at::Tensor& norm) { return std::isfinite(norm.item<double>()); };
  if (std::all_of(norms.begin(), norms.end(), is_finite)) return false;
  ++skipped_;
  return true;
}

}  // namespace ftorch
