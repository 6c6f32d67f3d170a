// SPDX-License-Identifier: MIT
// Optimizers that step all parameters by one kernel: ATen's fused ones, and those of optim_functions.h.
#pragma once

#include "training/optim.h"

namespace ftorch {

/// What one call of a kernel steps: parameters of one group, dtype and device; state[k] is the k-th state tensor of each.
struct KernelCall {
  std::size_t group;
  std::vector<at::Tensor> parameters;
  std::vector<at::Tensor> gradients;
  std::vector<at::Tensor> steps;
  std::vector<std::vector<at::Tensor>> state;
  /// Indices among the optimizer's parameters.
  std::vector<std::size_t> members;
  bool first_step = false;
  bool on_host = false;
  /// Too small to be worth an OpenMP region.
  bool is_small = false;
};

/// One state tensor of each parameter.
struct StateForm {
  /// Name in torch.optim.
  const char* name;
  /// One number, float32 as in torch.optim; else shaped like the parameter.
  bool is_scalar;
};

struct Kernel {
  std::span<const StateForm> state;
  /// What each state tensor begins with, or nothing where the hyperparameters need none.
  std::vector<std::optional<double>> (*initial_state)(const double* values);
  /// Changes parameters and state in place; a fused kernel allocates nothing on the host, so that it does not fail half-way.
  void (*step)(const double* values, const KernelCall& call);
  /// Steps are counted where the parameters are, as fused kernels want it, and else on the host.
  bool counts_on_device;
};

class KernelOptimizer final : public Optimizer {
 public:
  KernelOptimizer(const OptimizerRow& row, const Kernel& kernel) : Optimizer(row), kernel_(kernel) {}
  void add_group(std::vector<double> hyperparameters, std::vector<Parameter> parameters) override;
  /// Without a fused kernel, something may have changed if memory ends.
  void step() override;

 private:
  enum class Turn : std::uint8_t { none, first, later };
  struct Progress {
    bool has_stepped = false;
    Turn turn = Turn::none;
  };
  using InitialState = std::vector<std::optional<double>>;

  void hyperparameters_changed(std::size_t group) override;
  void add_state(StateDict& dict) const override;
  void add_expected_state(StateDict& expected, const StateDict& found,
                          const std::vector<ParameterGroup>& groups) const override;
  void take_state(const StateDict& found) override;
  void update_turns();
  void make_state(Parameter& parameter) const;
  void regroup();
  KernelCall& call_of(std::vector<KernelCall>& calls, const Parameter& parameter, bool is_first) const;
  void refresh();
  bool skips_this_step();
  void prepare();
  void step(const KernelCall& call);
  void forget_gradients();
  at::TensorOptions step_options(const Parameter& parameter) const;

  const Kernel& kernel_;
  std::vector<InitialState> initial_states_;
  std::vector<Progress> progress_;
  /// Those of the last step, kept as long as the same parameters take part.
  std::vector<KernelCall> calls_;
};

}  // namespace ftorch
