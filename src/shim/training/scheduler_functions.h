// SPDX-License-Identifier: MIT
// What one epoch of a scheduler gives, after the classes of torch.optim.lr_scheduler, whose arithmetic they follow to the bit.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace ftorch {

/// Where a scheduler is with one group of parameters.
struct Epoch {
  int64_t number;
  /// The group's, as whoever changed it left it, and what the scheduler began with.
  double learning_rate;
  double base;
  /// The scheduler begins, in the middle of a sequence, whatever the learning rate is.
  bool is_restart;
  /// Rising.
  std::span<const int64_t> milestones;
};

struct Rates {
  double learning_rate;
  /// Momentum or beta_1, where it changes.
  std::optional<double> momentum = std::nullopt;
};

Rates step_lr(const Epoch& epoch, double step_size, double gamma);
Rates multi_step_lr(const Epoch& epoch, double gamma);
Rates constant_lr(const Epoch& epoch, double factor, double total_iters);
Rates linear_lr(const Epoch& epoch, double start_factor, double end_factor, double total_iters);
Rates exponential_lr(const Epoch& epoch, double gamma);
Rates polynomial_lr(const Epoch& epoch, double total_iters, double power);
Rates cosine_annealing_lr(const Epoch& epoch, double T_max, double eta_min);
Rates cosine_annealing_warm_restarts(const Epoch& epoch, double T_0, double T_mult, double eta_min);
Rates one_cycle_lr(const Epoch& epoch, double max_lr, double total_steps, double epochs, double steps_per_epoch,
                   double pct_start, std::string_view anneal_strategy, bool cycle_momentum, double base_momentum,
                   double max_momentum, double div_factor, double final_div_factor, bool three_phase);

}  // namespace ftorch
