// SPDX-License-Identifier: MIT
// The state of a scheduler in and out of a StateDict, under the names of torch.optim.lr_scheduler.

#include "training/scheduler_kinds.h"

namespace ftorch {
namespace {

std::string part_name(std::size_t scheduler) { return "_schedulers." + std::to_string(scheduler); }

}  // namespace

StateDict Scheduler::state_dict() const {
  StateDict dict;
  dict.put_text("scheduler", name());
  dict.put("last_epoch", epoch_);
  add_state(dict);
  return dict;
}

void Scheduler::check_state_dict(const StateDict& found) const {
  const std::string kind = found.has_text("scheduler") ? found.text("scheduler") : "no scheduler";
  if (kind != name()) fail(ft_invalid_argument, "the state is that of " + kind + ", and the scheduler is " + name());
  StateDict expected;
  expected.put_text("scheduler", name());
  expected.put("last_epoch", epoch_);
  add_expected_state(expected, found);
  check_same_form(expected, found);
}

void Scheduler::load_state_dict(const StateDict& found) {
  check_state_dict(found);
  take_state(found);
  epoch_ = found.get<int64_t>("last_epoch");
}

void EpochScheduler::add_state(StateDict& dict) const {
  dict.put("arguments", values_);
  dict.put("milestones", milestones_);
  dict.put("base_lrs", base_);
}

void EpochScheduler::add_expected_state(StateDict& expected, const StateDict& found) const {
  expected.put("arguments", values_);
  expected.put("base_lrs", base_);
  const bool has_some = row_.has_milestones && found.has("milestones");
  expected.put("milestones", has_some ? found.get<std::vector<int64_t>>("milestones") : milestones_);
  if (found.has("arguments")) check_arguments(row_, found.get<std::vector<double>>("arguments"));
}

void EpochScheduler::take_state(const StateDict& found) {
  auto values = found.get<std::vector<double>>("arguments");
  auto milestones = found.get<std::vector<int64_t>>("milestones");
  base_ = found.get<std::vector<double>>("base_lrs");
  values_.swap(values);
  milestones_.swap(milestones);
}

void ReduceLROnPlateau::add_state(StateDict& dict) const {
  dict.put("arguments", values_);
  dict.put("best", best_);
  dict.put("num_bad_epochs", bad_epochs_);
  dict.put("cooldown_counter", cooldown_);
}

void ReduceLROnPlateau::add_expected_state(StateDict& expected, const StateDict& found) const {
  add_state(expected);
  if (found.has("arguments")) check_arguments(row_, found.get<std::vector<double>>("arguments"));
}

void ReduceLROnPlateau::take_state(const StateDict& found) {
  auto values = found.get<std::vector<double>>("arguments");
  best_ = found.get<double>("best");
  bad_epochs_ = found.get<int64_t>("num_bad_epochs");
  cooldown_ = found.get<int64_t>("cooldown_counter");
  values_.swap(values);
}

void SequentialLR::add_state(StateDict& dict) const {
  dict.put("milestones", milestones_);
  for (std::size_t i = 0; i < schedulers_.size(); ++i) dict.put_all(part_name(i), schedulers_[i]->state_dict());
}

void SequentialLR::add_expected_state(StateDict& expected, const StateDict& found) const {
  add_state(expected);
  for (std::size_t i = 0; i < schedulers_.size(); ++i) {
    const StateDict part = found.part(part_name(i));
    schedulers_[i]->check_state_dict(part);
    expected.put_all(part_name(i), part);
  }
}

void SequentialLR::take_state(const StateDict& found) {
  auto milestones = found.get<std::vector<int64_t>>("milestones");
  for (std::size_t i = 0; i < schedulers_.size(); ++i) schedulers_[i]->load_state_dict(found.part(part_name(i)));
  milestones_.swap(milestones);
}

}  // namespace ftorch
