// SPDX-License-Identifier: MIT
// An optimizer's step: all that can fail comes first, then the kernels, which walk raw memory.

#include <ATen/core/grad_mode.h>
#include <ATen/ops/_foreach_add.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/view_as_real.h>
#include <ATen/ops/zeros.h>
#include <c10/util/ScopeExit.h>

#include <algorithm>

#include "core/thread.h"
#include "tensor/alias_registry.h"
#include "tensor/elements.h"
#include "tensor/tensor.h"
#include "training/optim.h"

namespace ftorch {
namespace {

/// Complex numbers as pairs of real ones, as torch.optim steps them.
at::Tensor as_real(const at::Tensor& tensor) { return tensor.is_complex() ? at::view_as_real(tensor) : tensor; }

at::Tensor dense_form(const at::Tensor& real) {
  return real.is_non_overlapping_and_dense() ? real : at::empty(real.sizes(), real.options().requires_grad(false));
}

/// True when both walk their elements in one order.
bool have_one_layout(const at::Tensor& a, const at::Tensor& b) {
  if (a.strides() == b.strides()) return true;
  for (int64_t i = 0; i < a.dim(); ++i) {
    if (a.size(i) > 1 && a.stride(i) != b.stride(i)) return false;
  }
  return true;
}

/// The gradient as the kernel of `parameter` can walk it.
at::Tensor dense_gradient(const at::Tensor& gradient, const at::Tensor& parameter) {
  const bool is_lazy = gradient.is_conj() || gradient.is_neg() || gradient._is_zerotensor();
  const at::Tensor real = as_real(is_lazy ? gradient.clone() : gradient);
  return have_one_layout(real, parameter) ? real : at::empty_like(parameter).copy_(real);
}

/// Fails for a step that would change an array which may be gone, or a tensor that nobody sees.
void check_reachable(const GivenParameter& given, std::size_t index) {
  const Tensor* const found = tensors.find(given.tensor);
  if (found ? found->value.is_same(given.leaf) : !given.has_array) [[likely]]
    return;
  fail(ft_invalid_argument, parameter_name(index) +
                                (found ? " was assigned another value since the optimizer was made"
                                       : " was released, and the array that it was made over may be gone") +
                                "; make the optimizer anew");
}

/// The tensor behind a parameter that is a copy of an array of the host, or null.
Tensor* with_host_array(const GivenParameter& given) {
  return given.copies_array ? tensors.find(given.tensor) : nullptr;
}

void check_gradient(const at::Tensor& gradient, const at::Tensor& leaf, std::size_t index) {
  const char* const what = gradient.layout() != at::kStrided              ? "is sparse"
                           : gradient.scalar_type() != leaf.scalar_type() ? "has another dtype"
                           : gradient.device() != leaf.device()           ? "is on another device"
                           : gradient.sizes() != leaf.sizes()             ? "has another shape"
                                                                          : nullptr;
  if (what) [[unlikely]]
    fail(ft_invalid_argument, "the gradient of " + parameter_name(index) + " " + what);
}

}  // namespace

Optimizer::Optimizer(const OptimizerRow& row, std::vector<double> hyperparameters,
                     const std::vector<GivenParameter>& parameters)
    : row_(row), hyperparameters_(std::move(hyperparameters)) {
  check_hyperparameters(row_, hyperparameters_);
  state_ = row_.state(hyperparameters_.data());
  at::NoGradGuard no_grad;
  for (const GivenParameter& given : parameters) {
    at::Tensor real = as_real(given.leaf);
    at::Tensor dense = dense_form(real);
    parameters_.push_back({given, std::move(real), std::move(dense), {}, std::vector<at::Tensor>(state_.size())});
  }
}

/// Who takes part; no group is left when that has changed.
void Optimizer::update_turns() {
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    Parameter& parameter = parameters_[i];
    check_reachable(parameter.original, i);
    const at::Tensor& gradient = parameter.original.leaf.mutable_grad();
    Turn turn = Turn::none;
    if (gradient.defined()) {
      check_gradient(gradient, parameter.original.leaf, i);
      turn = parameter.has_stepped ? Turn::later : Turn::first;
    }
    if (turn == parameter.turn) continue;
    parameter.turn = turn;
    groups_.clear();
  }
}

void Optimizer::make_state(Parameter& parameter) const {
  if (!parameter.step.defined())
    parameter.step = at::zeros({}, at::TensorOptions(at::kFloat).device(parameter.dense.device()));
  for (std::size_t k = 0; k < state_.size(); ++k) {
    if (state_[k] && !parameter.state[k].defined()) parameter.state[k] = at::full_like(parameter.dense, *state_[k]);
  }
}

FusedGroup& Optimizer::group_of(std::vector<FusedGroup>& groups, const Parameter& parameter) const {
  const at::Tensor& dense = parameter.dense;
  const bool is_first = parameter.turn == Turn::first;
  const auto found = std::find_if(groups.begin(), groups.end(), [&](const FusedGroup& group) {
    return group.first_step == is_first && group.is_small == is_small(dense) &&
           group.parameters[0].scalar_type() == dense.scalar_type() && group.parameters[0].device() == dense.device();
  });
  if (found != groups.end()) return *found;
  FusedGroup& group = groups.emplace_back();
  group.state.resize(state_.size());
  group.first_step = is_first;
  group.on_host = dense.device().is_cpu();
  group.is_small = is_small(dense);
  return group;
}

void Optimizer::regroup() {
  std::vector<FusedGroup> groups;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    Parameter& parameter = parameters_[i];
    if (parameter.turn == Turn::none) continue;
    make_state(parameter);
    FusedGroup& group = group_of(groups, parameter);
    group.members.push_back(i);
    group.parameters.push_back(parameter.dense);
    group.steps.push_back(parameter.step);
    for (std::size_t k = 0; k < state_.size(); ++k) {
      if (state_[k]) group.state[k].push_back(parameter.state[k]);
    }
  }
  for (FusedGroup& group : groups) group.gradients.reserve(group.members.size());
  groups_ = std::move(groups);
}

/// Brings the numbers of this step before the kernels.
void Optimizer::refresh() {
  for (FusedGroup& group : groups_) {
    for (const std::size_t i : group.members) {
      const Parameter& parameter = parameters_[i];
      if (Tensor* const found = with_host_array(parameter.original); found && found->is_mirror) refresh_mirror(*found);
      group.gradients.push_back(dense_gradient(parameter.original.leaf.mutable_grad(), parameter.dense));
      if (parameter.has_gaps()) copy_numbers(parameter.dense, parameter.real);
    }
  }
  for (const FusedGroup& group : groups_) {
    for (const std::size_t i : group.members) {
      prepare_write_in_place(parameters_[i].original.leaf);
      if (Tensor* const found = with_host_array(parameters_[i].original)) prepare_write(*found);
    }
  }
}

void Optimizer::step(const FusedGroup& group) {
  const OneThread one_thread(group.is_small);
  if (group.on_host) {
    for (const at::Tensor& step : group.steps) ++*static_cast<float*>(step.unsafeGetTensorImpl()->mutable_data());
  } else {
    at::_foreach_add_(group.steps, 1);
  }
  row_.step(hyperparameters_.data(), group);
  for (const std::size_t i : group.members) {
    Parameter& parameter = parameters_[i];
    if (parameter.has_gaps()) copy_numbers(parameter.real, parameter.dense);
    // The kernels do not tell graphs that saved the old numbers.
    parameter.original.leaf.unsafeGetTensorImpl()->bump_version();
    parameter.has_stepped = true;
    if (const Tensor* const found = with_host_array(parameter.original)) copy_numbers(found->attached, found->value);
  }
}

void Optimizer::step() {
  at::NoGradGuard no_grad;
  update_turns();
  if (groups_.empty()) regroup();
  const auto forget_gradients = c10::make_scope_exit([this] {
    for (FusedGroup& group : groups_) group.gradients.clear();
  });
  refresh();
  for (const FusedGroup& group : groups_) step(group);
}

void Optimizer::zero_gradient() {
  for (Parameter& parameter : parameters_) parameter.original.leaf.mutable_grad().reset();
}

}  // namespace ftorch
