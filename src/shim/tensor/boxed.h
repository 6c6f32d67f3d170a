// SPDX-License-Identifier: MIT
// Operators of LibTorch and its extensions, found by name once and called with their arguments on a stack.
#pragma once

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/stack.h>

#include <optional>
#include <string>

namespace ftorch {

class BoxedOperator {
 public:
  /// `aten::add` and `Tensor`; nothing if it is not registered.
  static std::optional<BoxedOperator> find(const std::string& name, const std::string& overload);

  const c10::FunctionSchema& schema() const { return handle_.schema(); }
  bool has_kernel(c10::DispatchKey key) const { return handle_.hasKernelForDispatchKey(key); }
  /// Takes one value for each argument off the stack and puts one for each result.
  void call(torch::jit::Stack& stack) const { handle_.callBoxed(stack); }

 private:
  explicit BoxedOperator(c10::OperatorHandle handle) : handle_(handle) {}

  c10::OperatorHandle handle_;
};

/// The value as an argument of an operator's type: Python's integers serve real arguments, numbers serve tensors, one number serves a
/// list of fixed length. Fails for what cannot be it.
c10::IValue as_argument(const c10::IValue& value, const c10::Argument& argument);

/// True for a dtype, a layout and a memory format.
bool is_choice(const c10::Argument& argument);

/// The type of an argument without `Optional`.
const c10::Type& plain_type(const c10::Argument& argument);

}  // namespace ftorch
