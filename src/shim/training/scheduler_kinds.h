// SPDX-License-Identifier: MIT
// The schedulers: by a function of the epoch, by a metric, and one after the other.
#pragma once

#include "training/scheduler.h"

namespace ftorch {

/// A row of the catalog with a function.
class EpochScheduler final : public Scheduler {
 public:
  EpochScheduler(std::shared_ptr<Optimizer> optimizer, const SchedulerRow& row, std::vector<double> values,
                 std::vector<int64_t> milestones);
  std::string name() const override { return row_.name; }
  void step(std::optional<double> metric) override;
  void restart() override { go_to(0, true); }
  void undo() override { epoch_ = -1; }
  void check_groups() const override;

 private:
  void go_to(int64_t epoch, bool is_restart);
  void add_state(StateDict& dict) const override;
  void add_expected_state(StateDict& expected, const StateDict& found) const override;
  void take_state(const StateDict& found) override;

  const SchedulerRow& row_;
  std::vector<double> values_;
  std::vector<int64_t> milestones_;
  /// Of each group.
  std::vector<double> base_;
  /// Place of momentum or beta_1 in the optimizer's row.
  std::optional<std::size_t> momentum_;
};

/// torch.optim.lr_scheduler.ReduceLROnPlateau.
class ReduceLROnPlateau final : public Scheduler {
 public:
  ReduceLROnPlateau(std::shared_ptr<Optimizer> optimizer, const SchedulerRow& row, std::vector<double> values);
  std::string name() const override { return row_.name; }
  void step(std::optional<double> metric) override;
  void restart() override {}
  void undo() override {}
  bool wants_metric() const override { return true; }

 private:
  double value(const char* argument) const;
  bool is_better(double metric) const;
  void reduce();
  void add_state(StateDict& dict) const override;
  void add_expected_state(StateDict& expected, const StateDict& found) const override;
  void take_state(const StateDict& found) override;

  const SchedulerRow& row_;
  std::vector<double> values_;
  double best_;
  int64_t bad_epochs_ = 0;
  int64_t cooldown_ = 0;
};

/// torch.optim.lr_scheduler.SequentialLR.
class SequentialLR final : public Scheduler {
 public:
  SequentialLR(std::shared_ptr<Optimizer> optimizer, std::vector<std::shared_ptr<Scheduler>> schedulers,
               std::vector<int64_t> milestones);
  std::string name() const override { return "SequentialLR"; }
  void step(std::optional<double> metric) override;
  void restart() override;
  void undo() override;
  void check_groups() const override;

 private:
  std::size_t place_of(int64_t epoch) const;
  void add_state(StateDict& dict) const override;
  void add_expected_state(StateDict& expected, const StateDict& found) const override;
  void take_state(const StateDict& found) override;

  std::vector<std::shared_ptr<Scheduler>> schedulers_;
  std::vector<int64_t> milestones_;
};

}  // namespace ftorch
