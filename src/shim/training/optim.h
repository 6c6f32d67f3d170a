// SPDX-License-Identifier: MIT
// The object behind an optimizer's handle: groups of parameters, and the catalog's row that says how to step.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "tensor/state_dict.h"
#include "training/hyperparameters.h"
#include "training/parameter.h"

namespace ftorch {

struct KernelCall;
class Optimizer;

/// One row of the catalog; `values` are hyperparameters in its order.
struct OptimizerRow {
  /// Name of the class in torch.optim.
  const char* name;
  /// The first is the learning rate.
  std::span<const Hyperparameter> hyperparameters;
  /// Their names in a state_dict of torch.optim.
  std::span<const char* const> python_names;
  /// What is wrong with the hyperparameters together, or null.
  const char* (*broken_rule)(const double* values);
  std::unique_ptr<Optimizer> (*make)(const OptimizerRow& row);
};

/// The row of a number; ft_invalid_argument when the catalog has none.
const OptimizerRow& optimizer_row(int number);
/// Names of the hyperparameters of all rows, in the order of `add_parameters` in Fortran.
std::span<const char* const> all_hyperparameters();

/// Parameters that are stepped with the same hyperparameters.
struct ParameterGroup {
  std::vector<double> hyperparameters;
  /// What schedulers begin with, once one was made.
  std::optional<double> initial_learning_rate;
};

class Optimizer {
 public:
  explicit Optimizer(const OptimizerRow& row) : row_(row) {}
  Optimizer(const Optimizer&) = delete;
  virtual ~Optimizer() = default;

  /// Another group of parameters. Nothing has changed if it fails.
  virtual void add_group(std::vector<double> hyperparameters, std::vector<Parameter> parameters);
  /// True for one that wants the loss at points that it chooses: `step` fails, and `step_with` is its step.
  virtual bool needs_closure() const { return false; }
  /// Either all parameters that have a gradient are stepped, or nothing has changed.
  virtual void step() = 0;
  /// One step, for which the caller evaluates the loss and gradients at the present parameters: first with `is_first`, and again
  /// as long as the result is true.
  virtual bool step_with(double loss, bool is_first);
  /// The caller cannot evaluate the loss: parameters and state are those from before the step.
  virtual void abandon_step() {}
  /// Takes the gradients away, as PyTorch does by default.
  void zero_gradient();

  const OptimizerRow& row() const { return row_; }
  /// Hyperparameters of a group that says nothing else: those that the optimizer was made with.
  const std::vector<double>& defaults() const { return defaults_; }
  std::vector<ParameterGroup>& groups() { return groups_; }
  const std::vector<Parameter>& parameters() const { return parameters_; }
  double learning_rate(std::size_t group) const { return groups_[group].hyperparameters[0]; }
  /// Sets a hyperparameter by its place in the row; fails for one out of range.
  void set_hyperparameter(std::size_t group, std::size_t place, double value);
  /// Its place in the row, or none.
  std::optional<std::size_t> place_of(std::string_view hyperparameter) const;

  void set_skip_nonfinite(bool skip) { skips_nonfinite_ = skip; }
  int64_t skipped() const { return skipped_; }

  /// Names are those of a state_dict of torch.optim: param_groups.0.lr, state.0.exp_avg.
  StateDict state_dict() const;
  /// Fails if `found` is not of this kind of optimizer over parameters of these shapes and dtypes.
  void check_state_dict(const StateDict& found) const;
  /// Fails as check_state_dict does; nothing has changed then.
  void load_state_dict(const StateDict& found);

 private:
  void add_groups(StateDict& dict) const;
  std::vector<ParameterGroup> groups_of(const StateDict& found) const;

 protected:
  void check_values(const std::vector<double>& hyperparameters) const;
  /// True when the step is left out, and counted, because gradients are not finite.
  bool skips(const std::vector<at::Tensor>& gradients);
  /// Hyperparameters have changed.
  virtual void hyperparameters_changed(std::size_t /*group*/) {}
  /// Adds what goes from step to step.
  virtual void add_state(StateDict& dict) const = 0;
  /// Adds what `found` must have of it, by name, shape and dtype; its hyperparameters are those of `groups`.
  virtual void add_expected_state(StateDict& expected, const StateDict& found,
                                  const std::vector<ParameterGroup>& groups) const = 0;
  /// What goes from step to step becomes that of `found`, which was checked.
  virtual void take_state(const StateDict& found) = 0;

  const OptimizerRow& row_;
  std::vector<double> defaults_;
  std::vector<ParameterGroup> groups_;
  std::vector<Parameter> parameters_;
  bool skips_nonfinite_ = false;
  int64_t skipped_ = 0;
};

inline constinit Slab<std::shared_ptr<Optimizer>, Kind::optim> optims;

}  // namespace ftorch
