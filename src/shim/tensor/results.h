// SPDX-License-Identifier: MIT
// Several results of one call: each is checked before any is written.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/text.h"
#include "tensor/tensor.h"

namespace ftorch {

using Values = std::vector<at::Tensor>;

/// What failures call several results: elements of one argument, `outputs(1)`, or arguments of their own.
class ResultNames {
 public:
  ResultNames(const char* list) : list_(list) {}  // NOLINT(google-explicit-constructor)
  explicit ResultNames(const char* const* each) : each_(each) {}
  const char* subject(std::size_t i) const { return each_ ? each_[i] : list_; }
  /// The index of an element; none for an argument of its own.
  std::int64_t index(std::size_t i) const { return each_ ? -1 : static_cast<std::int64_t>(i); }
  std::string text(std::size_t i) const { return each_ ? each_[i] : element_text(list_, i); }

 private:
  const char* list_ = nullptr;
  const char* const* each_ = nullptr;
};

/// The objects behind `targets`; null where there is none yet.
std::vector<Tensor*> find_targets(ResultNames names, const ft_handle* targets, int64_t size);

/// Fails when two targets are written over each other.
void check_apart(ResultNames names, at::ArrayRef<Tensor*> targets);

/// The value as the only one who changes it has it: in memory of its own, each element once.
at::Tensor own_value(at::Tensor value);

/// True when the memory of the tensor is an array of the program or a model's, which receives numbers.
bool names_memory(const Tensor& tensor);

/// Writes values that nobody else changes, as write_result() does. An undefined value empties its target; an array, or memory
/// of a model, gets zeros instead.
void write_results(ResultNames names, ft_handle* targets, Values values);

}  // namespace ftorch
