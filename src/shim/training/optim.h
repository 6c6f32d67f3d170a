// SPDX-License-Identifier: MIT
// The object behind an optimizer's handle: parameters, their state, and the catalog's row that says how to step.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "tensor/tensor.h"

namespace ftorch {

/// What one call of a kernel steps: parameters of one dtype and device; state[k] is the k-th state tensor of each.
struct FusedGroup {
  std::vector<at::Tensor> parameters;
  std::vector<at::Tensor> gradients;
  std::vector<at::Tensor> steps;
  std::vector<std::vector<at::Tensor>> state;
  /// Indices among the optimizer's parameters.
  std::vector<std::size_t> members;
  bool first_step = false;
  bool on_host = false;
  /// Too small to be worth an OpenMP region.
  bool is_small = false;
};

struct Hyperparameter {
  const char* name;
  double upper_bound;
};

/// One row of the catalog; `values` are hyperparameters in its order.
struct OptimizerRow {
  std::span<const Hyperparameter> hyperparameters;
  /// What is wrong with the hyperparameters together, or null.
  const char* (*broken_rule)(const double* values);
  /// What the elements of each state tensor are before the first step; nothing where it is not needed.
  std::vector<std::optional<double>> (*state)(const double* values);
  /// Changes parameters and state in place; a fused kernel allocates nothing on the host, so that it does not fail half-way.
  void (*step)(const double* values, const FusedGroup& group);
};

/// The row of a number; ft_invalid_argument when the catalog has none.
const OptimizerRow& optimizer_row(int number);

/// A tensor that was given as a parameter.
struct GivenParameter {
  at::Tensor leaf;
  Tensors::Identity tensor;
  /// Made over an array of the program.
  bool has_array;
  /// The leaf is a copy of an array of the host, which follows it: on a device, or where kernels cannot work on the array.
  bool copies_array;
};

/// Fails for hyperparameters out of range.
void check_hyperparameters(const OptimizerRow& row, const std::vector<double>& values);
/// Fails for parameters that cannot be trained.
void check_parameters(const std::vector<GivenParameter>& parameters);
/// Fails for two parameters with memory in common: their arrays, or else their own.
void check_disjoint(const std::vector<at::Tensor>& memories);
/// "parameters(i)", with i from 1.
std::string parameter_name(std::size_t index);

class Optimizer {
 public:
  Optimizer(const OptimizerRow& row, std::vector<double> hyperparameters,
            const std::vector<GivenParameter>& parameters);
  /// Either all parameters that have a gradient are stepped, or nothing has changed; without a fused kernel, unless memory ends.
  void step();
  /// Takes the gradients away, as PyTorch does by default.
  void zero_gradient();

 private:
  enum class Turn : std::uint8_t { none, first, later };

  struct Parameter {
    GivenParameter original;
    /// The leaf; as pairs of real numbers where it is complex.
    at::Tensor real;
    /// What the kernels walk, as raw memory: `real`, or a dense copy where that has gaps.
    at::Tensor dense;
    /// Number of steps, float32; undefined before the first.
    at::Tensor step;
    std::vector<at::Tensor> state;
    bool has_stepped = false;
    Turn turn = Turn::none;
    bool has_gaps() const { return !dense.is_same(real); }
  };

  void update_turns();
  void make_state(Parameter& parameter) const;
  void regroup();
  FusedGroup& group_of(std::vector<FusedGroup>& groups, const Parameter& parameter) const;
  void refresh();
  void step(const FusedGroup& group);

  const OptimizerRow& row_;
  std::vector<double> hyperparameters_;
  std::vector<std::optional<double>> state_;
  std::vector<Parameter> parameters_;
  /// Those of the last step, kept as long as the same parameters take part.
  std::vector<FusedGroup> groups_;
};

inline constinit Slab<std::shared_ptr<Optimizer>, Kind::optim> optims;

}  // namespace ftorch
