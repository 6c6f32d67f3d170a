// SPDX-License-Identifier: MIT
// The object behind an optimizer's handle: parameters, their state, and the catalog's row that says how to step.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <span>
#include <vector>

#include "handle.h"

namespace ftorch {

/// Parameters of one dtype and device that step together; state[k] is the k-th state tensor of each.
struct Batch {
  std::vector<at::Tensor> parameters;
  std::vector<at::Tensor> gradients;
  std::vector<at::Tensor> steps;
  std::vector<std::vector<at::Tensor>> state;
  bool first_step = false;
};

struct Hyperparameter {
  const char* name;
  double below;
};

/// One row of the catalog; `h` are hyperparameters in its order.
struct OptimizerRow {
  std::span<const Hyperparameter> hyperparameters;
  /// What is wrong with the hyperparameters together, or null.
  const char* (*broken_rule)(const double* h);
  /// Which state tensors are needed.
  std::vector<bool> (*state)(const double* h);
  void (*step)(const double* h, const Batch& batch);
};

/// The row of a number; ft_invalid_argument when the catalog has none.
const OptimizerRow& optimizer_row(int number);

class Optimizer {
 public:
  /// Fails for hyperparameters out of range, and for parameters that cannot be trained.
  Optimizer(const OptimizerRow& row, std::vector<double> hyperparameters, const std::vector<at::Tensor>& parameters);
  void step();
  /// Takes the gradients away, as PyTorch does by default.
  void zero_gradient();
  /// The tensors that were given as parameters, some of which may be gone.
  std::vector<ft_handle> given;

 private:
  struct Parameter {
    at::Tensor tensor;
    /// Number of steps made; undefined before the first.
    at::Tensor step;
    std::vector<at::Tensor> state;
  };
  struct WriteBack {
    at::Tensor to;
    at::Tensor from;
  };

  void add_to_batch(std::vector<Batch>& batches, std::vector<WriteBack>& write_back, Parameter& parameter) const;

  const OptimizerRow& row_;
  std::vector<double> hyperparameters_;
  std::vector<bool> state_;
  std::vector<Parameter> parameters_;
};

inline constinit Slab<std::shared_ptr<Optimizer>, Kind::optim> optims;

}  // namespace ftorch
