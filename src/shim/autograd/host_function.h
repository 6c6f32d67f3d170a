// SPDX-License-Identifier: MIT
// A function of the program with its adjoint: an object on the Fortran side and the procedures that run it.
#pragma once

#include <memory>

#include "tensor/results.h"

namespace ftorch {

class HostFunction {
 public:
  /// Owns the object behind `function`.
  explicit HostFunction(const ft_function& function) : function_(function) {}
  ~HostFunction() { function_.release(function_.context); }
  HostFunction(const HostFunction&) = delete;
  HostFunction& operator=(const HostFunction&) = delete;

  /// Another object with the same values.
  std::unique_ptr<HostFunction> copy() const;
  /// The outputs, of whom the function keeps nothing; inputs[i] says whether it takes a gradient. May change the object.
  Values forward(const Values& inputs, std::size_t outputs_size);
  /// What the program says the gradients of the inputs are: undefined where it left one empty.
  Values backward(const Values& output_gradients, const Values& inputs, const Values& outputs);

 private:
  ft_function function_;
};

/// The value as the program is shown it: plain numbers without a graph, with requires_grad if `takes_gradient`.
at::Tensor shown(const at::Tensor& value, bool takes_gradient = false);

}  // namespace ftorch
