// SPDX-License-Identifier: MIT
// The object behind a scheduler's handle: it sets the learning rates of an optimizer, epoch by epoch.
#pragma once

#include <cmath>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/handle.h"
#include "training/optim.h"
#include "training/scheduler_functions.h"

namespace ftorch {

class Scheduler;

/// One row of the catalog; `values` are its arguments in its order.
struct SchedulerRow {
  /// Name of the class in torch.optim.lr_scheduler.
  const char* name;
  std::span<const Hyperparameter> arguments;
  bool has_milestones;
  /// What is wrong with the arguments together, or null.
  const char* (*broken_rule)(const double* values);
  /// What an epoch gives; null for a scheduler that waits for a metric.
  Rates (*rates)(const double* values, const Epoch& epoch);
  /// Learning rate to begin with, if it is not the optimizer's.
  std::optional<double> (*base)(const double* values);
  bool (*cycles_momentum)(const double* values);
};

const SchedulerRow& scheduler_row(int number);
/// Fails for arguments that the row does not take.
void check_arguments(const SchedulerRow& row, const std::vector<double>& values);
/// A scheduler that has done its first epoch.
std::shared_ptr<Scheduler> make_scheduler(int number, std::shared_ptr<Optimizer> optimizer, std::vector<double> values,
                                          std::vector<int64_t> milestones);

/// After torch.optim.lr_scheduler.LRScheduler.
class Scheduler {
 public:
  explicit Scheduler(std::shared_ptr<Optimizer> optimizer) : optimizer_(std::move(optimizer)) {}
  Scheduler(const Scheduler&) = delete;
  virtual ~Scheduler() = default;

  virtual std::string name() const = 0;
  /// The next epoch. Fails, with nothing changed, if a metric is wanted and missing, or the other way.
  virtual void step(std::optional<double> metric) = 0;
  /// Begins as the next of a sequence.
  virtual void restart() = 0;
  /// As if no epoch had been.
  virtual void undo() = 0;
  /// Fails if the optimizer got groups since the scheduler was made.
  virtual void check_groups() const {}
  /// True where a step waits for a metric.
  virtual bool wants_metric() const { return false; }

  const std::shared_ptr<Optimizer>& optimizer() const { return optimizer_; }

  StateDict state_dict() const;
  void check_state_dict(const StateDict& found) const;
  /// Fails as check_state_dict does; nothing has changed then.
  void load_state_dict(const StateDict& found);

 protected:
  friend class SequentialLR;
  virtual void add_state(StateDict& dict) const = 0;
  virtual void add_expected_state(StateDict& expected, const StateDict& found) const = 0;
  virtual void take_state(const StateDict& found) = 0;
  /// Fails for a metric that nobody reads.
  void refuse_metric(std::optional<double> metric) const;

  std::shared_ptr<Optimizer> optimizer_;
  int64_t epoch_ = -1;
};

inline constinit Slab<std::shared_ptr<Scheduler>, Kind::scheduler> schedulers;

}  // namespace ftorch
