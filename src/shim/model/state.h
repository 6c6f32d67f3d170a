// SPDX-License-Identifier: MIT
// What a forward pass may change in a TorchScript model, such as the statistics of a batch norm.
#pragma once

#include <ATen/core/ivalue.h>

#include <functional>
#include <vector>

#include "model/effects.h"

namespace ftorch {

class State {
 public:
  State() = default;
  State(Changes changes, c10::IValue module);

  /// What puts it back as it is now; null when there is nothing to put back.
  std::function<void()> saved() const;
  bool is_empty() const { return !changes_.is_unknown && places_.empty() && changes_.constants.empty(); }

 private:
  struct Place {
    c10::intrusive_ptr<c10::ivalue::Object> object;
    Changes::Slot slot;
  };
  std::vector<Place> find_places() const;

  Changes changes_;
  c10::IValue module_;
  std::vector<Place> places_;
};

}  // namespace ftorch
