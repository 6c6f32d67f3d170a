// SPDX-License-Identifier: MIT
// Tensors of a TorchScript model that a forward pass changes: found when it is loaded, saved before a pass.

#include "model/state.h"

#include <ATen/core/class_type.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>

#include "tensor/elements.h"

namespace ftorch {
namespace {

struct Saved {
  c10::intrusive_ptr<c10::ivalue::Object> object;
  std::size_t slot;
  at::Tensor tensor;
  at::Tensor numbers;
};

void put_back(const std::vector<Saved>& all) {
  for (const Saved& saved : all) {
    copy_numbers(saved.tensor, saved.numbers);
    if (!saved.object->getSlot(saved.slot).toTensor().is_same(saved.tensor))
      saved.object->setSlot(saved.slot, saved.tensor);
  }
}

}  // namespace

State::State(const std::vector<Changed>& changed, const c10::IValue& module) {
  module.visit([&](const c10::IValue& part) {
    if (!part.isObject()) return false;
    const auto object = part.toObject();
    for (const Changed& one : changed) {
      if (object->type().get() != one.owner) continue;
      const std::size_t slot = object->type()->getAttributeSlot(one.name);
      if (object->getSlot(slot).isTensor()) places_.push_back({object, slot, one.in_training_only});
    }
    return false;
  });
}

std::function<void()> State::saved(bool is_training) const {
  at::NoGradGuard no_grad;
  std::vector<Saved> all;
  for (const auto& [object, slot, in_training_only] : places_) {
    if (in_training_only && !is_training) continue;
    const at::Tensor& tensor = object->getSlot(slot).toTensor();
    if (tensor.defined()) all.push_back({object, slot, tensor, tensor.detach().clone()});
  }
  if (all.empty()) return {};
  return [all = std::move(all)] { put_back(all); };
}

}  // namespace ftorch
