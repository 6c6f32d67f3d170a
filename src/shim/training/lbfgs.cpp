// SPDX-License-Identifier: MIT
// A step of LBFGS: its iterations, and the loss that it asks for between them.

#include "training/lbfgs.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/view_as_real.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>

namespace ftorch {

void LBFGS::add_group(std::vector<double> hyperparameters, std::vector<Parameter> parameters) {
  if (!groups_.empty()) fail(ft_invalid_argument, "LBFGS has one group of parameters, and takes no other");
  const at::Tensor& first = parameters[0].real;
  for (const Parameter& parameter : parameters) {
    if (parameter.real.scalar_type() != first.scalar_type() || parameter.real.device() != first.device())
      fail(ft_dtype_mismatch,
           parameter.name + " and parameters(1) differ in precision or device; LBFGS needs them alike");
  }
  Optimizer::add_group(std::move(hyperparameters), std::move(parameters));
}

double LBFGS::value(const char* hyperparameter) const { return groups_[0].hyperparameters[*place_of(hyperparameter)]; }

void LBFGS::step() {
  fail(ft_invalid_argument,
       "LBFGS evaluates the loss several times: call optim%step(closure), whose closure extends"
       " torch_closure");
}

/// Counts a step that is left out because the loss or its gradients are not finite.
bool LBFGS::skips_step(double loss) {
  if (!skips_nonfinite_) return false;
  if (skips({gradient()})) return true;
  if (!std::isfinite(loss)) ++skipped_;
  return !std::isfinite(loss);
}

bool LBFGS::step_with(double loss, bool is_first) {
  at::NoGradGuard no_grad;
  for (const Parameter& parameter : parameters_) parameter.check();
  if (skips_step(loss)) {
    abandon_step();
    return false;
  }
  if (is_first) {
    for (const Parameter& parameter : parameters_) parameter.refresh();
    before_step_ = parameter_values();
    running_ = minimize(loss, history_);
    is_running_ = true;
    running_.start();
  } else {
    if (!is_running_) fail(ft_invalid_argument, "no step of this optimizer is under way");
    requests_.answer(loss);
  }
  if (!running_.has_ended()) return true;
  history_ = running_.result();
  is_running_ = false;
  before_step_.clear();
  return false;
}

/// A parameter whose array may be gone stays as it is.
void LBFGS::abandon_step() {
  at::NoGradGuard no_grad;
  if (is_running_) {
    change_parameters([&](const at::Tensor& real, std::size_t i) { real.copy_(before_step_[i]); },
                      [](const Parameter& parameter) { return parameter.is_reachable(); });
  }
  is_running_ = false;
  running_ = {};
  before_step_.clear();
}

at::Tensor LBFGS::gradient() const {
  std::vector<at::Tensor> parts;
  for (const Parameter& parameter : parameters_) {
    const at::Tensor& grad = parameter.gradient();
    if (!grad.defined()) parts.push_back(at::zeros({parameter.real.numel()}, parameter.real.options()));
    else parts.push_back((grad.is_complex() ? at::view_as_real(grad.resolve_conj()) : grad).reshape({-1}));
  }
  return at::cat(parts);
}

std::vector<at::Tensor> LBFGS::parameter_values() const {
  std::vector<at::Tensor> values;
  for (const Parameter& parameter : parameters_) values.push_back(parameter.real.clone());
  return values;
}

template <class F, class G>
void LBFGS::change_parameters(const F& change, const G& takes_part) {
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    if (!takes_part(parameters_[i])) continue;
    parameters_[i].prepare();
    change(parameters_[i].real, i);
    parameters_[i].publish();
  }
}

void LBFGS::move_to(double t) {
  int64_t offset = 0;
  change_parameters([&](const at::Tensor& real, std::size_t) {
    real.add_(line_direction_.narrow(0, offset, real.numel()).view(real.sizes()), t);
    offset += real.numel();
  });
}

void LBFGS::move_back() {
  change_parameters([&](const at::Tensor& real, std::size_t i) { real.copy_(line_start_[i]); });
}

/// A number in the precision of the parameters, in which PyTorch has it.
double LBFGS::rounded(double number) const {
  return parameters_[0].real.scalar_type() == at::kFloat ? static_cast<double>(static_cast<float>(number)) : number;
}

/// A new update of the Hessian, if the loss curves upward.
void LBFGS::learn(History& history, const at::Tensor& gradient) const {
  const at::Tensor change = gradient.sub(history.gradient);
  const at::Tensor step = history.direction.mul(history.t);
  const double curvature = change.dot(step).item<double>();
  if (!(curvature > 1e-10)) return;
  if (static_cast<double>(history.updates.size()) == value("history_size")) history.updates.pop_front();
  history.updates.push_back({change, step, rounded(1 / curvature)});
  history.scale = rounded(curvature / change.dot(change).item<double>());
}

/// The two-loop recursion, Nocedal and Wright (2006), algorithm 7.4.
void LBFGS::update_direction(History& history, const at::Tensor& gradient) const {
  if (history.iterations == 1) {
    history.direction = gradient.neg();
    history.updates.clear();
    history.scale = 1;
    return;
  }
  learn(history, gradient);
  std::vector<double> along(history.updates.size());
  at::Tensor direction = gradient.neg();
  for (std::size_t i = history.updates.size(); i-- > 0;) {
    const Update& update = history.updates[i];
    along[i] = rounded(update.step.dot(direction).item<double>() * update.inverse_curvature);
    direction.add_(update.gradient_change, -along[i]);
  }
  direction.mul_(history.scale);
  for (std::size_t i = 0; i < history.updates.size(); ++i) {
    const Update& update = history.updates[i];
    const double back = rounded(update.gradient_change.dot(direction).item<double>() * update.inverse_curvature);
    direction.add_(update.step, rounded(along[i] - back));
  }
  history.direction = direction;
}

Task<LBFGS::History> LBFGS::minimize(double loss, History history) {
  const double learning_rate = value("learning_rate"), tolerance_change = value("tolerance_change");
  const double tolerance_grad = value("tolerance_grad");
  const auto most_iterations = static_cast<int64_t>(value("max_iter"));
  const auto given_evaluations = static_cast<int64_t>(value("max_eval"));
  const int64_t most_evaluations = given_evaluations > 0 ? given_evaluations : most_iterations * 5 / 4;
  const bool searches = value("line_search_fn") != 0;
  const auto is_small = [&](const at::Tensor& flat, double tolerance) {
    return flat.abs().max().item<double>() <= tolerance;
  };

  int64_t evaluations = 1;
  ++history.evaluations;
  at::Tensor flat = gradient();
  if (is_small(flat, tolerance_grad)) co_return history;
  for (int64_t iteration = 1;; ++iteration) {
    ++history.iterations;
    update_direction(history, flat);
    history.gradient = flat;
    history.loss = loss;
    history.t = learning_rate;
    if (history.iterations == 1) history.t *= std::min(1.0, rounded(1 / flat.abs().sum().item<double>()));
    const double slope = flat.dot(history.direction).item<double>();
    // A line of no length has no minimum.
    if (slope > -tolerance_change || history.t == 0) break;

    line_direction_ = history.direction;
    int64_t new_evaluations = 0;
    if (searches) {
      line_start_ = parameter_values();
      LinePoint start{0, loss, flat, slope};
      LineSearchResult found = co_await strong_wolfe(requests_, *this, history.direction, std::move(start), history.t,
                                                     tolerance_change, most_evaluations - evaluations);
      loss = found.point.loss;
      flat = found.point.gradient;
      history.t = found.point.t;
      new_evaluations = found.evaluations;
      move_to(history.t);
    } else {
      move_to(history.t);
      if (iteration < most_iterations) {
        loss = co_await requests_;
        flat = gradient();
        new_evaluations = 1;
      }
    }
    evaluations += new_evaluations;
    history.evaluations += new_evaluations;
    if (iteration == most_iterations || evaluations >= most_evaluations || is_small(flat, tolerance_grad)) break;
    if (is_small(history.direction.mul(history.t), tolerance_change)) break;
    if (std::abs(loss - history.loss) < tolerance_change) break;
  }
  co_return history;
}

}  // namespace ftorch
