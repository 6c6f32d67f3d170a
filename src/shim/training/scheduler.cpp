// SPDX-License-Identifier: MIT
// Entries for schedulers.

#include "training/scheduler.h"

#include "core/guard.h"
#include "training/scheduler_kinds.h"

using namespace ftorch;

void ftorch::check_arguments(const SchedulerRow& row, const std::vector<double>& values) {
  check_hyperparameters(row.arguments, values);
  if (const char* rule = row.broken_rule(values.data())) fail(ft_invalid_argument, rule);
}

std::shared_ptr<Scheduler> ftorch::make_scheduler(int number, std::shared_ptr<Optimizer> optimizer,
                                                  std::vector<double> values, std::vector<int64_t> milestones) {
  const SchedulerRow& row = scheduler_row(number);
  check_arguments(row, values);
  if (!row.has_milestones && !milestones.empty())
    fail(ft_invalid_argument, std::string(row.name) + " has no milestones");
  if (!row.rates) return std::make_shared<ReduceLROnPlateau>(std::move(optimizer), row, std::move(values));
  return std::make_shared<EpochScheduler>(std::move(optimizer), row, std::move(values), std::move(milestones));
}

int ft_scheduler_create(int row, ft_handle optim, const double* values, int64_t values_size, const int64_t* milestones,
                        int64_t milestones_size, ft_handle* out) {
  return guard(ft_internal_error, [&] {
    required(out, "out");
    if (values_size > 0) required(values, "values");
    if (milestones_size > 0) required(milestones, "milestones");
    *out = schedulers.acquire(make_scheduler(row, optims.get(optim, "the optimizer"), {values, values + values_size},
                                             {milestones, milestones + milestones_size}));
  });
}

int ft_scheduler_create_sequence(ft_handle optim, const ft_handle* parts, int64_t parts_size, const int64_t* milestones,
                                 int64_t milestones_size, ft_handle* out) {
  return guard(ft_internal_error, [&] {
    required(out, "out");
    if (parts_size > 0) required(parts, "schedulers");
    if (milestones_size > 0) required(milestones, "milestones");
    std::vector<std::shared_ptr<Scheduler>> found;
    for (int64_t i = 0; i < parts_size; ++i) {
      const std::string name = "schedulers(" + std::to_string(i + 1) + ")";
      found.push_back(schedulers.get(parts[i], name.c_str()));
    }
    *out = schedulers.acquire(
        std::make_shared<SequentialLR>(optims.get(optim, "the optimizer"), std::move(found),
                                       std::vector<int64_t>(milestones, milestones + milestones_size)));
  });
}

int ft_scheduler_copy(ft_handle scheduler, ft_handle* out) {
  return guard<true>(ft_internal_error, [&] {
    required(out, "out");
    *out = schedulers.acquire(schedulers.get(scheduler, "the scheduler"));
  });
}

int ft_scheduler_wants_metric(ft_handle scheduler, int32_t* wants_metric) {
  return guard(ft_internal_error, [&] {
    *required(wants_metric, "wants_metric") = schedulers.get(scheduler, "the scheduler")->wants_metric();
  });
}

int ft_scheduler_step(ft_handle scheduler, double metric, int has_metric) {
  return guard(ft_internal_error, [&] {
    schedulers.get(scheduler, "the scheduler")->step(has_metric ? std::optional(metric) : std::nullopt);
  });
}
