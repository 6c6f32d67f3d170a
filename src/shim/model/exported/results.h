// SPDX-License-Identifier: MIT
// What a program returns, as tensors.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "model/exported/operation.h"
#include "model/exported/schema.h"
#include "model/model.h"

namespace ftorch::exported {

class Results {
 public:
  /// Fails for a program that returns what is no tensor and no number; None is passed over.
  explicit Results(const Program& program);

  const std::vector<std::string>& names() const { return names_; }
  std::vector<Argument> arguments(const Program& program) const;
  /// Adds them to `results` from the outputs of the graph, which stand on the stack. Numbers become tensors without dimensions.
  void take(Stack& stack, PassTensors& results) const;

 private:
  /// Places among the outputs of the graph.
  std::vector<std::size_t> places_;
  std::vector<std::string> names_;
};

}  // namespace ftorch::exported
