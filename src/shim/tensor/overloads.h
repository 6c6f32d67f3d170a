// SPDX-License-Identifier: MIT
// Operators by name, and the overload that takes given arguments.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tensor/boxed.h"

namespace ftorch {

/// The overloads of an operator that compute results and write nothing, in the order in which PyTorch tries them.
class Overloads {
 public:
  /// Those of `clamp`, `aten::clamp` or `aten::clamp.Tensor`; fails, with similar names, if there are none that may be called.
  static const Overloads& find(std::string_view name);

  /// The first overload that takes `values`, in the order of its schema, and its arguments on `stack`. Fails with each schema and
  /// what it does not take.
  const BoxedOperator& match(const std::vector<c10::IValue>& values, torch::jit::Stack& stack) const;

 private:
  explicit Overloads(const std::string& name);

  std::vector<BoxedOperator> operators_;
};

}  // namespace ftorch
