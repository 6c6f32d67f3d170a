// SPDX-License-Identifier: MIT
// A step by kernels: all that can fail comes first, then the kernels, which walk raw memory.

#include "training/kernel_optimizer.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/_foreach_add.h>
#include <ATen/ops/full.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/zeros.h>
#include <c10/util/ScopeExit.h>

#include <algorithm>

#include "core/thread.h"
#include "tensor/elements.h"

namespace ftorch {

void KernelOptimizer::add_group(std::vector<double> hyperparameters, std::vector<Parameter> parameters) {
  check_values(hyperparameters);
  for (Parameter& parameter : parameters) parameter.state.resize(kernel_.state.size());
  InitialState initial_state = kernel_.initial_state(hyperparameters.data());
  initial_states_.reserve(initial_states_.size() + 1);
  progress_.reserve(progress_.size() + parameters.size());
  Optimizer::add_group(std::move(hyperparameters), std::move(parameters));
  initial_states_.push_back(std::move(initial_state));
  progress_.resize(parameters_.size());
}

/// A parameter that lacks a state tensor is stepped as on its first step.
void KernelOptimizer::hyperparameters_changed(std::size_t group) {
  InitialState initial_state = kernel_.initial_state(groups_[group].hyperparameters.data());
  const auto are_alike = [](const auto& a, const auto& b) { return a.has_value() == b.has_value(); };
  if (!std::equal(initial_state.begin(), initial_state.end(), initial_states_[group].begin(), are_alike)) {
    calls_.clear();
    for (std::size_t i = 0; i < parameters_.size(); ++i) {
      if (parameters_[i].group != group) continue;
      for (std::size_t k = 0; k < initial_state.size(); ++k) {
        if (initial_state[k] && !parameters_[i].state[k].defined()) progress_[i].has_stepped = false;
      }
    }
  }
  initial_states_[group] = std::move(initial_state);
}

/// Who takes part; no call is left when that has changed.
void KernelOptimizer::update_turns() {
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const Parameter& parameter = parameters_[i];
    Progress& progress = progress_[i];
    parameter.check();
    Turn turn = Turn::none;
    if (parameter.gradient().defined()) turn = progress.has_stepped ? Turn::later : Turn::first;
    if (turn == progress.turn) continue;
    progress.turn = turn;
    calls_.clear();
  }
}

at::TensorOptions KernelOptimizer::step_options(const Parameter& parameter) const {
  const at::Device device = kernel_.counts_on_device ? parameter.dense.device() : at::Device(at::kCPU);
  return at::TensorOptions(at::kFloat).device(device);
}

void KernelOptimizer::make_state(Parameter& parameter) const {
  const at::TensorOptions scalar = step_options(parameter);
  if (!parameter.step.defined()) parameter.step = at::zeros({}, scalar);
  const InitialState& initial_state = initial_states_[parameter.group];
  for (std::size_t k = 0; k < initial_state.size(); ++k) {
    if (!initial_state[k] || parameter.state[k].defined()) continue;
    parameter.state[k] = kernel_.state[k].is_scalar ? at::full({}, *initial_state[k], scalar)
                                                    : at::full_like(parameter.dense, *initial_state[k]);
  }
}

KernelCall& KernelOptimizer::call_of(std::vector<KernelCall>& calls, const Parameter& parameter, bool is_first) const {
  const at::Tensor& dense = parameter.dense;
  const auto found = std::find_if(calls.begin(), calls.end(), [&](const KernelCall& call) {
    return call.group == parameter.group && call.first_step == is_first && call.is_small == is_small(dense) &&
           call.parameters[0].scalar_type() == dense.scalar_type() && call.parameters[0].device() == dense.device();
  });
  if (found != calls.end()) return *found;
  KernelCall& call = calls.emplace_back();
  call.group = parameter.group;
  call.state.resize(kernel_.state.size());
  call.first_step = is_first;
  call.on_host = dense.device().is_cpu();
  call.is_small = is_small(dense);
  return call;
}

void KernelOptimizer::regroup() {
  std::vector<KernelCall> calls;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    Parameter& parameter = parameters_[i];
    if (progress_[i].turn == Turn::none) continue;
    make_state(parameter);
    KernelCall& call = call_of(calls, parameter, progress_[i].turn == Turn::first);
    call.members.push_back(i);
    call.parameters.push_back(parameter.dense);
    call.steps.push_back(parameter.step);
    for (std::size_t k = 0; k < kernel_.state.size(); ++k) {
      if (initial_states_[parameter.group][k]) call.state[k].push_back(parameter.state[k]);
    }
  }
  for (KernelCall& call : calls) call.gradients.reserve(call.members.size());
  calls_ = std::move(calls);
}

/// Brings the numbers of this step before the kernels.
void KernelOptimizer::refresh() {
  for (KernelCall& call : calls_) {
    for (const std::size_t i : call.members) {
      const Parameter& parameter = parameters_[i];
      parameter.refresh();
      call.gradients.push_back(parameter.dense_gradient());
      if (parameter.has_gaps()) copy_numbers(parameter.dense, parameter.real);
    }
  }
}

bool KernelOptimizer::skips_this_step() {
  if (!skips_nonfinite_) return false;
  std::vector<at::Tensor> gradients;
  for (const KernelCall& call : calls_) gradients.insert(gradients.end(), call.gradients.begin(), call.gradients.end());
  return skips(gradients);
}

void KernelOptimizer::prepare() {
  for (const KernelCall& call : calls_) {
    for (const std::size_t i : call.members) parameters_[i].prepare();
  }
}

void KernelOptimizer::step(const KernelCall& call) {
  const OneThread one_thread(call.is_small);
  if (call.steps[0].device().is_cpu()) {
    for (const at::Tensor& step : call.steps) ++*static_cast<float*>(step.unsafeGetTensorImpl()->mutable_data());
  } else {
    at::_foreach_add_(call.steps, 1);
  }
  kernel_.step(groups_[call.group].hyperparameters.data(), call);
  for (const std::size_t i : call.members) {
    const Parameter& parameter = parameters_[i];
    if (parameter.has_gaps()) copy_numbers(parameter.real, parameter.dense);
    // The kernels do not tell graphs that saved the old numbers.
    parameter.given.leaf.unsafeGetTensorImpl()->bump_version();
    progress_[i].has_stepped = true;
    parameter.publish();
  }
}

void KernelOptimizer::forget_gradients() {
  for (KernelCall& call : calls_) call.gradients.clear();
}

void KernelOptimizer::step() {
  at::NoGradGuard no_grad;
  update_turns();
  if (calls_.empty()) regroup();
  const auto at_end = c10::make_scope_exit([this] { forget_gradients(); });
  refresh();
  if (skips_this_step()) return;
  prepare();
  for (const KernelCall& call : calls_) step(call);
}

}  // namespace ftorch
