// SPDX-License-Identifier: MIT
// Epochs of schedulers: all learning rates are known before one is set.

#include "training/scheduler_kinds.h"

#include <algorithm>
#include <limits>

namespace ftorch {

void Scheduler::refuse_metric(std::optional<double> metric) const {
  if (metric) fail(ft_invalid_argument, name() + " takes no metric; ReduceLROnPlateau does");
}

EpochScheduler::EpochScheduler(std::shared_ptr<Optimizer> optimizer, const SchedulerRow& row,
                               std::vector<double> values, std::vector<int64_t> milestones)
    : Scheduler(std::move(optimizer)), row_(row), values_(std::move(values)), milestones_(std::move(milestones)) {
  std::sort(milestones_.begin(), milestones_.end());
  if (row_.cycles_momentum(values_.data())) {
    momentum_ = optimizer_->place_of("beta_1");
    if (!momentum_) momentum_ = optimizer_->place_of("momentum");
    if (!momentum_)
      fail(ft_invalid_argument, std::string(optimizer_->row().name) +
                                    " has neither momentum nor beta_1 to change; give"
                                    " cycle_momentum=.false.");
  }
  const std::optional<double> base = row_.base(values_.data());
  for (ParameterGroup& group : optimizer_->groups())
    base_.push_back(base ? *base : group.initial_learning_rate.value_or(group.hyperparameters[0]));
  go_to(0, false);
  for (std::size_t g = 0; g < base_.size(); ++g) optimizer_->groups()[g].initial_learning_rate = base_[g];
}

void EpochScheduler::check_groups() const {
  const std::size_t groups = optimizer_->groups().size();
  if (groups != base_.size())
    fail(ft_invalid_argument, "the optimizer has " + std::to_string(groups) + " groups, and had " +
                                  std::to_string(base_.size()) + " when the scheduler was made; make it anew");
}

void EpochScheduler::go_to(int64_t epoch, bool is_restart) {
  check_groups();
  const std::vector<ParameterGroup>& groups = optimizer_->groups();
  std::vector<Rates> rates;
  for (std::size_t g = 0; g < groups.size(); ++g)
    rates.push_back(
        row_.rates(values_.data(), {epoch, groups[g].hyperparameters[0], base_[g], is_restart, milestones_}));
  for (const Rates& one : rates) {
    check_range(optimizer_->row().hyperparameters[0], one.learning_rate);
    if (one.momentum) check_range(optimizer_->row().hyperparameters[*momentum_], *one.momentum);
  }
  for (std::size_t g = 0; g < rates.size(); ++g) {
    optimizer_->set_hyperparameter(g, 0, rates[g].learning_rate);
    if (rates[g].momentum) optimizer_->set_hyperparameter(g, *momentum_, *rates[g].momentum);
  }
  epoch_ = epoch;
}

void EpochScheduler::step(std::optional<double> metric) {
  refuse_metric(metric);
  go_to(epoch_ + 1, false);
}

ReduceLROnPlateau::ReduceLROnPlateau(std::shared_ptr<Optimizer> optimizer, const SchedulerRow& row,
                                     std::vector<double> values)
    : Scheduler(std::move(optimizer)), row_(row), values_(std::move(values)) {
  const double worst = std::numeric_limits<double>::infinity();
  best_ = value("mode") == 0 ? worst : -worst;
  epoch_ = 0;
}

double ReduceLROnPlateau::value(const char* argument) const {
  const auto has_name = [&](const Hyperparameter& one) { return std::string_view(one.name) == argument; };
  const auto found = std::find_if(row_.arguments.begin(), row_.arguments.end(), has_name);
  return values_[static_cast<std::size_t>(found - row_.arguments.begin())];
}

bool ReduceLROnPlateau::is_better(double metric) const {
  const double threshold = value("threshold");
  const bool falls = value("mode") == 0, is_relative = value("threshold_mode") == 0;
  if (falls) return metric < (is_relative ? best_ * (1.0 - threshold) : best_ - threshold);
  return metric > (is_relative ? best_ * (threshold + 1.0) : best_ + threshold);
}

void ReduceLROnPlateau::reduce() {
  const double factor = value("factor"), least = value("min_lr"), eps = value("eps");
  for (std::size_t g = 0; g < optimizer_->groups().size(); ++g) {
    const double rate = optimizer_->learning_rate(g), reduced = std::max(rate * factor, least);
    if (rate - reduced > eps) optimizer_->set_hyperparameter(g, 0, reduced);
  }
}

void ReduceLROnPlateau::step(std::optional<double> metric) {
  if (!metric) fail(ft_invalid_argument, "ReduceLROnPlateau needs a metric: call scheduler%step(metric)");
  ++epoch_;
  if (is_better(*metric)) {
    best_ = *metric;
    bad_epochs_ = 0;
  } else {
    ++bad_epochs_;
  }
  if (cooldown_ > 0) {
    --cooldown_;
    bad_epochs_ = 0;
  }
  if (static_cast<double>(bad_epochs_) > value("patience")) {
    reduce();
    cooldown_ = static_cast<int64_t>(value("cooldown"));
    bad_epochs_ = 0;
  }
}

SequentialLR::SequentialLR(std::shared_ptr<Optimizer> optimizer, std::vector<std::shared_ptr<Scheduler>> schedulers,
                           std::vector<int64_t> milestones)
    : Scheduler(std::move(optimizer)), schedulers_(std::move(schedulers)), milestones_(std::move(milestones)) {
  if (schedulers_.empty()) fail(ft_invalid_argument, "there are no schedulers");
  if (milestones_.size() + 1 != schedulers_.size())
    fail(ft_invalid_argument, std::to_string(schedulers_.size()) + " schedulers need " +
                                  std::to_string(schedulers_.size() - 1) + " milestones, not " +
                                  std::to_string(milestones_.size()));
  if (!std::is_sorted(milestones_.begin(), milestones_.end())) fail(ft_invalid_argument, "milestones must not fall");
  for (std::size_t i = 0; i < schedulers_.size(); ++i) {
    const std::string one = "schedulers(" + std::to_string(i + 1) + ")";
    if (schedulers_[i]->wants_metric()) fail(ft_invalid_argument, one + " waits for a metric; a sequence has none");
    if (schedulers_[i]->optimizer() != optimizer_) fail(ft_invalid_argument, one + " belongs to another optimizer");
    schedulers_[i]->check_groups();
  }
  for (std::size_t g = 0; g < optimizer_->groups().size(); ++g)
    optimizer_->set_hyperparameter(
        g, 0, optimizer_->groups()[g].initial_learning_rate.value_or(optimizer_->learning_rate(g)));
  for (const auto& one : schedulers_) one->undo();
  schedulers_[place_of(0)]->step(std::nullopt);
  epoch_ = 0;
}

std::size_t SequentialLR::place_of(int64_t epoch) const {
  return static_cast<std::size_t>(std::upper_bound(milestones_.begin(), milestones_.end(), epoch) -
                                  milestones_.begin());
}

void SequentialLR::step(std::optional<double> metric) {
  refuse_metric(metric);
  const std::size_t place = place_of(epoch_ + 1);
  if (place > 0 && milestones_[place - 1] == epoch_ + 1) schedulers_[place]->restart();
  else schedulers_[place]->step(std::nullopt);
  ++epoch_;
}

void SequentialLR::restart() {
  schedulers_[place_of(0)]->restart();
  epoch_ = 0;
}

void SequentialLR::check_groups() const {
  for (const auto& one : schedulers_) one->check_groups();
}

void SequentialLR::undo() {
  for (const auto& one : schedulers_) one->undo();
  epoch_ = -1;
}

}  // namespace ftorch
