// SPDX-License-Identifier: MIT
// Tensors of a TorchScript model that a forward pass changes, such as the statistics of a batch norm.
#pragma once

#include <ATen/core/ivalue.h>

#include <functional>
#include <vector>

#include "model/effects.h"

namespace ftorch {

class State {
 public:
  State() = default;
  State(const std::vector<Changed>& changed, const c10::IValue& module);

  /// What puts the tensors back as they are now; null when there is nothing to put back.
  std::function<void()> saved(bool is_training) const;

 private:
  struct Place {
    c10::intrusive_ptr<c10::ivalue::Object> object;
    std::size_t slot;
    bool in_training_only;
  };
  std::vector<Place> places_;
};

}  // namespace ftorch
