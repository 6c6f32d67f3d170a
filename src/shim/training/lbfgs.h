// SPDX-License-Identifier: MIT
// Limited-memory BFGS, after torch.optim.LBFGS.
#pragma once

#include <deque>

#include "training/line_search.h"
#include "training/optim.h"

namespace ftorch {

class LBFGS final : public Optimizer, private Line {
 public:
  explicit LBFGS(const OptimizerRow& row) : Optimizer(row) {}
  /// One group, of one dtype and device.
  void add_group(std::vector<double> hyperparameters, std::vector<Parameter> parameters) override;
  bool needs_closure() const override { return true; }
  void step() override;
  bool step_with(double loss, bool is_first) override;
  void abandon_step() override;

 private:
  /// One update of the approximate Hessian.
  struct Update {
    at::Tensor gradient_change;
    at::Tensor step;
    double inverse_curvature;
  };
  /// What goes from step to step.
  struct History {
    int64_t iterations = 0;
    int64_t evaluations = 0;
    at::Tensor direction;
    double t = 0;
    std::deque<Update> updates;
    double scale = 1;
    at::Tensor gradient;
    double loss = 0;
  };

  Task<History> minimize(double loss, History history);
  bool skips_step(double loss);
  /// The direction of descent at a gradient; the history learns from it.
  void update_direction(History& history, const at::Tensor& gradient) const;
  void learn(History& history, const at::Tensor& gradient) const;
  std::vector<at::Tensor> parameter_values() const;
  struct Everyone {
    bool operator()(const Parameter& /*parameter*/) const { return true; }
  };
  template <class F, class G = Everyone>
  void change_parameters(const F& change, const G& takes_part = {});

  void move_to(double t) override;
  at::Tensor gradient() const override;
  void move_back() override;
  void add_state(StateDict& dict) const override;
  void add_expected_state(StateDict& expected, const StateDict& found,
                          const std::vector<ParameterGroup>& groups) const override;
  void take_state(const StateDict& found) override;
  double value(const char* hyperparameter) const;
  double rounded(double number) const;

  History history_;
  LossRequests requests_;
  Task<History> running_;
  bool is_running_ = false;
  /// Parameters before the step, and at the beginning of a line.
  std::vector<at::Tensor> before_step_;
  std::vector<at::Tensor> line_start_;
  at::Tensor line_direction_;
};

}  // namespace ftorch
