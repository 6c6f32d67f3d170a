// SPDX-License-Identifier: MIT
// A parameter of an optimizer: the leaf that learns, the program's array behind it, and its state.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "tensor/tensor.h"

namespace ftorch {

/// A tensor that was given as a parameter.
struct GivenParameter {
  at::Tensor leaf;
  Tensors::Identity tensor;
  /// Made over an array of the program.
  bool has_array;
  /// The leaf is a copy of an array of the host, which follows it: on a device, or where kernels cannot work on the array.
  bool copies_array;
};

struct Parameter {
  explicit Parameter(const GivenParameter& given);

  GivenParameter given;
  /// What messages call it.
  std::string name;
  /// Its parameter group.
  std::size_t group = 0;
  /// The leaf; as pairs of real numbers where it is complex.
  at::Tensor real;
  /// What kernels walk, as raw memory: `real`, or a dense copy where that has gaps.
  at::Tensor dense;
  /// Number of steps, float32; undefined before the first.
  at::Tensor step;
  std::vector<at::Tensor> state;

  bool has_gaps() const { return !dense.is_same(real); }
  at::Tensor& gradient() const { return given.leaf.mutable_grad(); }

  /// True while the tensor, or the memory of a model, is what it was when it was given.
  bool is_reachable() const;
  /// Fails where a step would change an array which may be gone, or a tensor that nobody sees, and for a gradient that does not
  /// belong to the leaf.
  void check() const;
  /// The gradient as a kernel can walk it beside `dense`.
  at::Tensor dense_gradient() const;
  /// To be called before the leaf changes: its numbers are those of the array behind it.
  void refresh() const;
  /// To be called before the leaf changes: graphs that need the old numbers have copies of them.
  void prepare() const;
  /// To be called when the leaf has changed: the array behind it follows.
  void publish() const;
};

/// "parameters(i)", with i from 1.
std::string parameter_name(std::size_t index);

/// The tensors behind `handles`, each of which can be trained, and not twice.
std::vector<Parameter> parameters_of(const ft_handle* handles, int64_t size);
/// Fails for two parameters with memory in common, whose names are in the message: their arrays, or else their own.
void check_disjoint(const std::vector<const Parameter*>& parameters);
/// Fails for one that was given before.
void check_distinct(const std::vector<const Parameter*>& parameters);

}  // namespace ftorch
