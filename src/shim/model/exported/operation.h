// SPDX-License-Identifier: MIT
// What a step of a plan does: values on a stack are replaced by results.
#pragma once

#include <ATen/core/stack.h>

#include <memory>

#include "model/exported/arithmetic.h"
#include "tensor/boxed.h"

namespace ftorch::exported {

using torch::jit::Stack;

class Operation {
 public:
  Operation() = default;
  virtual ~Operation() = default;
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;

  /// Takes its arguments off the stack and puts its results there.
  virtual void run(Stack& stack) const = 0;
};

/// An operator of LibTorch or of an extension.
class OperatorCall final : public Operation {
 public:
  explicit OperatorCall(BoxedOperator boxed) : boxed_(boxed) {}
  void run(Stack& stack) const override { boxed_.call(stack); }

 private:
  BoxedOperator boxed_;
};

/// `aten::copy`, an assignment to a section in a decomposed program; LibTorch's own has no derivative.
class Copy final : public Operation {
 public:
  void run(Stack& stack) const override;
};

/// A function of sizes.
class NumberCall final : public Operation {
 public:
  NumberCall(const Function& function, std::size_t arguments, bool is_truth)
      : function_(function), arguments_(arguments), is_truth_(is_truth) {}
  void run(Stack& stack) const override;

 private:
  const Function& function_;
  std::size_t arguments_;
  bool is_truth_;
};

/// Counts a batch of a normalisation in training; in evaluation the counter, which is the first argument, stays.
class BatchCount final : public Operation {
 public:
  /// `is_training` is a truth that changes with the mode.
  BatchCount(BoxedOperator add, const c10::IValue& is_training) : add_(add), is_training_(is_training) {}
  void run(Stack& stack) const override;

 private:
  BoxedOperator add_;
  const c10::IValue& is_training_;
};

}  // namespace ftorch::exported
