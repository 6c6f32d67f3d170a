// SPDX-License-Identifier: MIT
// Operations on numbers and counters.

#include "model/exported/operation.h"

#include <ATen/ops/empty_like.h>
#include <c10/util/SmallVector.h>

namespace ftorch::exported {

void NumberCall::run(Stack& stack) const {
  c10::SmallVector<Number, 4> arguments;
  for (const c10::IValue& value : torch::jit::last(stack, arguments_)) arguments.emplace_back(value);
  const Number result = function_.evaluate(arguments.data(), arguments.size());
  torch::jit::drop(stack, arguments_);
  if (is_truth_) stack.emplace_back(result.as_truth());
  else if (result.is_real) stack.emplace_back(result.real);
  else stack.emplace_back(result.integer);
}

void Copy::run(Stack& stack) const {
  torch::jit::drop(stack, 1);
  const at::Tensor source = torch::jit::pop(stack).toTensor();
  const at::Tensor target = torch::jit::pop(stack).toTensor();
  stack.emplace_back(at::empty_like(target.detach()).copy_(source));
}

void BatchCount::run(Stack& stack) const {
  if (is_training_.toBool()) add_.call(stack);
  else torch::jit::drop(stack, add_.schema().arguments().size() - 1);
}

}  // namespace ftorch::exported
