// SPDX-License-Identifier: MIT
// The loop over the steps of a block.

#include "model/exported/block.h"

#include <ATen/core/List.h>

#include "core/error.h"
#include "core/text.h"

namespace ftorch::exported {
namespace {

void push(Stack& stack, std::size_t base, const Operand& operand);

/// Of sizes, which are the lists that come often; others are made by way of a list of anything.
c10::List<std::int64_t> sizes_of(const Stack& stack, std::size_t base, const Operand& operand) {
  c10::List<std::int64_t> sizes;
  sizes.reserve(operand.elements.size());
  for (const Operand& element : operand.elements)
    sizes.push_back((element.constant ? *element.constant : stack[base + element.slot]).toInt());
  return sizes;
}

c10::List<at::Tensor> tensors_of(const Stack& stack, std::size_t base, const Operand& operand) {
  c10::List<at::Tensor> tensors;
  tensors.reserve(operand.elements.size());
  for (const Operand& element : operand.elements)
    tensors.push_back((element.constant ? *element.constant : stack[base + element.slot]).toTensor());
  return tensors;
}

c10::List<c10::IValue> values_of(const Stack& stack, std::size_t base, const Operand& operand) {
  c10::List<c10::IValue> values(c10::AnyType::get());
  for (const Operand& element : operand.elements)
    values.push_back(element.constant ? *element.constant : stack[base + element.slot]);
  return values;
}

c10::IValue list_of(const Stack& stack, std::size_t base, const Operand& operand) {
  const c10::Type& type = plain_type(*operand.argument);
  const c10::TypeKind element = type.kind() == c10::TypeKind::ListType ? type.containedTypes()[0]->kind() : type.kind();
  if (element == c10::TypeKind::IntType || element == c10::TypeKind::SymIntType) return sizes_of(stack, base, operand);
  if (element == c10::TypeKind::TensorType) return tensors_of(stack, base, operand);
  return as_argument(values_of(stack, base, operand), *operand.argument);
}

void push(Stack& stack, std::size_t base, const Operand& operand) {
  switch (operand.kind) {
    case Operand::Kind::constant: stack.push_back(*operand.constant); return;
    case Operand::Kind::value: stack.push_back(stack[base + operand.slot]); break;
    case Operand::Kind::last: stack.push_back(std::move(stack[base + operand.slot])); break;
    case Operand::Kind::list:
      stack.push_back(list_of(stack, base, operand));
      for (const Operand& element : operand.elements) {
        if (element.kind == Operand::Kind::last) stack[base + element.slot] = c10::IValue();
      }
      return;
  }
  if (operand.argument) [[unlikely]]
    stack.back() = as_argument(stack.back(), *operand.argument);
}

void store_list(Stack& stack, std::size_t base, const Target& target, const c10::IValue& list) {
  const std::vector<c10::IValue> values = list.toListRef().vec();
  if (values.size() != target.slots.size())
    fail(ft_model_error,
         "it makes " + std::to_string(values.size()) + " tensors, not " + std::to_string(target.slots.size()));
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (target.slots[i] != Target::nowhere) stack[base + static_cast<std::size_t>(target.slots[i])] = values[i];
  }
}

void store(Stack& stack, std::size_t base, const Step& step) {
  const std::size_t first = stack.size() - step.targets.size();
  for (std::size_t i = 0; i < step.targets.size(); ++i) {
    const Target& target = step.targets[i];
    if (target.is_list) store_list(stack, base, target, stack[first + i]);
    else if (target.slot != Target::nowhere)
      stack[base + static_cast<std::size_t>(target.slot)] = std::move(stack[first + i]);
  }
  torch::jit::drop(stack, step.targets.size());
}

}  // namespace

void Block::run_steps(Stack& stack, std::size_t base) const {
  const Step* step = steps.data();
  const DeferredContext context([&] { return step->title; });
  for (const Step* const end = step + steps.size(); step != end; ++step) {
    for (const Operand& operand : step->operands) push(stack, base, operand);
    step->operation->run(stack);
    store(stack, base, *step);
  }
}

void Block::run(Stack& stack) const {
  const std::size_t base = stack.size() - inputs;
  stack.resize(base + slots);
  run_steps(stack, base);
  const std::size_t first = stack.size();
  for (const Operand& output : outputs) push(stack, base, output);
  for (std::size_t i = 0; i < outputs.size(); ++i) stack[base + i] = std::move(stack[first + i]);
  stack.resize(base + outputs.size());
}

}  // namespace ftorch::exported
