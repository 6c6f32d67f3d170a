// SPDX-License-Identifier: MIT
// The state of an optimizer in and out of a StateDict, under the names of torch.optim.

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/stack.h>

#include <algorithm>

#include "training/kernel_optimizer.h"
#include "training/lbfgs.h"

namespace ftorch {
namespace {

std::string group_name(std::size_t group) { return "param_groups." + std::to_string(group) + "."; }
std::string state_name(std::size_t parameter) { return "state." + std::to_string(parameter) + "."; }

/// A copy in the memory layout and on the device of `like`.
at::Tensor copy_like(const at::Tensor& like, const at::Tensor& value) { return at::empty_like(like).copy_(value); }

at::Tensor stacked(const std::vector<at::Tensor>& tensors, const at::Tensor& like) {
  return tensors.empty() ? at::empty({0, like.numel()}, like.options()) : at::stack(tensors);
}

}  // namespace

void Optimizer::add_groups(StateDict& dict) const {
  dict.put_text("optimizer", row_.name);
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    const ParameterGroup& group = groups_[g];
    for (std::size_t k = 0; k < group.hyperparameters.size(); ++k)
      dict.put(group_name(g) + row_.python_names[k], group.hyperparameters[k]);
    if (group.initial_learning_rate) dict.put(group_name(g) + "initial_lr", *group.initial_learning_rate);
    std::vector<int64_t> members;
    for (std::size_t i = 0; i < parameters_.size(); ++i) {
      if (parameters_[i].group == g) members.push_back(static_cast<int64_t>(i));
    }
    dict.put(group_name(g) + "params", members);
  }
  dict.put("skipped", skipped_);
  dict.put("skip_nonfinite", skips_nonfinite_);
}

StateDict Optimizer::state_dict() const {
  at::NoGradGuard no_grad;
  StateDict dict;
  add_groups(dict);
  add_state(dict);
  return dict;
}

std::vector<ParameterGroup> Optimizer::groups_of(const StateDict& found) const {
  std::vector<ParameterGroup> groups;
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    ParameterGroup& group = groups.emplace_back();
    const std::string name = group_name(g);
    for (const char* one : row_.python_names) {
      if (!found.has(name + one)) return groups_;
      group.hyperparameters.push_back(found.get<double>(name + one));
    }
    if (found.has(name + "initial_lr")) group.initial_learning_rate = found.get<double>(name + "initial_lr");
    check_values(group.hyperparameters);
  }
  return groups;
}

void Optimizer::check_state_dict(const StateDict& found) const {
  const std::string kind = found.has_text("optimizer") ? found.text("optimizer") : "no optimizer";
  if (kind != row_.name)
    fail(ft_invalid_argument, "the state is that of " + kind + ", and the optimizer is " + row_.name);
  StateDict expected;
  add_groups(expected);
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    // Of a scheduler, which may have come or gone.
    const std::string name = group_name(g) + "initial_lr";
    if (found.has(name)) expected.put(name, 0.0);
  }
  add_expected_state(expected, found, groups_of(found));
  check_same_form(expected, found, Names::equal);
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    const std::string name = group_name(g) + "params";
    if (!found.tensor(name).equal(expected.tensor(name)))
      fail(ft_invalid_argument, "the groups hold other parameters than the optimizer's");
  }
}

void Optimizer::load_state_dict(const StateDict& found) {
  at::NoGradGuard no_grad;
  check_state_dict(found);
  std::vector<ParameterGroup> groups = groups_of(found);
  for (std::size_t g = 0; g < groups.size(); ++g) {
    if (!groups[g].initial_learning_rate) groups[g].initial_learning_rate = groups_[g].initial_learning_rate;
  }
  const auto skipped = found.get<int64_t>("skipped");
  const bool skips_nonfinite = found.get<bool>("skip_nonfinite");
  take_state(found);
  groups_.swap(groups);
  skipped_ = skipped;
  skips_nonfinite_ = skips_nonfinite;
  for (std::size_t g = 0; g < groups_.size(); ++g) hyperparameters_changed(g);
}

void KernelOptimizer::add_state(StateDict& dict) const {
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const Parameter& parameter = parameters_[i];
    if (!progress_[i].has_stepped) continue;
    dict.put(state_name(i) + "step", parameter.step);
    for (std::size_t k = 0; k < kernel_.state.size(); ++k) {
      if (parameter.state[k].defined()) dict.put(state_name(i) + kernel_.state[k].name, parameter.state[k]);
    }
  }
}

void KernelOptimizer::add_expected_state(StateDict& expected, const StateDict& found,
                                         const std::vector<ParameterGroup>& groups) const {
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const Parameter& parameter = parameters_[i];
    const std::string name = state_name(i);
    if (!found.has(name + "step")) continue;
    const at::Tensor step = at::empty({}, step_options(parameter));
    expected.put(name + "step", step);
    const InitialState needed = kernel_.initial_state(groups[parameter.group].hyperparameters.data());
    for (std::size_t k = 0; k < kernel_.state.size(); ++k) {
      const std::string one = name + kernel_.state[k].name;
      if (needed[k] || found.has(one)) expected.put(one, kernel_.state[k].is_scalar ? step : parameter.dense);
    }
  }
}

void KernelOptimizer::take_state(const StateDict& found) {
  struct Taken {
    at::Tensor step;
    std::vector<at::Tensor> state;
  };
  std::vector<Taken> all(parameters_.size());
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const std::string name = state_name(i);
    all[i].state.resize(kernel_.state.size());
    if (!found.has(name + "step")) continue;
    const at::Tensor scalar = at::empty({}, step_options(parameters_[i]));
    all[i].step = copy_like(scalar, found.tensor(name + "step"));
    for (std::size_t k = 0; k < kernel_.state.size(); ++k) {
      const std::string one = name + kernel_.state[k].name;
      if (!found.has(one)) continue;
      all[i].state[k] = copy_like(kernel_.state[k].is_scalar ? scalar : parameters_[i].dense, found.tensor(one));
    }
  }
  calls_.clear();
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    parameters_[i].step = std::move(all[i].step);
    parameters_[i].state = std::move(all[i].state);
    progress_[i] = {parameters_[i].step.defined(), Turn::none};
  }
}

void LBFGS::add_state(StateDict& dict) const {
  if (is_running_) fail(ft_invalid_argument, "a step of the optimizer is under way");
  const std::string name = state_name(0);
  dict.put(name + "n_iter", history_.iterations);
  dict.put(name + "func_evals", history_.evaluations);
  if (!history_.direction.defined()) return;
  dict.put(name + "d", history_.direction);
  dict.put(name + "t", history_.t);
  dict.put(name + "H_diag", history_.scale);
  dict.put(name + "prev_flat_grad", history_.gradient);
  dict.put(name + "prev_loss", history_.loss);
  std::vector<at::Tensor> changes, steps;
  std::vector<double> ro;
  for (const Update& update : history_.updates) {
    changes.push_back(update.gradient_change);
    steps.push_back(update.step);
    ro.push_back(update.inverse_curvature);
  }
  dict.put(name + "old_dirs", stacked(changes, history_.direction));
  dict.put(name + "old_stps", stacked(steps, history_.direction));
  dict.put(name + "ro", ro);
}

void LBFGS::add_expected_state(StateDict& expected, const StateDict& found,
                               const std::vector<ParameterGroup>& /*groups*/) const {
  if (is_running_) fail(ft_invalid_argument, "a step of the optimizer is under way");
  const std::string name = state_name(0);
  for (const char* one : {"n_iter", "func_evals"}) expected.put(name + one, int64_t{0});
  if (!found.has(name + "d")) return;
  int64_t numbers = 0;
  for (const Parameter& parameter : parameters_) numbers += parameter.real.numel();
  const at::TensorOptions options = parameters_[0].real.options().requires_grad(false);
  for (const char* one : {"d", "prev_flat_grad"}) expected.put(name + one, at::empty({numbers}, options));
  for (const char* one : {"t", "H_diag", "prev_loss"}) expected.put(name + one, 0.0);
  const int64_t updates = found.has(name + "ro") ? found.tensor(name + "ro").numel() : 0;
  for (const char* one : {"old_dirs", "old_stps"}) expected.put(name + one, at::empty({updates, numbers}, options));
  expected.put(name + "ro", std::vector<double>(static_cast<std::size_t>(updates)));
}

void LBFGS::take_state(const StateDict& found) {
  const std::string name = state_name(0);
  History history;
  history.iterations = found.get<int64_t>(name + "n_iter");
  history.evaluations = found.get<int64_t>(name + "func_evals");
  if (found.has(name + "d")) {
    const at::Device device = parameters_[0].real.device();
    const auto taken = [&](const char* one) { return found.tensor(name + one).to(device, false, true); };
    history.direction = taken("d");
    history.gradient = taken("prev_flat_grad");
    history.t = found.get<double>(name + "t");
    history.scale = found.get<double>(name + "H_diag");
    history.loss = found.get<double>(name + "prev_loss");
    const at::Tensor changes = taken("old_dirs"), steps = taken("old_stps");
    const auto ro = found.get<std::vector<double>>(name + "ro");
    // Copies, since rows are not aligned as tensors are, and sums over them would round otherwise.
    for (std::size_t i = 0; i < ro.size(); ++i)
      history.updates.push_back(
          {changes[static_cast<int64_t>(i)].clone(), steps[static_cast<int64_t>(i)].clone(), ro[i]});
  }
  history_ = std::move(history);
}

}  // namespace ftorch
