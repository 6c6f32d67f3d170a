// SPDX-License-Identifier: MIT
// A function of the program as a node of the graph.
#pragma once

#include "autograd/host_function.h"

namespace ftorch {

/// Runs `function` on the inputs; outputs have a graph if something is recorded and an input has one. How many outputs there are
/// is the caller's.
Values apply(std::unique_ptr<HostFunction> function, const Values& inputs, std::size_t outputs_size);

/// While this lives, a recorded pass may go through functions of the program in the graph of `output`: the derivatives of their
/// adjoints are central differences of their forward passes.
class DifferencedAdjoints {
 public:
  explicit DifferencedAdjoints(const at::Tensor& output);
  ~DifferencedAdjoints();
  DifferencedAdjoints(const DifferencedAdjoints&) = delete;
  DifferencedAdjoints& operator=(const DifferencedAdjoints&) = delete;

 private:
  void allow(bool are_differenced);
  at::Tensor output_;
};

}  // namespace ftorch
