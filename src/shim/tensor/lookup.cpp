// SPDX-License-Identifier: MIT
// The lookups of an entry: how they end, and those beyond the number that most entries make.

#include "core/lookup.h"

#include <algorithm>

#include "tensor/alias_registry.h"

namespace ftorch {

std::vector<Tensor*>& Lookups::beyond() {
  thread_local std::vector<Tensor*> list;
  return list;
}

void Lookups::forget(const Tensor& tensor) noexcept {
  std::replace(tensors_, tensors_ + size_, const_cast<Tensor*>(&tensor), static_cast<Tensor*>(nullptr));
  if (size_ == capacity) std::erase(beyond(), &tensor);
}

void Lookups::end(int first) noexcept {
  for_each(first, [](Tensor& tensor) { enter_held(tensor); });
  if (first == 0 && size_ == capacity) beyond().clear();
  size_ = first;
}

}  // namespace ftorch
