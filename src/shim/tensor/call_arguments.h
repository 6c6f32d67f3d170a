// SPDX-License-Identifier: MIT
// What a program gives to an operator by name.
#pragma once

#include <ATen/core/ivalue.h>

#include <unordered_set>
#include <vector>

#include "ftorch.h"
#include "tensor/alias_registry.h"

namespace ftorch {

/// Arguments as LibTorch's values. Where gradients are recorded, memory of the program goes in under tensors of its own.
class CallArguments {
 public:
  CallArguments(const ft_argument* arguments, int64_t size);
  CallArguments(const CallArguments&) = delete;
  ~CallArguments();
  const std::vector<c10::IValue>& values() const { return values_; }
  /// True for memory that one of the tensors has.
  bool has_memory(const at::Tensor& tensor) const;
  /// To be called after the operation, when only graphs hold what was given.
  void keep_apart() noexcept;

 private:
  c10::IValue value_of(const ft_argument& argument);
  at::Tensor value_of_handle(ft_handle handle);
  at::Tensor operand(ft_handle handle);

  const ft_argument* arguments_;
  int64_t size_;
  bool is_recorded_ = false;
  Operands operands_;
  std::unordered_set<const c10::StorageImpl*> memory_;
  std::vector<c10::IValue> values_;
};

}  // namespace ftorch
