// SPDX-License-Identifier: MIT
// Learning rates by epoch. Operations stand in the order in which PyTorch does them.

#include "training/scheduler_functions.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>
#include <vector>

#include "core/error.h"

namespace ftorch {
namespace {

constexpr double pi = std::numbers::pi;

bool is_multiple(int64_t number, double of) { return number % static_cast<int64_t>(of) == 0; }

/// From `start` to `end`.
double anneal(std::string_view strategy, double start, double end, double part) {
  if (strategy == "linear") return (end - start) * part + start;
  return end + (start - end) / 2.0 * (std::cos(pi * part) + 1);
}

}  // namespace

Rates step_lr(const Epoch& epoch, double step_size, double gamma) {
  if (epoch.is_restart) return {epoch.base};
  if (epoch.number == 0 || !is_multiple(epoch.number, step_size)) return {epoch.learning_rate};
  return {epoch.learning_rate * gamma};
}

Rates multi_step_lr(const Epoch& epoch, double gamma) {
  const auto [first, last] = std::equal_range(epoch.milestones.begin(), epoch.milestones.end(), epoch.number);
  if (epoch.is_restart) return {epoch.base * std::pow(gamma, static_cast<double>(last - epoch.milestones.begin()))};
  if (first == last) return {epoch.learning_rate};
  return {epoch.learning_rate * std::pow(gamma, static_cast<double>(last - first))};
}

Rates constant_lr(const Epoch& epoch, double factor, double total_iters) {
  if (epoch.is_restart) return {epoch.base * (factor + (total_iters <= 0 ? 1 - factor : 0))};
  if (epoch.number == 0) return {epoch.learning_rate * factor};
  if (static_cast<double>(epoch.number) != total_iters) return {epoch.learning_rate};
  return {epoch.learning_rate * (1.0 / factor)};
}

Rates linear_lr(const Epoch& epoch, double start_factor, double end_factor, double total_iters) {
  if (epoch.is_restart) return {epoch.base * start_factor};
  if (epoch.number == 0) return {epoch.learning_rate * start_factor};
  const auto number = static_cast<double>(epoch.number);
  if (number > total_iters) return {epoch.learning_rate};
  const double rise = end_factor - start_factor;
  return {epoch.learning_rate * (1.0 + rise / (total_iters * start_factor + (number - 1) * rise))};
}

Rates exponential_lr(const Epoch& epoch, double gamma) {
  if (epoch.is_restart) return {epoch.base};
  return {epoch.number == 0 ? epoch.learning_rate : epoch.learning_rate * gamma};
}

Rates polynomial_lr(const Epoch& epoch, double total_iters, double power) {
  if (epoch.is_restart) return {epoch.base};
  const auto number = static_cast<double>(epoch.number);
  if (epoch.number == 0 || number > total_iters) return {epoch.learning_rate};
  const double decay = std::pow((1.0 - number / total_iters) / (1.0 - (number - 1) / total_iters), power);
  return {epoch.learning_rate * decay};
}

Rates cosine_annealing_lr(const Epoch& epoch, double T_max, double eta_min) {
  if (epoch.is_restart) return {eta_min + (epoch.base - eta_min) * (1 + std::cos(0.0)) / 2};
  if (epoch.number == 0) return {epoch.learning_rate};
  const auto number = static_cast<double>(epoch.number);
  if (is_multiple(epoch.number - 1 - static_cast<int64_t>(T_max), 2 * T_max))
    return {epoch.learning_rate + (epoch.base - eta_min) * (1 - std::cos(pi / T_max)) / 2};
  return {(1 + std::cos(pi * number / T_max)) / (1 + std::cos(pi * (number - 1) / T_max)) *
              (epoch.learning_rate - eta_min) +
          eta_min};
}

Rates cosine_annealing_warm_restarts(const Epoch& epoch, double T_0, double T_mult, double eta_min) {
  auto current = static_cast<double>(epoch.number);
  double length = T_0;
  if (T_mult == 1) current = std::fmod(current, length);
  for (; current >= length; length *= T_mult) current -= length;
  return {eta_min + (epoch.base - eta_min) * (1 + std::cos(pi * current / length)) / 2};
}

Rates one_cycle_lr(const Epoch& epoch, double max_lr, double total_steps, double epochs, double steps_per_epoch,
                   double pct_start, std::string_view anneal_strategy, bool cycle_momentum, double base_momentum,
                   double max_momentum, double /*div_factor*/, double final_div_factor, bool three_phase) {
  struct Phase {
    double end, start_lr, end_lr, start_momentum, end_momentum;
  };
  const double steps = total_steps > 0 ? total_steps : epochs * steps_per_epoch;
  const auto number = static_cast<double>(epoch.number);
  if (number > steps)
    fail(ft_invalid_argument,
         "OneCycleLR is at its end: it was made for " + std::to_string(static_cast<int64_t>(steps)) + " steps");
  const double first_lr = epoch.base, last_lr = first_lr / final_div_factor;
  std::vector<Phase> phases = {{pct_start * steps - 1, first_lr, max_lr, max_momentum, base_momentum}};
  if (three_phase) {
    phases.push_back({2 * pct_start * steps - 2, max_lr, first_lr, base_momentum, max_momentum});
    phases.push_back({steps - 1, first_lr, last_lr, max_momentum, max_momentum});
  } else {
    phases.push_back({steps - 1, max_lr, last_lr, base_momentum, max_momentum});
  }
  double begin = 0;
  std::size_t i = 0;
  for (; i + 1 < phases.size() && number > phases[i].end; ++i) begin = phases[i].end;
  const Phase& phase = phases[i];
  const double part = (number - begin) / (phase.end - begin);
  Rates rates{anneal(anneal_strategy, phase.start_lr, phase.end_lr, part)};
  if (cycle_momentum) rates.momentum = anneal(anneal_strategy, phase.start_momentum, phase.end_momentum, part);
  return rates;
}

}  // namespace ftorch
