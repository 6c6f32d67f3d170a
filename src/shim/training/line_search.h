// SPDX-License-Identifier: MIT
// A step length that fulfils the strong Wolfe conditions.
#pragma once

#include <ATen/core/Tensor.h>

#include "training/loss_requests.h"

namespace ftorch {

/// A point of a line: step length, loss, gradient, and the derivative along the line.
struct LinePoint {
  double t = 0;
  double loss = 0;
  at::Tensor gradient;
  double slope = 0;
};

struct LineSearchResult {
  LinePoint point;
  int64_t evaluations = 0;
};

/// Moves the parameters along a line and back.
class Line {
 public:
  virtual ~Line() = default;
  virtual void move_to(double t) = 0;
  virtual at::Tensor gradient() const = 0;
  virtual void move_back() = 0;
};

/// Nocedal and Wright (2006), algorithms 3.5 and 3.6, as torch.optim.LBFGS has them. `start` is the point of step length 0;
/// the parameters are there at the end.
Task<LineSearchResult> strong_wolfe(LossRequests& requests, Line& line, at::Tensor direction, LinePoint start,
                                    double first_t, double tolerance_change, int64_t most_evaluations);

}  // namespace ftorch
