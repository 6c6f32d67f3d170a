// SPDX-License-Identifier: MIT
// The stack on which a program finds its arguments and leaves its results.
#pragma once

#include <ATen/core/stack.h>

#include <utility>

namespace ftorch {

/// That of one pass. Its memory serves the next pass of this thread, of whatever model; a pass within an operator of this one, whose
/// arguments lie here, has another.
class PassStack {
 public:
  PassStack() : stack_(std::exchange(kept(), {})) {}
  ~PassStack() {
    stack_.clear();
    kept() = std::move(stack_);
  }
  PassStack(const PassStack&) = delete;
  PassStack& operator=(const PassStack&) = delete;
  torch::jit::Stack& operator*() { return stack_; }

 private:
  static torch::jit::Stack& kept() {
    static thread_local torch::jit::Stack stack;
    return stack;
  }

  torch::jit::Stack stack_;
};

}  // namespace ftorch
